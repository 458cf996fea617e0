// `bootstrap`: stand-ins for well-known base images.
import { makeStandIn, standIns } from '../../engine/index.ts';
import { formatBytes, printable } from '../../util/index.ts';
import type { Command, Context } from '../command.ts';
import { table } from '../table.ts';

export const bootstrap: Command = {
  name: 'bootstrap',
  summary: 'Create a stand-in for a well-known base image from Debian packages',
  usage: '[OPTIONS] [NAME[:TAG]...]',
  examples: ['slipway bootstrap busybox', 'slipway bootstrap golang:1.19-bookworm', 'slipway bootstrap   (lists what can be made)'],
  args: { min: 0 },
  options: [
    { name: 'force', short: 'f', type: 'boolean', help: 'Create it again even if it exists' },
    { name: 'quiet', short: 'q', type: 'boolean', help: 'Print the image ID and nothing else' },
  ],
  async run(ctx, o, args) {
    if (args.length === 0) {
      ctx.stdout.write(table([['NAME', 'TAGS', 'WHAT IT IS'], ...(await standIns()).map((r) => [r.name, r.tags.join(', '), r.summary])]));
      return;
    }
    const engine = await ctx.engine();
    for (const reference of args) {
      const status = statusLine(ctx, o.bool('quiet'), ctx.now());
      const done = await makeStandIn(engine, {
        reference,
        force: o.bool('force'),
        signal: ctx.signal,
        onStatus: (text) => status.show(`${reference}: ${text}`),
      }).finally(() => status.end());
      if (o.bool('quiet')) ctx.stdout.write(`${done.image.id}\n`);
      else if (done.made)
        ctx.stdout.write(
          `${reference}: a stand-in made from Debian packages (${done.recipe.summary}), ${formatBytes(done.image.size, 3)}\n`,
        );
      else ctx.stdout.write(`${reference}: already here, ${formatBytes(done.image.size, 3)}\n`);
    }
  },
};

/** What is being done: rewritten in place on a terminal with the seconds so far, a line for each change into a pipe. */
function statusLine(ctx: Context, quiet: boolean, began: number): { show(text: string): void; end(): void } {
  if (quiet) return { show: () => {}, end: () => {} };
  if (!ctx.stderr.isTTY) return { show: (text) => void ctx.stderr.write(`${text}\n`), end: () => {} };
  let text = '';
  const draw = (): void =>
    void ctx.stderr.write(Buffer.from(`\r\u001b[K${printable(text)} (${((ctx.now() - began) / 1000).toFixed(0)} s)`));
  const timer = setInterval(draw, 500);
  return {
    show: (t) => {
      text = t;
      draw();
    },
    end: () => {
      clearInterval(timer);
      ctx.stderr.write(Buffer.from('\r\u001b[K'));
    },
  };
}
