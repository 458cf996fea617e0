// A further program in a container that runs already.
import type { Stats } from 'node:fs';
import { type ExecOptions, resolveUser, type Streams, type TerminalEnds } from '../runtime/index.ts';
import { SlipwayError } from '../model/index.ts';
import { reasonOf, RootedTree, SYSTEM_PATH } from '../sys/index.ts';
import { randomId } from '../util/index.ts';
import { checkProgram } from './launch.ts';
import { type ContainerManager, notRunning, refuseResting } from './manager.ts';
import { mergeEnv } from './settings.ts';
import type { Container } from './types.ts';

export interface ExecRequest extends Streams {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly tty: boolean;
  /** The user's, when it gets one and is waited for. */
  readonly terminal?: TerminalEnds;
  /** The user relies on the keys that detach. */
  readonly mustDetach?: boolean;
  readonly detach: boolean;
  readonly privileged: boolean;
}

/** Runs a program in a container and returns its exit code; undefined when the user left it running. Throws conflict 'container.not-running'. */
export async function execIn(manager: ContainerManager, container: Container, request: ExecRequest): Promise<number | undefined> {
  const c = await manager.started(container);
  refuseResting(c);
  if (c.state.pid === 0) throw notRunning(`container ${c.id} is not running`);
  if (c.state.paused === true)
    throw new SlipwayError('conflict', 'container.paused', `Container ${c.name} is paused, unpause the container before exec`);
  const options = execOptions(c, request);
  const execID = randomId();
  const command = `${request.args.join(' ')}${request.args.length === 1 ? ' ' : ''}`; // as Docker puts it together
  for (const action of ['exec_create', 'exec_start']) manager.records.note(c, `${action}: ${command}`, { execID });
  const { exitCode, left } = await (await manager.runtime()).exec(c.id, options);
  if (left === true) {
    manager.records.note(c, 'exec_detach', { execID });
    return undefined;
  }
  if (!request.detach) manager.records.note(c, 'exec_die', { execID, exitCode: String(exitCode) });
  return exitCode;
}

/**
 * How a program is run in a container that runs: as whom, where, with what environment.
 * @throws SlipwayError `process-failed` when there is no such program
 */
export function execOptions(c: Container, request: Omit<ExecRequest, 'stdout' | 'stderr'> & Partial<Streams>): ExecOptions {
  const root = `/proc/${c.state.pid}/root`;
  const user = resolveUser(root, request.user ?? c.process.user, c.request.groups);
  const env = mergeEnv([`PATH=${SYSTEM_PATH}`, `HOSTNAME=${c.hostname}`], c.process.env, request.tty ? ['TERM=xterm'] : [], request.env);
  const options: ExecOptions = {
    args: request.args,
    env: env.some((e) => e.startsWith('HOME=')) ? env : [...env, `HOME=${user.home}`],
    cwd: request.workdir ?? (c.process.workdir || '/'),
    user,
    tty: request.tty,
    ...(request.terminal && { terminal: request.terminal }),
    ...(request.mustDetach === true && { mustDetach: true }),
    detach: request.detach,
    privileged: request.privileged || c.request.privileged,
    ...(c.request.noNewPrivileges === true && { noNewPrivileges: true }),
    capAdd: c.request.capAdd,
    capDrop: c.request.capDrop,
    ...(request.stdin && { stdin: request.stdin }),
    stdout: request.stdout ?? (() => {}),
    stderr: request.stderr ?? (() => {}),
  };
  const { terminal: _, mustDetach: __, ...process } = options;
  checkWorkdir(root, options.cwd);
  checkProgram({ process, root: { path: root }, mounts: [] });
  return options;
}

/** Refuses a folder that is none before the runtime does, in Docker's words and with its exit codes. */
function checkWorkdir(root: string, path: string): void {
  const refuse = (why: string, exitCode: number): SlipwayError =>
    new SlipwayError('process-failed', 'container.workdir-no-directory', `OCI runtime exec failed: exec failed: ${why}`, { exitCode });
  if (!path.startsWith('/')) throw refuse('Cwd must be an absolute path', 128);
  using tree = new RootedTree(root);
  let found: Stats | undefined;
  try {
    found = tree.stat(tree.locate(path));
  } catch (e) {
    if (reasonOf(e, 'ENOTDIR', 'ELOOP', 'ENOENT', 'ENAMETOOLONG') === undefined) throw e;
  }
  if (found?.isDirectory() === true) return;
  const why = found === undefined ? 'no such file or directory' : 'not a directory';
  throw refuse(`unable to start container process: chdir to cwd (${JSON.stringify(path)}) set in config.json failed: ${why}`, 127);
}
