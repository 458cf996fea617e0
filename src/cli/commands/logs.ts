// `logs`: what a container wrote.
import type { Command } from '../command.ts';
import { openContainers } from '../containers.ts';
import { momentOf } from '../moment.ts';

export const logs: Command = {
  name: 'logs',
  summary: 'Show the output of a container',
  usage: '[OPTIONS] CONTAINER',
  examples: ['slipway logs web', 'slipway logs -f --tail 20 web'],
  args: { min: 1, max: 1 },
  options: [
    { name: 'details', type: 'boolean', help: 'Print extra attributes of the log; there are none' },
    { name: 'follow', short: 'f', type: 'boolean', help: 'Follow the output until the container exits' },
    { name: 'since', type: 'string', placeholder: 'time', help: 'Show lines since a time (2024-01-02T15:04:05Z) or duration (10m)' },
    { name: 'tail', short: 'n', type: 'string', placeholder: 'n', help: 'Number of lines to show from the end' },
    { name: 'timestamps', short: 't', type: 'boolean', help: 'Show timestamps' },
    { name: 'until', type: 'string', placeholder: 'time', help: 'Show lines before a time or duration' },
  ],
  async run(ctx, o, args) {
    const containers = await openContainers(ctx);
    const c = containers.records.resolve(args[0] ?? '');
    const tail = o.string('tail');
    const since = momentOf(ctx, o, 'since');
    const until = momentOf(ctx, o, 'until');
    const lines = containers.logs(c, {
      // as in Docker, what is no number asks for all
      ...(tail !== undefined && /^\d+$/.test(tail) && { tail: Number(tail) }),
      ...(since !== undefined && { since }),
      ...(until !== undefined && { until }),
      follow: o.bool('follow'),
      signal: ctx.signal,
    });
    for await (const line of lines) {
      if (o.bool('timestamps')) ctx[line.stream].write(`${line.time} `);
      if (o.bool('details')) ctx[line.stream].write(' ');
      ctx[line.stream].write(line.data);
    }
  },
};
