// `exec`: a further program in a container.
import { execIn } from '../../engine/index.ts';
import { isSlipwayError } from '../../model/index.ts';
import type { Command } from '../command.ts';
import { fromEnvironment, leftRunning, noTerminal, openContainers, streams } from '../containers.ts';
import { DETACH_KEYS, detachKeysOf } from '../detach-keys.ts';
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
    { name: 'detach', short: 'd', type: 'boolean', help: 'Run in the background' },
    DETACH_KEYS,
    { name: 'env', short: 'e', type: 'list', placeholder: 'NAME=value', help: 'Set environment variables' },
    { name: 'env-file', type: 'list', placeholder: 'file', help: 'Read environment variables from a file' },
    { name: 'interactive', short: 'i', type: 'boolean', help: 'Keep standard input open' },
    { name: 'privileged', type: 'boolean', help: 'Give the command all privileges of root' },
    { name: 'tty', short: 't', type: 'boolean', help: 'Allocate a terminal' },
    { name: 'user', short: 'u', type: 'string', placeholder: 'user[:group]', help: 'Run as this user' },
    { name: 'workdir', short: 'w', type: 'string', placeholder: 'path', help: 'Working directory' },
  ],
  async run(ctx, o, [word = '', ...args]) {
    const containers = await openContainers(ctx);
    const interactive = o.bool('interactive');
    const detach = o.bool('detach');
    const tty = o.bool('tty');
    if (tty && interactive && !detach && !ctx.stdin.isTTY) throw noTerminal();
    const user = o.string('user');
    const workdir = o.string('workdir');
    const detachKeys = detachKeysOf(ctx, o);
    const running = execIn(containers, containers.records.resolve(word), {
      args,
      env: [
        ...(await Promise.all(o.list('env-file').map((f) => readEnvFile(ctx, f)))).flat(),
        ...o.list('env').flatMap((entry) => fromEnvironment(entry, ctx.env)),
      ],
      ...(user !== undefined && { user }),
      ...(workdir !== undefined && { workdir }),
      tty,
      ...(tty && !detach && { terminal: terminalEnds(ctx, { input: interactive, detachKeys }) }),
      mustDetach: o.has('detach-keys'),
      detach,
      privileged: o.bool('privileged'),
      ...streams(ctx, interactive && !detach),
    });
    if (!detach) return (await running) ?? leftRunning(ctx);
    return running.catch((e: unknown) => {
      // nobody waits for its exit code: that it did not begin is all there is to say
      throw isSlipwayError(e) && e.exitCode !== undefined ? e.withContext({ exitCode: 1 }) : e;
    });
  },
};
