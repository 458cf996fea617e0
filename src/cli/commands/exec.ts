// `exec`: a further program in a container.
import { execIn } from '../../container/index.ts';
import { SlipwayError } from '../../model/index.ts';
import type { Command } from '../command.ts';
import { readEnvFile } from '../env-file.ts';
import { terminalEnds } from '../terminal-ends.ts';

export const exec: Command = {
  name: 'exec',
  summary: 'Run a program in a running container',
  usage: '[OPTIONS] CONTAINER COMMAND [ARG...]',
  examples: ['slipway exec web ps', 'slipway exec -it web sh'],
  args: { min: 2 },
  stopAtFirstArg: true,
  options: [
    { name: 'detach', short: 'd', type: 'boolean', help: 'Do not wait for it' },
    { name: 'env', short: 'e', type: 'list', placeholder: 'NAME=value', help: 'Set environment variables' },
    { name: 'env-file', type: 'list', placeholder: 'file', help: 'Read environment variables from a file' },
    { name: 'interactive', short: 'i', type: 'boolean', help: 'Keep standard input open' },
    { name: 'privileged', type: 'boolean', help: 'Give it all that root has' },
    { name: 'tty', short: 't', type: 'boolean', help: 'Give it a terminal' },
    { name: 'user', short: 'u', type: 'string', placeholder: 'user[:group]', help: 'Run as this user' },
    { name: 'workdir', short: 'w', type: 'string', placeholder: 'path', help: 'Working folder' },
  ],
  async run(ctx, o, [word = '', ...args]) {
    const containers = await (await ctx.engine()).containers();
    await containers.reconcile();
    if (o.bool('tty') && !ctx.stdin.isTTY) throw new SlipwayError('invalid-argument', 'cli.no-terminal', 'the input device is not a TTY');
    const user = o.string('user');
    const workdir = o.string('workdir');
    return execIn(containers, containers.records.resolve(word), {
      args,
      env: [...o.list('env-file').flatMap((f) => readEnvFile(ctx, f)), ...o.list('env')],
      ...(user !== undefined && { user }),
      ...(workdir !== undefined && { workdir }),
      tty: o.bool('tty'),
      ...(o.bool('tty') && !o.bool('detach') && { terminal: terminalEnds(ctx) }),
      detach: o.bool('detach'),
      privileged: o.bool('privileged'),
      stdin: o.bool('interactive') ? 'inherit' : 'ignore',
      stdout: 'inherit',
      stderr: 'inherit',
    });
  },
};
