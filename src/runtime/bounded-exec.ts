// A program in a running container that may take a time and no longer, and that does not outlive who asked for it: a health check.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SlipwayError } from '../model/index.ts';
import { killNow, readProc, statFields } from '../sys/index.ts';
import { type RuntimeBinary, spawnRuntime } from './binary.ts';
import { groupProcesses } from './control-groups.ts';
import { exitStatus } from './exit-status.ts';
import { outputPipe } from './output-pipe.ts';

export interface Bounds {
  /** ms */
  readonly timeout: number;
  /** Bytes of its output that are returned. */
  readonly mostOutput: number;
  /** Ends it at once. */
  readonly signal: AbortSignal;
}

export interface BoundedStatus {
  /** undefined when it was killed for its bounds. */
  readonly exitCode: number | undefined;
  /** Both streams, as they came; `...` at the end stands for what is left out. */
  readonly output: string;
}

/** ms that the output of a program that has ended may be held open by others that it left behind. */
const OUTPUT_GRACE = 200;
/** ms that a runtime has for creating, or for ending with, the process that was killed. */
const PATIENCE = 2000;
const POLL = 5;

/** In the folder of such a program: its container, and its pid. */
const CONTAINER = 'container';
export const pidFile = (folder: string): string => join(folder, 'pid');

/** `args` are the runtime's up to the ID, with `pidFile(folder)` and other files of the folder among them. */
export async function execBounded(
  binary: RuntimeBinary,
  args: readonly string[],
  { id, folder }: { readonly id: string; readonly folder: string },
  bounds: Bounds,
): Promise<BoundedStatus> {
  const chunks: Buffer[] = [];
  let size = 0;
  const pipe = outputPipe((chunk) => {
    if (size <= bounds.mostOutput) chunks.push(chunk);
    size += chunk.length;
  });
  writeFileSync(join(folder, CONTAINER), id);
  const child = spawnRuntime(binary, args, ['ignore', pipe.fd, pipe.fd], true);
  pipe.started();
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', (cause) =>
      reject(new SlipwayError('unavailable', 'runtime.not-started', `cannot start ${binary.path}: ${cause.message}`, { cause })),
    );
    child.on('exit', (code, signal) => resolve(exitStatus(code, signal).exitCode));
  });
  ended.catch(() => {}); // awaited below
  const { promise: bounded, resolve: stop } = Promise.withResolvers<undefined>();
  const timer = setTimeout(stop, bounds.timeout, undefined);
  const abort = (): void => stop(undefined);
  bounds.signal.addEventListener('abort', abort, { once: true });
  if (bounds.signal.aborted) abort();
  try {
    const exitCode = await Promise.race([ended, bounded]);
    if (exitCode === undefined) await endBounded(binary, folder);
    await Promise.race([pipe.ended, sleep(OUTPUT_GRACE)]);
    return { exitCode, output: textOf(Buffer.concat(chunks), size, bounds.mostOutput) };
  } finally {
    clearTimeout(timer);
    bounds.signal.removeEventListener('abort', abort);
  }
}

function textOf(output: Buffer, size: number, most: number): string {
  return output.subarray(0, most).toString('utf8') + (size > most ? '...' : '');
}

/** Kills the program whose folder this is, in this process or in one that was killed, and returns when its runtime is gone. */
export async function endBounded(binary: RuntimeBinary, folder: string): Promise<void> {
  if (!existsSync(join(folder, CONTAINER))) return;
  const id = readFileSync(join(folder, CONTAINER), 'latin1');
  for (const until = Date.now() + PATIENCE; ; await sleep(POLL)) {
    // looked at first: what it creates has its pid noted when it is gone
    const runtimes = runtimesOf(folder);
    if (existsSync(pidFile(folder))) kill(binary, id, Number(readFileSync(pidFile(folder), 'latin1')), runtimes);
    if (runtimes.length === 0) return;
    if (Date.now() > until) for (const pid of runtimes) killNow(pid);
  }
}

/** With all that it has started and that has not left its process group, which is that of its runtime (crun) or its own (runc). */
function kill(binary: RuntimeBinary, id: string, pid: number, runtimes: readonly number[]): void {
  // the number may be another's by now
  if (pid <= 0 || !(groupProcesses(binary.stateRoot, id)?.includes(pid) ?? isInside(pid))) return;
  const group = Number(statFields(readProc(pid, 'stat'))[2]);
  if (group > 1 && (group === pid || runtimes.includes(group) || !existsSync(`/proc/${group}`))) killNow(-group);
  killNow(pid);
}

/** Whether a process has a PID namespace below ours. */
function isInside(pid: number): boolean {
  return /^NSpid:\t\d+\t/m.test(readProc(pid, 'status'));
}

/** Processes of the runtime that have this folder among their arguments. */
function runtimesOf(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && readProc(name, 'cmdline').includes(`${folder}/`))
    .map(Number);
}
