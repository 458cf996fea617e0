// One process at a time changes the host's network, whatever store it works on: free subnets and ports are chosen and taken in one go. A
// lock sees to that, and ends with the process; but a program that the process has started may outlive it, so the next holder of
// the lock waits for that program as well.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Layout, makePrivate } from '../store/index.ts';
import { FileLock, processAlive, processStartTime } from '../sys/index.ts';

/** To be called with the pid of a program that will change the network, before it does. */
export type OnStart = (pid: number) => void;

/** That of the default store stands for the machine. */
const MACHINE_LOCK = '/run/slipway/network/lock';

export class Changing {
  readonly #folder: string;

  constructor(layout: Layout) {
    this.#folder = layout.network;
  }

  async begin(signal?: AbortSignal): Promise<Disposable> {
    const locks = new DisposableStack();
    try {
      const own = join(this.#folder, 'lock');
      for (const path of new Set([own, MACHINE_LOCK])) {
        makePrivate(dirname(path));
        locks.use(await FileLock.acquire(path, 'exclusive', { signal }));
      }
      while (processAlive(this.#program())) await sleep(2);
      return locks;
    } catch (error) {
      locks.dispose();
      throw error;
    }
  }

  readonly onStart: OnStart = (pid) => writeFileSync(this.#file(), `${pid}:${processStartTime(pid) ?? 'ended'}`);

  #program(): string {
    try {
      return readFileSync(this.#file(), 'latin1');
    } catch {
      return ''; // none yet
    }
  }

  #file(): string {
    return join(this.#folder, 'program');
  }
}
