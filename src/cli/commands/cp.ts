// `cp`: files between a container and this machine; `-` is a tar on standard input or output.
import { isAbsolute, resolve } from 'node:path';
import { copying, openSink } from '../../engine/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { formatBytes } from '../../util/index.ts';
import type { Command, Context } from '../command.ts';
import { openContainers } from '../containers.ts';

/** `CONTAINER:PATH`; a path that begins with a slash or a dot is one of this machine. */
function split(word: string): { readonly container?: string; readonly path: string } {
  const colon = word.indexOf(':');
  if (isAbsolute(word) || colon <= 0 || word.startsWith('.')) return { path: word };
  return { container: word.slice(0, colon), path: word.slice(colon + 1) };
}

/** With a slash or dot at the end as it was given: these say something. */
function absolute(ctx: Context, path: string): string {
  const end = /\/\.?$/.exec(path)?.[0] ?? (path === '.' ? '/.' : '');
  return resolve(ctx.cwd, path).replace(/\/$/, '') + end;
}

export const cp: Command = {
  name: 'cp',
  summary: 'Copy files between a container and this machine',
  usage: '[OPTIONS] CONTAINER:PATH PATH|- | PATH|- CONTAINER:PATH',
  examples: ['slipway cp web:/etc/hosts .', 'slipway cp site/. web:/srv', 'slipway cp web:/srv - | tar t'],
  args: { min: 2, max: 2 },
  options: [
    { name: 'archive', short: 'a', type: 'boolean', help: 'Keep the owners of copied files' },
    { name: 'follow-link', short: 'L', type: 'boolean', help: 'Follow a symbolic link given as source' },
    { name: 'quiet', short: 'q', type: 'boolean', help: 'Print nothing' },
  ],
  async run(ctx, o, [from = '', to = '']) {
    const [source, destination] = [split(from), split(to)];
    if (from === '') throw refused('source can not be empty');
    if (to === '') throw refused('destination can not be empty');
    if (source.container !== undefined && destination.container !== undefined) throw refused('copying between containers is not supported');
    const word = source.container ?? destination.container;
    if (word === undefined) throw refused('must specify at least one container source');
    const containers = await openContainers(ctx);
    const c = containers.records.resolve(word);
    const options = { follow: o.bool('follow-link'), archive: o.bool('archive') };
    if (from === '-') return copying.archiveIn(containers, c, ctx.stdin as AsyncIterable<Buffer>, destination.path);
    if (to === '-') {
      if (ctx.stdout.isTTY) throw refused('cowardly refusing to write an archive to a terminal: redirect it');
      const sink = await openSink(1, ctx.signal);
      await copying.archiveOut(containers, c, source.path, options, (chunk) => sink.write(chunk));
      return sink.finish();
    }
    const size =
      source.container === undefined
        ? await copying.copyIn(containers, c, absolute(ctx, source.path), destination.path, options)
        : await copying.copyOut(containers, c, source.path, absolute(ctx, destination.path), options);
    if (ctx.stderr.isTTY && !o.bool('quiet')) ctx.stderr.write(`Successfully copied ${formatBytes(size, 3)} to ${to}\n`);
  },
};

const refused = (message: string): SlipwayError => new SlipwayError('invalid-argument', 'cli.cp', message);
