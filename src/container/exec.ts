// A further program in a container that runs already.
import { type ExecOptions, resolveUser } from '../runtime/index.ts';
import { isAlive } from './ending.ts';
import { checkProgram } from './launch.ts';
import { type ContainerManager, notRunning } from './manager.ts';
import { mergeEnv } from './settings.ts';
import type { Container, Streams } from './types.ts';

export interface ExecRequest extends Streams {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly tty: boolean;
  readonly detach: boolean;
  readonly privileged: boolean;
}

/** Runs a program in a container and returns its exit code. Throws conflict 'container.not-running'. */
export async function execIn(manager: ContainerManager, container: Container, request: ExecRequest): Promise<number> {
  const c = await manager.started(container);
  if (!isAlive(c) || c.state.pid === 0) throw notRunning(`container ${c.id} is not running`);
  const root = `/proc/${c.state.pid}/root`;
  const user = resolveUser(root, request.user ?? c.process.user);
  const env = mergeEnv([`HOSTNAME=${c.hostname}`], c.process.env, request.tty ? ['TERM=xterm'] : [], request.env);
  const options: ExecOptions = {
    args: request.args,
    env: env.some((e) => e.startsWith('HOME=')) ? env : [...env, `HOME=${user.home}`],
    cwd: request.workdir ?? c.process.workdir,
    user,
    tty: request.tty,
    detach: request.detach,
    privileged: request.privileged || c.request.privileged,
    capAdd: c.request.capAdd,
    capDrop: c.request.capDrop,
    stdin: request.stdin,
    stdout: request.tty ? 'inherit' : request.stdout,
    stderr: request.tty ? 'inherit' : request.stderr,
  };
  checkProgram({ process: options, root: { path: root }, mounts: [] });
  const { exitCode } = await (await manager.runtime()).exec(c.id, options);
  return exitCode;
}
