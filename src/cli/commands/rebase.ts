// `image rebase`: an image on a newer base, without building it again.
import { rebaseImage } from '../../engine/index.ts';
import { familiarReference, parseReference } from '../../model/index.ts';
import type { Command } from '../command.ts';

export const rebase: Command = {
  name: 'image rebase',
  summary: 'Put the layers of an image on another base, without building it again',
  usage: '[OPTIONS] IMAGE NEWBASE',
  examples: ['slipway image rebase -t app:patched app debian:12', 'slipway image rebase --from debian:12.1 -t app:patched app debian:12.2'],
  args: { min: 2, max: 2 },
  options: [
    {
      name: 'from',
      type: 'string',
      placeholder: 'image',
      help: 'What the image was built on; found by the repository of NEWBASE when left out',
    },
    { name: 'tag', short: 't', type: 'list', placeholder: 'name', help: 'Name of the result' },
  ],
  async run(ctx, o, [image = '', onto = '']) {
    const from = o.string('from');
    const done = await rebaseImage(await ctx.engine(), { image, onto, names: o.list('tag'), ...(from !== undefined && { from }) });
    const [known] = done.from.names;
    const name = known === undefined ? done.from.id : familiarReference(parseReference(known));
    const layers = `${done.layers} layer${done.layers === 1 ? '' : 's'}`;
    ctx.stderr.write(`${layers} of ${image} moved from ${name} to ${onto}\n`);
    ctx.stdout.write(`${done.image.id}\n`);
  },
};
