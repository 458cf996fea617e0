// One process at a time changes the host's network. A lock sees to that, and ends with the process; but a program that the
// process has started may outlive it, so whoever has the lock next waits for that program as well.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Layout } from '../store/index.ts';
import { FileLock, processAlive, processStartTime } from '../sys/index.ts';

/** To be called with the pid of a program that will change the network, before it does. */
export type OnStart = (pid: number) => void;

export class Changing {
  readonly #folder: string;

  constructor(layout: Layout) {
    this.#folder = layout.network;
  }

  async begin(signal?: AbortSignal): Promise<FileLock> {
    const lock = await FileLock.acquire(join(this.#folder, 'lock'), 'exclusive', { signal });
    while (processAlive(this.#program())) await sleep(2);
    return lock;
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
