// Running a program that waits for somebody far away, only as long as it gets on: by whatever protocol, one that gets nothing does nothing.
import { descendants, killNow, readProc, statFields } from './proc.ts';
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
    for (const one of pid === undefined ? [] : descendants(pid).reverse()) killNow(one);
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

/** The bytes that a process has read and written, and its processor time (proc(5)): they grow as long as it does anything. */
function doings(pid: number): string {
  const times = statFields(readProc(pid, 'stat')).slice(11, 13);
  return `${pid} ${times.join(' ')} ${readProc(pid, 'io')}`;
}
