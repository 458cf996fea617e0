// `ui`: the page of builds, images and containers, served to a browser of this machine.
import { SlipwayError } from '../../model/index.ts';
import type { Command, Context } from '../command.ts';

/** ms in which whoever follows a build sees its end when the command is to end. */
const GRACE = 2000;

export const ui: Command = {
  name: 'ui',
  summary: 'Show builds, also running ones, images and containers in a browser',
  usage: '[OPTIONS] [BUILD]',
  examples: ['slipway ui', 'slipway ui --port 7100 ^0'],
  args: { min: 0, max: 1 },
  options: [
    { name: 'port', type: 'number', placeholder: 'port', help: 'The port on 127.0.0.1; a free one when left out' },
    { name: 'attached', type: 'boolean', help: 'End with standard input; the build may be one that begins in a moment' },
  ],
  async run(ctx, o, [ref]) {
    const port = o.number('port') ?? 0;
    if (!Number.isInteger(port) || port < 0 || port > 65_535)
      throw new SlipwayError('invalid-argument', 'cli.port', `invalid port: ${port}`, { exitCode: 125 });
    const { servePage } = await import('../../ui/index.ts');
    const engine = await ctx.engine();
    const attached = o.bool('attached');
    const server = await servePage({
      engine,
      worker: { command: ctx.selfCommand, environment: ctx.env },
      port,
      ...(ref !== undefined && { first: attached ? ref : await refOf(ctx, ref) }),
      now: ctx.now,
      warn: (message) => void ctx.stderr.write(`WARNING: ${message}\n`),
    });
    ctx.stdout.write(`${server.address}\n`);
    if (!attached) ctx.stderr.write('Open this address in a browser of this machine. Ctrl-C ends it.\n');
    await ended(ctx, attached);
    await server.close(GRACE);
  },
};

/** @throws SlipwayError `build.no-record` */
async function refOf(ctx: Context, text: string): Promise<string> {
  const { buildHistory } = await import('../../engine/index.ts');
  return (await buildHistory(await ctx.engine(), ctx.now())).find(text).record.ref;
}

function ended({ signal, stdin }: Context, attached: boolean): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (attached) stdin.on('end', resolve).resume();
  });
}
