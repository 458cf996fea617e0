// `tour`: the multi-stage lab.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TOUR_STORE } from '../../engine/index.ts';
import { isSlipwayError } from '../../model/index.ts';
import type { Command } from '../command.ts';
import { readerOn } from '../tour/reader.ts';
import { wrapped } from '../tour/shell.ts';
import { runTour } from '../tour/tour.ts';

/** Of output that is no terminal. */
const USUAL_COLUMNS = 80;

export const tour: Command = {
  name: 'tour',
  summary: 'Watch real multi-stage builds and containers, step by step',
  usage: '[OPTIONS]',
  examples: ['slipway tour', 'slipway tour --yes   (without waiting for Enter)'],
  args: { min: 0, max: 0 },
  options: [{ name: 'yes', short: 'y', type: 'boolean', help: 'Do not wait for Enter before each command' }],
  async run(ctx, o) {
    const root = join(ctx.settings.root, TOUR_STORE);
    const run = join(ctx.settings.run, TOUR_STORE);
    const columns = ctx.stdout.columns || USUAL_COLUMNS;
    const reader =
      !o.bool('yes') && ctx.stdout.isTTY && ctx.stdin.isTTY ? readerOn(ctx.stdin, (text) => ctx.stdout.write(text), ctx.signal) : undefined;
    try {
      await runTour({
        selfCommand: ctx.selfCommand,
        env: { ...ctx.env, SLIPWAY_ROOT: root, SLIPWAY_RUN: run },
        root,
        temporary: tmpdir(),
        signal: ctx.signal,
        color: ctx.settings.color && ctx.stdout.isTTY,
        columns,
        ...(reader && { pause: () => reader.pause() }),
        write: (text) => void ctx.stdout.write(text),
      });
    } catch (e) {
      if (!isSlipwayError(e) || e.code !== 'tour.left') throw e;
    } finally {
      reader?.close();
      const why = 'The images of the tour stay in a store of their own, so that the next one is quicker. To remove them:';
      ctx.stdout.write(`\n${wrapped(why, columns, '')}\n  SLIPWAY_ROOT=${root} SLIPWAY_RUN=${run} slipway system prune -af\n`);
    }
  },
};
