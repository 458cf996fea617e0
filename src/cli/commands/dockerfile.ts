// Commands on Dockerfiles as texts: the parser by itself, without a build or a store.
import { statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { flattenDockerfile, formatDockerfile, parseDockerfile, partReader, plainTree } from '../../engine/index.ts';
import { isSlipwayError, SlipwayError } from '../../model/index.ts';
import { readInput, readStream, whyNotRead, writeFileAtomic, writeOutput } from '../../sys/index.ts';
import type { Command, Context } from '../command.ts';
import { renderExcerpt } from '../excerpt.ts';

async function read(ctx: Context, name: string): Promise<Buffer> {
  try {
    return await (name === '-' ? readStream(ctx.stdin, 'stdin') : readInput(resolve(ctx.cwd, name), { signal: ctx.signal }));
  } catch (e) {
    const { code } = e as NodeJS.ErrnoException;
    if (code === undefined) throw e;
    const why = code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'it is a folder' : (whyNotRead(e) ?? code);
    throw new SlipwayError(code === 'ENOENT' ? 'not-found' : 'invalid-argument', 'cli.file', `cannot read ${shown(name)}: ${why}`, {
      cause: e,
    });
  }
}

/** Runs `work`, and shows the place of a fault of the language before its message. */
function explained<T>(ctx: Context, work: () => T): T {
  try {
    return work();
  } catch (e) {
    if (isSlipwayError(e) && e.source !== undefined) ctx.stderr.write(renderExcerpt(e.source));
    throw e;
  }
}

const shown = (name: string): string => (name === '-' ? 'standard input' : name);

/** A range over six lines says no more than one on a single line. */
const RANGE = /\[\n\s+(\d+),\n\s+(\d+),\n\s+(\d+),\n\s+(\d+)\n\s+\]/g;

export const ast: Command = {
  name: 'dockerfile ast',
  summary: 'Print the syntax tree of a Dockerfile as JSON',
  usage: '[FILE|-]',
  examples: ['slipway dockerfile ast', "slipway dockerfile ast Dockerfile | jq '.stages[].base'"],
  args: { min: 0, max: 1 },
  options: [],
  async run(ctx, _, args) {
    const name = args[0] ?? 'Dockerfile';
    const text = await read(ctx, name);
    const include = partReader(ctx.cwd, name === '-' ? undefined : { path: resolve(ctx.cwd, name), name });
    const tree = explained(ctx, () => plainTree(parseDockerfile(text, { name: shown(name), include })));
    ctx.stdout.write(`${JSON.stringify(tree, null, 2).replace(RANGE, '[$1, $2, $3, $4]')}\n`);
  },
};

export const format: Command = {
  name: 'dockerfile format',
  summary: 'Format Dockerfiles without changing their meaning',
  usage: '[OPTIONS] [FILE|-]...',
  examples: [
    'slipway dockerfile format > Dockerfile.new',
    'slipway dockerfile format --write Dockerfile',
    'slipway dockerfile format --check',
  ],
  args: { min: 0 },
  options: [
    { name: 'check', type: 'boolean', help: 'List files that are not formatted, and exit with 1 if there are any' },
    { name: 'write', short: 'w', type: 'boolean', help: 'Write the result to the files instead of printing it' },
  ],
  async run(ctx, o, args) {
    const names = args.length > 0 ? args : ['Dockerfile'];
    if (o.bool('write') && names.includes('-'))
      throw new SlipwayError('invalid-argument', 'cli.flag', '--write needs a file, not standard input', { exitCode: 125 });
    let differing = 0;
    for (const name of names) {
      const text = await read(ctx, name);
      const formatted = explained(ctx, () => formatDockerfile(text, { name: shown(name) }));
      if (!o.bool('check') && !o.bool('write')) ctx.stdout.write(formatted);
      else if (!text.equals(Buffer.from(formatted))) {
        differing++;
        ctx.stdout.write(`${shown(name)}\n`);
        const path = resolve(ctx.cwd, name);
        if (o.bool('write')) writeFileAtomic(path, formatted, { mode: statSync(path).mode & 0o7777 });
      }
    }
    return o.bool('check') && !o.bool('write') && differing > 0 ? 1 : 0;
  },
};

export const flatten: Command = {
  name: 'dockerfile flatten',
  summary: 'Write a Dockerfile with all that it includes, for any builder',
  usage: '[OPTIONS] [PATH]',
  examples: ['slipway dockerfile flatten > Dockerfile.plain', 'slipway dockerfile flatten -f build/Dockerfile -o build/Dockerfile.plain .'],
  args: { min: 0, max: 1 },
  options: [
    { name: 'file', short: 'f', type: 'string', placeholder: 'path', help: 'Name of the Dockerfile (default: PATH/Dockerfile)' },
    { name: 'output', short: 'o', type: 'string', placeholder: 'file', help: 'Write the result into a file instead of printing it' },
  ],
  async run(ctx, o, [path = '.']) {
    const context = resolve(ctx.cwd, path);
    const name = o.string('file') ?? join(path, 'Dockerfile');
    const text = await read(ctx, name);
    const include = partReader(context, name === '-' ? undefined : { path: resolve(ctx.cwd, name), name });
    const plain = flattenDockerfile(text, { name: name === '-' ? shown(name) : basename(name), include });
    const output = o.string('output');
    if (output === undefined) ctx.stdout.write(plain);
    else await writeOutput(resolve(ctx.cwd, output), plain, ctx.signal);
  },
};
