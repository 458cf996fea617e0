// Other processes: who they are beyond a number that may be used again, and running one to its end.
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { systemError } from './native.ts';
import { descendants, readProc, statFields } from './proc.ts';

const EMFILE = 24;

let bootId: string | undefined;

/** '<boot id>:<start time>': with the pid it names a process for good. undefined when there is none (a zombie counts as none). */
export function processStartTime(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch (e) {
    // to take a process for gone because this one lacks descriptors would cost that one its files
    if (['EMFILE', 'ENFILE', 'ENOMEM'].includes((e as NodeJS.ErrnoException).code ?? '')) throw e;
    return undefined;
  }
  const fields = statFields(stat);
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  bootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  return `${bootId}:${fields[19]!}`;
}

/** '<pid>:<boot id>:<start time>', to be written down; by default of this process. Throws when there is no such process. */
export function processIdentity(pid: number = process.pid): string {
  const identity = identityIfAlive(pid);
  if (identity === '')
    throw Object.assign(new Error(`ESRCH: no such process, ${pid}`), { code: 'ESRCH', syscall: 'stat', path: `/proc/${pid}` });
  return identity;
}

/** The same, '' for a process that has ended: it names nobody. */
export function identityIfAlive(pid: number): string {
  const start = processStartTime(pid);
  return start === undefined ? '' : `${pid}:${start}`;
}

/** Whether the very process that `processIdentity` named still runs. */
export function processAlive(identity: string): boolean {
  const colon = identity.indexOf(':');
  const pid = Number(identity.slice(0, colon));
  return colon > 0 && Number.isInteger(pid) && pid > 0 && processStartTime(pid) === identity.slice(colon + 1);
}

/** PF_EXITING of linux/sched.h. */
const EXITING = 0x4;

/** Whether a process has ended, or is about to: the first of a PID namespace does so only after it has killed all others of it. */
export function processExiting(pid: number): boolean {
  const stat = readProc(pid, 'stat');
  const [state = '', ...fields] = statFields(stat);
  return stat === '' || state === 'Z' || state === 'X' || (Number(fields[5]) & EXITING) !== 0;
}

/** Of the clock that /proc counts processor time in: 100 a second on every Linux that Node runs on (sysconf(_SC_CLK_TCK)). */
const TICK_MS = 10;

/** Processor time in ms that a process, its descendants and those that it has waited for have used; undefined when it is gone. */
export function processorTime(pid: number): number | undefined {
  let ticks = 0;
  for (const at of descendants(pid)) {
    const stat = readProc(at, 'stat');
    if (stat === '' && at === pid) return undefined;
    if (stat === '') continue;
    const fields = statFields(stat);
    for (const field of [11, 12, 13, 14]) ticks += Number(fields[field]);
  }
  return ticks * TICK_MS;
}

/**
 * A process that was just spawned, with its streams. When no descriptor is left for them, Node returns one without, and emits an error
 * that nobody listens to yet. @throws EMFILE
 */
export function withStreams<T extends ChildProcess>(child: T): T {
  if ((child.stdio as unknown) !== undefined) return child;
  child.on('error', () => {});
  throw systemError('spawn', child.spawnfile, EMFILE);
}

export interface RunResult {
  /** 128 + n when a signal ended it. */
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  readonly signal?: AbortSignal | undefined;
  /** ms; then it is killed. */
  readonly timeout?: number;
  /** Called with its pid before it is given any input. */
  readonly onStart?: ((pid: number) => void) | undefined;
}

const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
};

/** Never throws for an exit code; rejects with a system error when it cannot be started, with the signal's reason when aborted. */
export function run(command: string, args: readonly string[], o: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    if (o.signal?.aborted) return reject(o.signal.reason as Error);
    const { spawn } = process.getBuiltinModule('node:child_process');
    const options: SpawnOptions = {
      stdio: [o.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      ...(o.cwd === undefined ? {} : { cwd: o.cwd }),
      ...(o.env === undefined ? {} : { env: o.env }),
      ...(o.timeout === undefined ? {} : { timeout: o.timeout, killSignal: 'SIGKILL' as const }),
    };
    const child = withStreams(spawn(command, args, options));
    if (child.pid !== undefined) o.onStart?.(child.pid);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    const abort = (): void => void child.kill('SIGKILL');
    o.signal?.addEventListener('abort', abort, { once: true });
    child.stdout!.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr!.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', (error) => {
      o.signal?.removeEventListener('abort', abort);
      reject(error);
    });
    child.on('close', (code, signal) => {
      o.signal?.removeEventListener('abort', abort);
      if (o.signal?.aborted) return reject(o.signal.reason as Error);
      const exitCode = code ?? 128 + (SIGNALS[signal ?? ''] ?? 0);
      resolve({ exitCode, signal, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() });
    });
    if (o.input !== undefined) {
      child.stdin!.on('error', () => {}); // it may end without having read everything
      child.stdin!.end(o.input);
    }
  });
}

/** The usual folders of programs: what PATH is when nobody says otherwise, in images and containers as on the machine. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** As a shell finds it; a name with a slash is taken as it is. `searchPath` is like $PATH. */
export function findExecutable(name: string, searchPath = SYSTEM_PATH): string | undefined {
  if (isAbsolute(name) || name.includes('/')) return executable(name) ? name : undefined;
  for (const folder of searchPath.split(':')) {
    const path = join(folder === '' ? '.' : folder, name);
    if (executable(path)) return path;
  }
  return undefined;
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
