// `worker`: the program without a terminal, which works on one operation for another process.
import { SlipwayError } from '../../model/index.ts';
import type { Command } from '../command.ts';

export const worker: Command = {
  name: 'worker',
  summary: 'Work on one operation that a pipe brings',
  usage: '',
  examples: ['SLIPWAY_WORKER=1 slipway build .'],
  args: { min: 0, max: 0 },
  options: [],
  async run(ctx) {
    const { serveOperation } = await import('../../engine/index.ts');
    if (ctx.stdin.isTTY || ctx.stdout.isTTY)
      throw new SlipwayError(
        'failed-precondition',
        'worker.terminal',
        'a worker is started by another process, and speaks with it through pipes',
        { hints: ['SLIPWAY_WORKER=1 slipway build . builds in one'] },
      );
    await serveOperation({ input: ctx.stdin, write: (frame) => void ctx.stdout.write(frame) }, () => ctx.engine(), ctx.signal);
  },
};
