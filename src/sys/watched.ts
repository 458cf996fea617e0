// Running a program that waits for somebody far away, only as long as it gets on: by whatever protocol, one that gets nothing does nothing.
import { readFileSync } from 'node:fs';
import { run, type RunOptions, type RunResult } from './process.ts';

/** Looks in the time that a program may stand still. */
const LOOKS = 4;

export interface WatchedOptions extends Omit<RunOptions, 'onStart' | 'timeout'> {
  /** ms in which it, or a program that it has started, must have read, written or computed something. */
  readonly patience: number;
  /** What to throw of one that has not. */
  readonly stalled: () => Error;
}

/**
 * As `run`; it and what it has started are killed when they stand still, and when `signal` aborts: a helper that waits for a server would
 * stay otherwise. @throws `stalled()`
 */
export async function runWatched(command: string, args: readonly string[], o: WatchedOptions): Promise<RunResult> {
  const { patience, stalled, signal, ...rest } = o;
  const stop = new AbortController();
  let pid: number | undefined;
  const end = (reason: unknown): void => {
    // from the last ones up: those that lose their parent are not found any more
    for (const one of pid === undefined ? [] : descendants(pid).reverse()) kill(one);
    stop.abort(reason);
  };
  const abort = (): void => end(signal?.reason);
  signal?.throwIfAborted();
  signal?.addEventListener('abort', abort, { once: true });
  let seen = '';
  let still = 0;
  const watch = setInterval(() => {
    const now = pid === undefined ? '' : descendants(pid).map(doings).join();
    still = now === seen ? still + 1 : 0;
    seen = now;
    if (still >= LOOKS) end(stalled());
  }, patience / LOOKS);
  try {
    return await run(command, args, { ...rest, signal: stop.signal, onStart: (started) => (pid = started) });
  } finally {
    clearInterval(watch);
    signal?.removeEventListener('abort', abort);
  }
}

/** A process and those that it has started, each after its parent. */
function descendants(pid: number): number[] {
  const pids = [pid];
  for (let at = 0; at < pids.length; at++) {
    const children = read(pids[at]!, `task/${pids[at]}/children`);
    pids.push(...children.split(' ').filter(Boolean).map(Number));
  }
  return pids;
}

/** The bytes that a process has read and written, and its processor time (proc(5)): they grow as long as it does anything. */
function doings(pid: number): string {
  const stat = read(pid, 'stat');
  const times = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return `${pid} ${times.join(' ')} ${read(pid, 'io')}`;
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return ''; // it has just ended
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has just ended
  }
}
