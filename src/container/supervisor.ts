// What the supervisor of a store does: it sleeps until a container is due, checks its health, or has it started again by a process of its
// own. It stays small and mounts no file system of a container; everything it must know stands in the records, so that one that was killed is replaced by another at any time.
import { constants, existsSync, openSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FileLock, leaveMounts, mkfifo, processIdentity } from '../sys/index.ts';
import type { ContainerManager } from './manager.ts';
import { Probes } from './probing.ts';
import { needsSupervisor, runSelf, supervisorLock, supervisorPipe, wakeSupervisor } from './supervising.ts';
import { isAbandoned } from './transitions.ts';
import type { Container } from './types.ts';

/** ms between two looks at the records when nothing is due: the store may be gone. */
const LONGEST_SLEEP = 60_000;
/** ms that a container waits whose restart could not even begin. */
const AFTER_FAILURE = 1000;
const POLL = 10;

/** Returns when no container needs a supervisor any more, or at once when the store has one. */
export async function supervise(manager: ContainerManager, signal: AbortSignal): Promise<void> {
  const { layout } = manager.parts;
  using lock = await soleLock(manager);
  if (lock === undefined) return;
  leaveMounts(layout.runContainers);
  const supervisor = new Supervisor(manager, signal);
  for (;;) {
    // whoever finds the pipe closed starts another one, which waits for the lock: the last look comes after
    const calls = openPipe(supervisorPipe(layout), () => supervisor.wake());
    await supervisor.work();
    calls.destroy();
    if (signal.aborted || !supervisor.isNeeded()) return;
  }
}

/** undefined when another supervisor has it, and listens. */
async function soleLock({ parts: { layout } }: ContainerManager): Promise<FileLock | undefined> {
  for (; ; await sleep(POLL)) {
    const lock = FileLock.tryAcquire(supervisorLock(layout), 'exclusive');
    if (lock !== undefined) writeFileSync(supervisorLock(layout), processIdentity());
    if (lock !== undefined || wakeSupervisor(layout)) return lock;
  }
}

function openPipe(path: string, onCall: () => void): Socket {
  if (!existsSync(path)) mkfifo(path, 0o600);
  // for writing too: the end of a caller is not the end of the pipe
  const socket = new Socket({ fd: openSync(path, constants.O_RDWR | constants.O_NONBLOCK), readable: true, writable: false });
  return socket.on('data', onCall).on('error', () => socket.destroy());
}

class Supervisor {
  readonly #manager: ContainerManager;
  readonly #signal: AbortSignal;
  /** Processes that start a container. */
  readonly #starting = new Set<string>();
  readonly #probes: Probes;
  /** ms since the epoch, of those that were not started although they were due. */
  readonly #notBefore = new Map<string, number>();
  /** Has it look at the records. */
  wake: () => void = () => {};

  constructor(manager: ContainerManager, signal: AbortSignal) {
    this.#manager = manager;
    this.#signal = signal;
    this.#probes = new Probes(manager, signal, () => this.wake());
    signal.addEventListener('abort', () => this.wake(), { once: true });
  }

  isNeeded(): boolean {
    return this.#starting.size > 0 || this.#containers().length > 0;
  }

  /** Returns when it is not needed any more. */
  async work(): Promise<void> {
    while (!this.#signal.aborted && this.isNeeded()) {
      const { promise: woken, resolve } = Promise.withResolvers<void>();
      this.wake = resolve;
      const now = this.#manager.parts.now();
      const timer = setTimeout(resolve, Math.min(LONGEST_SLEEP, ...this.#containers().map((c) => this.#see(c, now))));
      await woken;
      clearTimeout(timer);
    }
  }

  /** None when the store is gone. */
  #containers(): Container[] {
    const { layout } = this.#manager.parts;
    if (!existsSync(join(layout.root, 'slipway.db')) || !existsSync(supervisorLock(layout))) return [];
    return this.#manager.records.unsettled().filter((c) => needsSupervisor(c) || this.#isLost(c));
  }

  /** One whose start was killed: the command that we call next puts it right. */
  #isLost(c: Container): boolean {
    return (c.state.restarts !== undefined || needsSupervisor(c)) && isAbandoned(c);
  }

  /** Checks or starts a container if it is due. Returns ms until it is. */
  #see(c: Container, now: number): number {
    return c.state.status === 'running' && !this.#isLost(c) ? this.#probes.startDue(c, now) : this.#startDue(c, now);
  }

  #startDue(c: Container, now: number): number {
    if (this.#starting.has(c.id)) return LONGEST_SLEEP;
    const wait = Math.max(c.state.restartAt ?? now, this.#notBefore.get(c.id) ?? now) - now;
    if (wait > 0) return wait;
    // another attempt waits, unless this one changes its record
    this.#notBefore.set(c.id, now + AFTER_FAILURE);
    const child = runSelf(this.#manager.parts, ['container', 'supervise', c.id]);
    this.#starting.add(c.id);
    const over = (): void => {
      this.#starting.delete(c.id);
      if (this.#manager.records.get(c.id)?.state.restarts !== c.state.restarts) this.#notBefore.delete(c.id);
      this.wake();
    };
    child.once('error', over).once('exit', over);
    return LONGEST_SLEEP;
  }
}
