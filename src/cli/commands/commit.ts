// `diff` and `commit`: what a container has changed of its image, shown and kept.
import { changesOf, commitContainer } from '../../engine/index.ts';
import type { Command } from '../command.ts';
import { openContainers } from '../containers.ts';

const LETTERS = { added: 'A', changed: 'C', deleted: 'D' } as const;

export const diff: Command = {
  name: 'diff',
  summary: 'Show the files that a container changed',
  usage: 'CONTAINER',
  examples: ['slipway diff web', 'slipway diff web | grep ^A'],
  args: { min: 1, max: 1 },
  options: [],
  async run(ctx, _o, [word = '']) {
    const containers = await openContainers(ctx);
    const changes = changesOf(containers, containers.records.resolve(word));
    ctx.stdout.write(changes.map(({ kind, path }) => `${LETTERS[kind]} ${path}\n`).join(''));
  },
};

export const commit: Command = {
  name: 'commit',
  summary: 'Create an image from a container',
  usage: '[OPTIONS] CONTAINER [REPOSITORY[:TAG]]',
  examples: ['slipway commit web web:kept', 'slipway commit -c \'CMD ["sh"]\' -m "with tools" web tools'],
  args: { min: 1, max: 2 },
  options: [
    { name: 'author', short: 'a', type: 'string', placeholder: 'name', help: 'Author of the image' },
    { name: 'change', short: 'c', type: 'list', placeholder: 'instruction', help: 'Apply Dockerfile instructions to the image' },
    { name: 'message', short: 'm', type: 'string', placeholder: 'text', help: 'Comment for the history' },
    { name: 'no-pause', type: 'boolean', help: 'Do not pause the container' },
    { name: 'pause', short: 'p', type: 'boolean', help: 'Pause the container during the commit (true)' },
  ],
  async run(ctx, o, [word = '', name]) {
    const containers = await openContainers(ctx);
    const author = o.string('author');
    const message = o.string('message');
    const image = await commitContainer(containers, containers.records.resolve(word), {
      changes: o.list('change'),
      pause: !o.bool('no-pause') && (!o.has('pause') || o.bool('pause')),
      ...(name !== undefined && { name }),
      ...(author !== undefined && { author }),
      ...(message !== undefined && { message }),
    });
    ctx.stdout.write(`${image.id}\n`);
  },
};
