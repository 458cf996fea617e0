// Locks between processes by flock(2): they end with the process that holds them, so that nobody has to clean up.
import { closeSync, openSync } from 'node:fs';
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

export class FileLock {
  #fd: number | undefined;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** undefined when another holder is in the way. The file is made when missing, and stays. */
  static tryAcquire(path: string, mode: LockMode): FileLock | undefined {
    const fd = openSync(path, 'a', 0o600);
    const operation = (mode === 'shared' ? LOCK_SH : LOCK_EX) | LOCK_NB;
    for (;;) {
      if (cFlock(fd, operation) === 0) return new FileLock(fd);
      const code = errno();
      if (code === EINTR) continue;
      closeSync(fd);
      if (code === EWOULDBLOCK) return undefined;
      throw systemError('flock', path, code);
    }
  }

  /** Waits for it. The event loop goes on meanwhile; rejects with the signal's reason when aborted. */
  static async acquire(path: string, mode: LockMode, o: { signal?: AbortSignal | undefined } = {}): Promise<FileLock> {
    for (let wait = 1; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
      o.signal?.throwIfAborted();
      const lock = FileLock.tryAcquire(path, mode);
      if (lock !== undefined) return lock;
      await sleep(wait);
    }
  }

  /** Harmless when released already. */
  release(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
