// Locks between processes by flock(2): they end with the process that holds them, so that nobody has to clean up. A lock whose
// name is made of a key removes its file when it is released, so that files do not accumulate.
import { closeSync, fstatSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { bind, errno, systemError } from './native.ts';

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const EINTR = 4;
const EWOULDBLOCK = 11;
const LONGEST_WAIT = 50; // ms

const cFlock = bind('int flock(int fd, int operation)');

export type LockMode = 'shared' | 'exclusive';

/** `remove`: the file goes when the lock is released, which must be an exclusive one. */
interface LockOptions {
  readonly remove?: boolean;
}

export class FileLock {
  #fd: number | undefined;
  readonly #remove: string | undefined;

  private constructor(fd: number, remove: string | undefined) {
    this.#fd = fd;
    this.#remove = remove;
  }

  /** undefined when another holder is in the way. A missing file is created. */
  static tryAcquire(path: string, mode: LockMode, o: LockOptions = {}): FileLock | undefined {
    for (;;) {
      const fd = openSync(path, 'a', 0o600);
      let got = false;
      try {
        if (!locked(fd, path, mode)) return undefined;
        // The holder before may have removed the file after it was opened here: that one nobody else will look at.
        got = fstatSync(fd).nlink > 0;
        if (got) return new FileLock(fd, o.remove ? path : undefined);
      } finally {
        if (!got) closeSync(fd);
      }
    }
  }

  /** Waits for it. The event loop goes on meanwhile; rejects with the signal's reason when aborted. */
  static async acquire(path: string, mode: LockMode, o: LockOptions & { signal?: AbortSignal | undefined } = {}): Promise<FileLock> {
    for (let wait = 1; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
      o.signal?.throwIfAborted();
      const lock = FileLock.tryAcquire(path, mode, o);
      if (lock !== undefined) return lock;
      await sleep(wait);
    }
  }

  /** Whether somebody holds a file exclusively. Nobody is kept from a lock by asking, but for one that is taken without waiting. */
  static isHeld(path: string): boolean {
    let fd: number;
    try {
      fd = openSync(path, 'r');
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw e;
    }
    try {
      return !locked(fd, path, 'shared');
    } finally {
      closeSync(fd);
    }
  }

  /** Harmless when released already. */
  release(): void {
    if (this.#fd === undefined) return;
    if (this.#remove !== undefined) rmSync(this.#remove, { force: true });
    closeSync(this.#fd);
    this.#fd = undefined;
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/** False when another holder is in the way. */
function locked(fd: number, path: string, mode: LockMode): boolean {
  const operation = (mode === 'shared' ? LOCK_SH : LOCK_EX) | LOCK_NB;
  for (;;) {
    if (cFlock(fd, operation) === 0) return true;
    const code = errno();
    if (code === EINTR) continue;
    if (code === EWOULDBLOCK) return false;
    throw systemError('flock', path, code);
  }
}

/** Which of these files somebody has a lock on. A look at a lock, unlike taking it, is in nobody's way. */
export function lockedFiles(paths: readonly string[]): Set<string> {
  let locks: string;
  try {
    locks = readFileSync('/proc/locks', 'utf8');
  } catch {
    return new Set();
  }
  // `3: FLOCK  ADVISORY  WRITE 7919 00:1b:992930 0 EOF` (proc(5)): the inode stands behind the last colon
  const inodes = new Set(locks.split('\n').flatMap((line) => (line.includes(' FLOCK ') ? [/:(\d+) \d+ \w+$/.exec(line)?.[1]] : [])));
  return new Set(paths.filter((path) => inodes.has(String(statSync(path, { throwIfNoEntry: false })?.ino))));
}
