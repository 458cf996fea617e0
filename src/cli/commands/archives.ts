// Commands on archives: save, load, import and export.
import { resolve } from 'node:path';
import { exportContainer, importImage, type LayerProgress, loadImages, saveImages } from '../../engine/index.ts';
import { familiarReference, parsePlatform, parseReference, SlipwayError } from '../../model/index.ts';
import { formatBytes } from '../../util/index.ts';
import type { Command, Context } from '../command.ts';
import { checkPlatform, PLATFORM, wantedPlatform } from '../image-platform.ts';

export const load: Command = {
  name: 'load',
  summary: 'Load images from an archive',
  usage: '[OPTIONS]',
  examples: ['slipway load -i app.tar', 'slipway load < app.tar.gz'],
  args: { min: 0, max: 0 },
  options: [
    { name: 'input', short: 'i', type: 'string', placeholder: 'file', help: 'Read from a file instead of standard input' },
    PLATFORM,
    { name: 'quiet', short: 'q', type: 'boolean', help: 'Show no progress' },
  ],
  async run(ctx, o) {
    const wanted = wantedPlatform(o);
    const engine = await ctx.engine();
    const input = o.string('input');
    if (input === undefined && ctx.stdin.isTTY)
      throw new SlipwayError('invalid-argument', 'cli.load', 'requested load from stdin, but stdin is empty', {
        hints: ['slipway load -i FILE'],
      });
    const loaded = await naming(input, () =>
      loadImages(engine, input === undefined ? ctx.stdin : resolve(ctx.cwd, input), {
        signal: ctx.signal,
        ...(wanted && { platform: wanted }),
        ...(!o.bool('quiet') && { onProgress: layerLines(ctx) }),
      }),
    );
    for (const l of loaded) {
      for (const r of l.replaced)
        ctx.stdout.write(
          `The image ${familiarReference(parseReference(r.name))} already exists, renaming the old one with ID ${r.id} to empty string\n`,
        );
      ctx.stdout.write(
        l.names.length > 0
          ? l.names.map((n) => `Loaded image: ${familiarReference(parseReference(n))}\n`).join('')
          : `Loaded image ID: ${l.image.id}\n`,
      );
    }
  },
};

/** A file that is missing is named as the user did. */
async function naming<T>(word: string | undefined, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (e) {
    if (word === undefined || (e as NodeJS.ErrnoException).code !== 'ENOENT') throw e;
    throw new SlipwayError('not-found', 'cli.archive', `open ${word}: no such file or directory`, { cause: e });
  }
}

/** A line for each layer on a terminal; into pipes nothing, as Docker does. */
function layerLines(ctx: Context): (p: LayerProgress) => void {
  if (!ctx.stderr.isTTY) return () => {};
  let last = 0;
  return (p) => {
    const now = ctx.now();
    if (p.state !== 'done' && now - last < 100) return;
    last = now;
    const total = p.total === undefined ? '' : `/${formatBytes(p.total)}`;
    const line = `${p.digest.slice(7, 19)}: ${p.state} ${formatBytes(p.current)}${total}${p.state === 'done' ? '\n' : ''}`;
    ctx.stderr.write(Buffer.from(`\r\u001b[K${line}`));
  };
}

export const save: Command = {
  name: 'save',
  summary: 'Save images to an archive',
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  examples: ['slipway save -o app.tar app', 'slipway save app | gzip > app.tar.gz'],
  args: { min: 1 },
  options: [
    { name: 'output', short: 'o', type: 'string', placeholder: 'file', help: 'Write to a file instead of standard output' },
    PLATFORM,
  ],
  async run(ctx, o, args) {
    const wanted = wantedPlatform(o);
    const engine = await ctx.engine();
    for (const ref of args) checkPlatform(engine, ref, wanted);
    const output = o.string('output');
    if (output === undefined && ctx.stdout.isTTY)
      throw new SlipwayError('invalid-argument', 'cli.save', 'cowardly refusing to save to a terminal. Use the -o flag or redirect');
    await saveImages(engine, args, output === undefined ? 1 : resolve(ctx.cwd, output), {
      signal: ctx.signal,
      ...(output !== undefined && { onProgress: layerLines(ctx) }),
    });
  },
};

export const importCommand: Command = {
  name: 'import',
  summary: 'Create an image from a root file system',
  usage: '[OPTIONS] FILE|- [REPOSITORY[:TAG]]',
  examples: ['slipway import rootfs.tar mine:1', 'slipway import -c \'CMD ["sh"]\' - mine < rootfs.tar'],
  args: { min: 1, max: 2 },
  options: [
    { name: 'change', short: 'c', type: 'list', placeholder: 'instruction', help: 'Apply Dockerfile instructions to the image' },
    { name: 'message', short: 'm', type: 'string', placeholder: 'text', help: 'Comment for the history' },
    { name: 'platform', type: 'string', placeholder: 'os/arch', help: 'Platform of the image' },
  ],
  async run(ctx, o, args) {
    const engine = await ctx.engine();
    const [source = '', name] = args;
    if (/^https?:\/\//.test(source))
      throw new SlipwayError('unsupported', 'cli.import', 'importing from an address is not supported', {
        hints: [`curl ${source} | slipway import - ${name ?? ''}`],
      });
    const platform = o.string('platform');
    const message = o.string('message');
    const from = source === '-' ? ctx.stdin : resolve(ctx.cwd, source);
    const image = await naming(source, () =>
      importImage(engine, from, {
        changes: o.list('change'),
        ...(message !== undefined && { message }),
        ...(name !== undefined && { name }),
        ...(platform !== undefined && { platform: parsePlatform(platform) }),
        created: new Date(ctx.now()),
        signal: ctx.signal,
      }),
    );
    ctx.stdout.write(`${image.id}\n`);
  },
};

export const exportCommand: Command = {
  name: 'export',
  summary: 'Export the file system of a container as an archive',
  usage: '[OPTIONS] CONTAINER',
  examples: ['slipway export -o files.tar web', 'slipway export web | tar tf -'],
  args: { min: 1, max: 1 },
  options: [{ name: 'output', short: 'o', type: 'string', placeholder: 'file', help: 'Write to a file instead of standard output' }],
  async run(ctx, o, args) {
    const engine = await ctx.engine();
    const output = o.string('output');
    if (output === undefined && ctx.stdout.isTTY)
      throw new SlipwayError('invalid-argument', 'cli.export', 'cowardly refusing to save to a terminal. Use the -o flag or redirect');
    await exportContainer(engine, args[0] ?? '', output === undefined ? 1 : resolve(ctx.cwd, output), ctx.signal);
  },
};
