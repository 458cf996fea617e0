// `tour`: the multi-stage lab.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from '../command.ts';
import { runTour } from '../tour/tour.ts';

export const tour: Command = {
  name: 'tour',
  summary: 'Watch real multi-stage builds and containers, step by step',
  usage: '',
  examples: ['slipway tour'],
  args: { min: 0, max: 0 },
  options: [],
  async run(ctx) {
    const root = join(ctx.settings.root, 'tour');
    const run = join(ctx.settings.run, 'tour');
    await runTour({
      selfCommand: ctx.selfCommand,
      env: { ...ctx.env, SLIPWAY_ROOT: root, SLIPWAY_RUN: run },
      root,
      temporary: tmpdir(),
      signal: ctx.signal,
      color: ctx.settings.color,
      write: (text) => void ctx.stdout.write(text),
    });
    ctx.stdout.write(
      `\nThe images of the tour stay in a store of their own, so that the next one is quicker. To remove them:\n  SLIPWAY_ROOT=${root} SLIPWAY_RUN=${run} slipway system prune -af\n`,
    );
  },
};
