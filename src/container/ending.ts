// The end of a container: noticed by whoever watches it, or by the next command when nobody does. Exactly one process clears
// away what is left; should it be killed, another one takes over where it was.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lastExit, LogWriter, ranOutOfMemory } from '../runtime/index.ts';
import { processAlive, processIdentity, removeTree } from '../sys/index.ts';
import { crashPoint } from '../util/index.ts';
import { endpointsOf, recordAttachments } from './endpoints.ts';
import { exitFolder, logFile, runFolder, stateFolder } from './folders.ts';
import { beginHealth } from './health.ts';
import { takeBack } from './launch.ts';
import type { ContainerParts } from './parts.ts';
import type { ContainerEvent, ContainerRecords } from './records.ts';
import { scheduleRestart } from './restart-policy.ts';
import { callSupervisor, needsSupervisor } from './supervising.ts';
import { isAbandoned, isAlive, isBeingEnded, isStarterAlive, isStranded, isWatched } from './transitions.ts';
import type { Container, ContainerStatus } from './types.ts';
import type { Volumes } from './volumes.ts';

/** ms between two looks at something that is about to change. */
const POLL = 2;
/** ms that a living watcher has for recording an end before somebody else does. */
const PATIENCE = 5000;
/** When nobody saw how it ended: the machine went down, or its monitor was killed as well. Also that of a program that cannot begin. */
const UNKNOWN = 255;
/** As Docker has it for a container that could not be started. */
const START_KILLED = 128;

/** Nothing is left to be cleared away. */
const RESTING: readonly ContainerStatus[] = ['created', 'exited', 'restarting'];

function claim(c: Container): void {
  c.state.ender = processIdentity();
}

function forgetProcesses(c: Container): void {
  c.state.pid = 0;
  for (const key of ['process', 'starter', 'monitor', 'ender', 'gated', 'paused'] as const) delete c.state[key];
}

/** What is reported of an end. */
function death({ state }: Container): ContainerEvent {
  const seconds = Math.max(0, Math.floor(((state.finishedAt ?? 0) - (state.startedAt ?? state.finishedAt ?? 0)) / 1000));
  return { action: 'die', attributes: { execDuration: String(seconds), exitCode: String(state.exitCode) } };
}

export class Endings {
  readonly #parts: ContainerParts;
  readonly #records: ContainerRecords;
  readonly #volumes: Volumes;
  /** What is recorded when nobody saw how a container ended. */
  readonly unknownExit = UNKNOWN;
  /** What this process is ending just now. */
  readonly #running = new Map<string, Promise<void>>();

  constructor(parts: ContainerParts, records: ContainerRecords, volumes: Volumes) {
    this.#parts = parts;
    this.#records = records;
    this.#volumes = volumes;
  }

  /**
   * Clears away what a container that has ended left, and records its exit code, or removes it if it was to be. Does nothing when
   * somebody else does it. `restarts`: the caller itself sees to the restart that this container may be due for.
   */
  async end(id: string, exitCode: number, o: { readonly restarts?: boolean } = {}): Promise<void> {
    let ending = this.#running.get(id);
    if (ending === undefined) {
      ending = this.#end(id, exitCode, o).finally(() => this.#running.delete(id));
      this.#running.set(id, ending);
    }
    return ending;
  }

  async #end(id: string, exitCode: number, o: { readonly restarts?: boolean }): Promise<void> {
    const ended = lastExit(exitFolder(this.#parts.layout, id), id);
    await this.#clearAway(
      id,
      {
        exitCode,
        oomKilled: ranOutOfMemory(runFolder(this.#parts.layout, id)),
        finishedAt: ended?.at ?? this.#parts.now(),
        ended: ended !== undefined,
      },
      () => this.#recordEnd(id),
    );
    this.#tellSupervisor(id, o.restarts !== true);
  }

  /** A command wants this container to rest when it has ended, whatever its policy: it is not started again before a command does so. */
  halt(id: string): Container | undefined {
    const halted = this.#records.transition(id, 'halt', (r) => {
      r.state.stopped = true;
      delete r.state.restartAt;
    });
    if (halted?.moved === true && halted.container.state.status === 'exited') callSupervisor(this.#parts, { start: false });
    return halted?.container;
  }

  /** The supervisor learns of a container that needs it, or does no longer. */
  #tellSupervisor(id: string, mayStart: boolean): void {
    const c = this.#records.get(id);
    callSupervisor(this.#parts, { start: mayStart && c !== undefined && needsSupervisor(c) });
  }

  /** A container that could not be started: its exit code says why, as in Docker; with `--rm` it goes. */
  async failed(id: string, error: unknown, exitCode: number): Promise<void> {
    await this.#clearAway(id, { exitCode, oomKilled: false, ended: false }, () =>
      this.#records.transition(id, 'fail', (r) => {
        r.state.error = error instanceof Error ? error.message : String(error);
        forgetProcesses(r);
      }),
    );
  }

  /**
   * A container whose program the kernel cannot start: in Docker it has run, its log says why and its exit code is 255. With `--rm` it goes.
   */
  async unstartable(id: string, reason: string, o: { readonly restarts?: boolean } = {}): Promise<void> {
    const { layout } = this.#parts;
    mkdirSync(stateFolder(layout, id), { recursive: true, mode: 0o700 });
    const log = new LogWriter(logFile(layout, id));
    log.write('stderr', Buffer.from(`${reason}\n`));
    log.close();
    const at = this.#parts.now();
    this.#records.update(id, (r) => {
      r.state.startedAt = at;
      return { action: 'start' };
    });
    await this.#clearAway(id, { exitCode: UNKNOWN, oomKilled: false, finishedAt: at, ended: false }, () => this.#recordEnd(id));
    this.#tellSupervisor(id, o.restarts !== true);
  }

  #recordEnd(id: string): unknown {
    return this.#records.transition(id, 'end', (r) => {
      r.state.startedAt ??= this.#parts.now();
      // the clock of files is a little behind
      r.state.finishedAt = Math.max(r.state.finishedAt ?? 0, r.state.startedAt);
      forgetProcesses(r);
      if (r.state.status === 'restarting') scheduleRestart(r, this.#parts.now());
      return death(r);
    });
  }

  async #clearAway(
    id: string,
    how: { exitCode: number; oomKilled: boolean; ended: boolean; finishedAt?: number },
    record: () => unknown,
  ): Promise<void> {
    const claim = this.#records.transition(id, 'claimEnd', (r) => {
      r.state.ender = processIdentity();
      if (r.state.finishedAt !== undefined) return undefined; // by a command that was killed, when there was still something to read it from
      r.state.exitCode = how.exitCode;
      if (how.oomKilled) r.state.oomKilled = true;
      if (how.finishedAt === undefined) return undefined;
      r.state.finishedAt = how.finishedAt;
      return r.request.autoRemove ? death(r) : undefined; // others are reported when they can be seen as exited
    });
    if (claim?.moved !== true) return;
    crashPoint('container.end-claimed');
    const c = claim.container;
    try {
      await this.#dropRuntimeState(c, how.ended);
      this.#records.noteVolumes(c, 'unmount');
      if (c.request.autoRemove) return await this.erase(c, { volumes: true });
      await takeBack(this.#parts, c);
    } catch (error) {
      this.#records.update(id, (r) => void delete r.state.ender); // for others to try
      throw error;
    }
    crashPoint('container.taken-back');
    record();
  }

  /** Waits until the end of a container whose process is gone is recorded; records it if nobody else does. */
  async settle(id: string): Promise<void> {
    for (const until = Date.now() + PATIENCE; ; await sleep(POLL)) {
      const c = this.#records.get(id);
      if (c === undefined || RESTING.includes(c.state.status)) return;
      if (c.state.status === 'removing') {
        if (this.#records.transition(id, 'resumeRemoval', claim)?.moved === true)
          return this.#eraseClaimed(c, { volumes: c.request.autoRemove });
      } else if (isStranded(c)) {
        await this.#free(c);
      } else if (isAlive(c)) {
        return;
      } else if (!isWatched(c) || (Date.now() > until && !isBeingEnded(c))) {
        return this.end(id, this.exitCode(id) ?? UNKNOWN);
      }
      if (Date.now() > until + PATIENCE) return;
    }
  }

  /** One whose program has begun goes on; one whose program never will is what it was before the start. */
  async #free(c: Container): Promise<void> {
    const state = await (await this.#parts.runtime()).state(c.id);
    if (state?.status === 'created') {
      // a restart that was killed is one that has failed: its policy goes on
      if (c.state.restarts !== undefined) return this.end(c.id, START_KILLED);
      return this.failed(c.id, new Error('the command that was starting it was killed'), START_KILLED);
    }
    this.#records.update(c.id, (r) => {
      if (!isStranded(r)) return undefined;
      delete r.state.gated;
      delete r.state.starter;
      r.state.startedAt = this.#parts.now();
      beginHealth(r);
      return { action: 'start' };
    });
  }

  /** What a monitor calls. While the command that started the container waits for its end, that one does the rest. */
  async monitored(id: string): Promise<void> {
    const c = this.#records.get(id);
    if (c?.state.status === 'running' && !isAlive(c) && !isStarterAlive(c))
      await this.end(id, this.exitCode(id) ?? UNKNOWN, { restarts: true });
  }

  /** What conmon wrote; undefined when it has not. */
  exitCode(id: string): number | undefined {
    return lastExit(exitFolder(this.#parts.layout, id), id)?.code;
  }

  /** Removes a container that does not run, with its files. False when its newest record forbids it. */
  async remove(id: string, o: { volumes?: boolean; pruning?: boolean }): Promise<boolean> {
    const claimed = this.#records.transition(id, o.pruning === true ? 'prune' : 'remove', claim);
    if (claimed?.moved !== true) return false;
    await this.#eraseClaimed(claimed.container, o);
    return true;
  }

  async #eraseClaimed(c: Container, o: { volumes?: boolean }): Promise<void> {
    try {
      await this.erase(c, o);
    } catch (error) {
      this.#records.update(c.id, (r) => void delete r.state.ender); // for others to try
      throw error;
    }
  }

  /** The row goes last: as long as it is there, somebody finds what is still to be done. */
  async erase(c: Container, o: { volumes?: boolean }): Promise<void> {
    crashPoint('container.removal-claimed');
    const network = takeBack(this.#parts, c);
    network.catch(() => {}); // awaited below
    removeTree(stateFolder(this.#parts.layout, c.id));
    crashPoint('container.log-removed');
    if (o.volumes === true) this.#volumes.dropAnonymous(c);
    await network;
    this.#parts.snapshots.remove(c.snapshotId);
    crashPoint('container.files-removed');
    this.#records.delete(c);
  }

  /**
   * Finds what died unseen; with `abandoned`, only what nobody is left to see to. Costs two queries when everything rests. A container that cannot be cleared away is a warning: it must
   * not keep commands from the others.
   */
  async reconcile(o: { abandoned?: boolean } = {}): Promise<string[]> {
    const warnings: string[] = [];
    const attempt = async (what: string, fn: () => Promise<unknown>): Promise<void> => {
      try {
        await fn();
      } catch (error) {
        warnings.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    };
    for (const c of this.#records.unsettled()) {
      if (o.abandoned === true && !isAbandoned(c)) continue;
      const { status, starter } = c.state;
      if (status === 'running' ? !isAlive(c) : status === 'removing' && !isBeingEnded(c))
        await attempt(`cannot clear away what container ${c.name} left`, () => this.settle(c.id));
      else if (status === 'created' && c.request.autoRemove && starter !== undefined && !processAlive(starter))
        await attempt(`cannot remove container ${c.name}`, () => this.remove(c.id, { volumes: true }));
    }
    // of one that is being removed, the command that removes it clears the network away
    const attached = ['running', ...(o.abandoned === true ? ['removing'] : [])];
    const living = (id: string): Container | undefined => {
      const c = this.#records.get(id);
      return c !== undefined && isAlive(c) && c.state.pid > 0 ? c : undefined;
    };
    await attempt('cannot clear away a network', async () => {
      const changed = await this.#parts.network.reap(
        (id, network) => {
          const c = this.#records.get(id);
          return c !== undefined && attached.includes(c.state.status) && endpointsOf(c).some((e) => e.network === network);
        },
        (id) => {
          const c = living(id);
          return c && `/proc/${c.state.pid}/ns/net`;
        },
      );
      for (const id of changed) this.#records.update(id, (c) => recordAttachments(c, this.#parts.network.attached(id)));
    });
    return warnings;
  }

  /** Waits for the container's first process to be gone; false when it is still there after `ms`. */
  async gone(c: Container, ms: number): Promise<boolean> {
    for (const until = Date.now() + ms; ; await sleep(POLL)) {
      const now = c.state.process === undefined ? this.#records.get(c.id) : c;
      if (now === undefined || !isAlive(now)) return true;
      if (Date.now() > until) return false;
    }
  }

  /** `ended`: its monitor saw the end, so that nothing of it runs. */
  async #dropRuntimeState({ id, state }: Container, ended: boolean): Promise<void> {
    const runtime = await this.#parts.runtime();
    // a process that was never recorded is still being created, or waits for a start that nobody gives
    if (state.process === undefined) await runtime.endUnnoted(id);
    if (existsSync(join(this.#parts.layout.runtime, runtime.name, id)) && !(ended && (await runtime.forget(id))))
      await runtime.delete(id, { force: true });
    await runtime.endControlGroups(id);
  }
}
