// `dap`: builds in an editor's debugger, by the Debug Adapter Protocol.
import { SlipwayError } from '../../model/index.ts';
import type { Command } from '../command.ts';

export const dap: Command = {
  name: 'dap',
  summary: 'Debug builds from an editor, by the Debug Adapter Protocol',
  usage: '[OPTIONS]',
  examples: ['slipway dap', 'slipway dap --port 4711'],
  args: { min: 0, max: 0 },
  options: [
    {
      name: 'port',
      type: 'number',
      placeholder: 'n',
      help: 'Listen on this port of 127.0.0.1 instead of speaking over the standard streams; 0 for a free one',
    },
  ],
  async run(ctx, o) {
    const { listen, speak } = await import('../dap/serve.ts');
    const port = o.number('port');
    if (port === undefined) return await speak(ctx, ctx.stdin, (bytes) => void ctx.stdout.write(bytes));
    if (!Number.isInteger(port) || port < 0 || port > 65_535)
      throw new SlipwayError('invalid-argument', 'cli.port', `invalid port: ${port}`, { exitCode: 125 });
    await listen(ctx, port);
  },
};
