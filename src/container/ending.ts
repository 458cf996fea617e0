// The end of a container: noticed by whoever watches it, or by the next command when nobody does. Exactly one process clears
// away what is left; should it be killed, another one takes over where it was.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readExitFile } from '../runtime/index.ts';
import { processAlive, processIdentity, removeTree } from '../sys/index.ts';
import { exitFolder, stateFolder } from './folders.ts';
import { takeBack } from './launch.ts';
import type { ContainerParts } from './parts.ts';
import type { ContainerRecords } from './records.ts';
import type { Container } from './types.ts';
import type { Volumes } from './volumes.ts';

/** ms between two looks at something that is about to change. */
const POLL = 5;
/** ms that a living watcher has for recording an end before somebody else does. */
const PATIENCE = 5000;
/** When nobody saw how it ended: the machine went down, or its monitor was killed as well. */
const UNKNOWN = 255;

const lives = (identity: string | undefined): boolean => identity !== undefined && processAlive(identity);

/** Whether the container's first process is there, or the command that is starting it. */
export function isAlive(c: Container): boolean {
  return c.state.status === 'running' && (c.state.process === undefined ? lives(c.state.starter) : processAlive(c.state.process));
}

/** Whether somebody is there who will record its end. */
export function isWatched(c: Container): boolean {
  return lives(c.state.ender) || lives(c.state.starter) || lives(c.state.monitor);
}

function forgetProcesses(c: Container): void {
  c.state.pid = 0;
  for (const key of ['process', 'starter', 'monitor', 'ender'] as const) delete c.state[key];
}

export class Endings {
  readonly #parts: ContainerParts;
  readonly #records: ContainerRecords;
  readonly #volumes: Volumes;
  /** What this process is ending just now. */
  readonly #running = new Map<string, Promise<void>>();

  constructor(parts: ContainerParts, records: ContainerRecords, volumes: Volumes) {
    this.#parts = parts;
    this.#records = records;
    this.#volumes = volumes;
  }

  /**
   * Clears away what a container that has ended left, and records its exit code, or removes it if it was to be. `neat`: its
   * runtime has ended by itself and left nothing. Does nothing when somebody else does it.
   */
  async end(id: string, exitCode: number, o: { neat?: boolean } = {}): Promise<void> {
    let ending = this.#running.get(id);
    if (ending === undefined) {
      ending = this.#end(id, exitCode, o.neat === true).finally(() => this.#running.delete(id));
      this.#running.set(id, ending);
    }
    return ending;
  }

  async #end(id: string, exitCode: number, neat: boolean): Promise<void> {
    let mine = false;
    const c = this.#records.update(id, (r) => {
      mine = r.state.status === 'running' && !lives(r.state.ender);
      if (!mine) return;
      r.state.ender = processIdentity();
      r.state.exitCode = exitCode;
      if (r.request.autoRemove) r.state.status = 'removing';
    });
    if (c === undefined || !mine) return;
    try {
      if (!neat) await this.#dropRuntimeState(id);
      if (c.request.autoRemove) return await this.erase(c, { volumes: true });
      await takeBack(this.#parts, c);
    } catch (error) {
      this.#records.update(id, (r) => void delete r.state.ender); // for others to try
      throw error;
    }
    this.#records.update(id, (r) => {
      r.state.status = 'exited';
      r.state.startedAt ??= this.#parts.now();
      r.state.finishedAt = this.#parts.now();
      forgetProcesses(r);
    });
  }

  /** A container that could not be started: its exit code says why, as in Docker; with `--rm` it goes. */
  async failed(id: string, error: unknown, exitCode: number): Promise<void> {
    const c = this.#records.get(id);
    if (c === undefined) return;
    await this.#dropRuntimeState(id);
    if (c.request.autoRemove) return this.remove(c, { volumes: true });
    await takeBack(this.#parts, c);
    this.#records.update(id, (r) => {
      r.state.status = r.state.startedAt === undefined ? 'created' : 'exited';
      r.state.exitCode = exitCode;
      r.state.error = error instanceof Error ? error.message : String(error);
      forgetProcesses(r);
    });
  }

  /** Waits until the end of a container whose process is gone is recorded; records it if nobody else does. */
  async settle(id: string): Promise<void> {
    for (const until = Date.now() + PATIENCE; ; await sleep(POLL)) {
      const c = this.#records.get(id);
      if (c === undefined || c.state.status === 'created' || c.state.status === 'exited') return;
      if (c.state.status === 'removing') {
        if (!lives(c.state.ender)) return this.erase(c, { volumes: c.request.autoRemove });
      } else if (isAlive(c)) {
        return;
      } else if (!isWatched(c) || (Date.now() > until && !lives(c.state.ender))) {
        return this.end(id, this.exitCode(id) ?? UNKNOWN);
      }
      if (Date.now() > until + PATIENCE) return;
    }
  }

  /** What a monitor calls. While the command that started the container waits for its end, that one does the rest. */
  async monitored(id: string): Promise<void> {
    const c = this.#records.get(id);
    if (c?.state.status === 'running' && !isAlive(c) && !lives(c.state.starter)) await this.end(id, this.exitCode(id) ?? UNKNOWN);
  }

  /** What conmon wrote; undefined when it has not. */
  exitCode(id: string): number | undefined {
    return readExitFile(exitFolder(this.#parts.layout, id), id);
  }

  /** Removes a container that does not run, with its files. */
  async remove(c: Container, o: { volumes?: boolean }): Promise<void> {
    const claimed = this.#records.update(c.id, (r) => {
      r.state.status = 'removing';
      r.state.ender = processIdentity();
    });
    if (claimed !== undefined) await this.erase(claimed, o);
  }

  /** The row goes last: as long as it is there, somebody finds what is still to be done. */
  async erase(c: Container, o: { volumes?: boolean }): Promise<void> {
    const network = takeBack(this.#parts, c);
    network.catch(() => {}); // awaited below
    removeTree(stateFolder(this.#parts.layout, c.id));
    if (o.volumes === true) this.#volumes.dropAnonymous(c);
    await network;
    this.#parts.snapshots.remove(c.snapshotId);
    this.#records.delete(c.id);
  }

  /** Finds what died unseen. Costs one query when everything rests. */
  async reconcile(): Promise<void> {
    for (const c of this.#records.unsettled()) {
      const { status, starter, ender } = c.state;
      if (status === 'running' ? !isAlive(c) : status === 'removing' && !lives(ender)) await this.settle(c.id);
      else if (status === 'created' && c.request.autoRemove && starter !== undefined && !processAlive(starter))
        await this.remove(c, { volumes: true });
    }
    await this.#parts.network.reap((id) => this.#records.get(id)?.state.status === 'running');
  }

  /** Waits for the container's first process to be gone; false when it is still there after `ms`. */
  async gone(c: Container, ms: number): Promise<boolean> {
    for (const until = Date.now() + ms; ; await sleep(POLL)) {
      const now = c.state.process === undefined ? this.#records.get(c.id) : c;
      if (now === undefined || !isAlive(now)) return true;
      if (Date.now() > until) return false;
    }
  }

  async #dropRuntimeState(id: string): Promise<void> {
    const runtime = await this.#parts.runtime();
    if (existsSync(join(this.#parts.layout.runtime, runtime.name, id))) await runtime.delete(id, { force: true });
  }
}
