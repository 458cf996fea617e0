// The life of containers: made, started, watched, stopped, removed. Everything that another command must know stands in the
// database; what dies with the machine is found out by looking at the processes themselves.
import { availableParallelism, hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ContainerConfig, isSlipwayError, signalNumber, SlipwayError } from '../model/index.ts';
import { publishAll } from '../network/index.ts';
import { type LogLine, type OciRuntime, readLogs } from '../runtime/index.ts';
import { withMounted } from '../snapshot/index.ts';
import { processIdentity } from '../sys/index.ts';
import { crashPoint, randomId, throwAfter } from '../util/index.ts';
import { startDetached } from './detached.ts';
import { Endings } from './ending.ts';
import { logFile } from './folders.ts';
import { type ForegroundOptions, runForeground } from './foreground.ts';
import { mergedHealthcheck } from './health.ts';
import { findInit } from './init.ts';
import { checkSource, type LaunchOptions } from './launch.ts';
import { checkEndpointOf, withNetworkNames } from './endpoints.ts';
import { checkName } from './names.ts';
import { withJoinedIds } from './namespaces.ts';
import type { ContainerParts } from './parts.ts';
import { checkPlatform, type CreateOptions } from './platform.ts';
import { ContainerRecords } from './records.ts';
import { checkRequest } from './request.ts';
import { exposedPorts, processSettings } from './settings.ts';
import { callSupervisor, needsSupervisor } from './supervising.ts';
import { isAlive, isStranded, isWatched } from './transitions.ts';
import type { Container, ContainerRequest } from './types.ts';
import { lentMounts, Volumes } from './volumes.ts';
import { watchEnd } from './watching.ts';

export interface LogOptions {
  /** Only this many last lines. */
  readonly tail?: number;
  /** ms since the epoch. */
  readonly since?: number;
  readonly until?: number;
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

export interface StopOptions {
  /** Time it has to end by itself; -1: for ever. Else what was asked for when it was made. */
  readonly seconds?: number | undefined;
  /** Instead of the one it was made with. */
  readonly signal?: string | undefined;
}

/** ms that the monitor's own process waits for a restart; for a longer time it would take too much memory. */
const SHORT_WAIT = 1000;
/** ms that SIGKILL has for its work. */
const KILL_TIME = 10_000;

export class ContainerManager {
  readonly records: ContainerRecords;
  readonly volumes: Volumes;
  readonly endings: Endings;
  readonly parts: ContainerParts;

  constructor(parts: ContainerParts) {
    this.parts = parts;
    this.records = new ContainerRecords(parts.db);
    this.volumes = new Volumes(parts.layout, parts.db);
    this.endings = new Endings(parts, this.records, this.volumes);
  }

  /**
   * Makes a container without starting it. Throws what is wrong with the request, in Docker's words. Without `startLater` the
   * caller is about to start it: should it be killed before, one with `--rm` goes.
   */
  async create(request: ContainerRequest, o: CreateOptions = {}): Promise<Container> {
    const { images, leases, snapshots, now } = this.parts;
    if (request.name !== undefined) checkName(request.name);
    checkRequest(request, availableParallelism());
    for (const e of request.endpoints ?? []) checkEndpointOf(this.parts, e);
    using lease = leases.create();
    const image = images.hold(request.image, lease) ?? images.resolve(request.image);
    checkPlatform(image, request, o);
    if (request.network === 'host' && request.ports.length > 0) o.onWarning?.('Published ports are discarded when using host network mode');
    const config: ContainerConfig = image.config.config ?? {};
    const settings = processSettings(config, request);
    const healthcheck = mergedHealthcheck(config.Healthcheck, request);
    const exposed = exposedPorts(config, request);
    const ports = request.publishAll ? publishAll(Object.fromEntries(exposed.map((p) => [p, {}])), request.ports) : request.ports;
    const id = randomId();
    const lent = (request.volumesFrom ?? []).flatMap((spec) => {
      const [name = '', mode = ''] = spec.split(/:(.*)/s);
      return lentMounts(this.#lender(name), mode);
    });
    const volumes = this.volumes.plan(request, Object.keys(config.Volumes ?? {}), now(), lent);
    for (const m of volumes.mounts) if (m.mustExist === true) checkSource(m);
    if (request.init === true) findInit();
    const base = image.layers.length === 0 ? null : await images.snapshot(image, lease);
    const { id: snapshotId } = snapshots.prepare(base, lease);
    crashPoint('container.snapshot-prepared');
    try {
      const made = this.records.insert(
        {
          id,
          imageId: image.id,
          imageName: request.image,
          createdAt: now(),
          snapshotId,
          request: withNetworkNames(this.parts, { ...withJoinedIds(this.records, request), ports }),
          process: settings,
          labels: { ...config.Labels, ...request.labels },
          hostname: request.hostname ?? (request.network === 'host' || request.uts === 'host' ? hostname() : id.slice(0, 12)),
          exposed,
          mounts: volumes.mounts,
          ...(healthcheck !== undefined && { healthcheck }),
          ...(config.Shell !== undefined && config.Shell.length > 0 && { shell: config.Shell }),
          state: { status: 'created', pid: 0, ...(o.startLater !== true && { starter: processIdentity() }), exitCode: 0, error: '' },
        },
        request.name,
        volumes.record,
      );
      crashPoint('container.recorded');
      return made;
    } catch (error) {
      throwAfter(error, () => snapshots.remove(snapshotId));
    }
  }

  /** Starts a container that goes on by itself, watched by a monitor. No error when it runs already. */
  async start(c: Container, o: LaunchOptions & { readonly beforeStart?: () => void | Promise<void> } = {}): Promise<void> {
    while (!(await startDetached(this, c, o))) {
      // another command is starting it: as good as ours if it succeeds
      const now = await this.started(c);
      if (isAlive(now) || now.state.status === 'restarting') return;
      await this.endings.settle(c.id);
    }
  }

  /** Starts a container that waits for its restart, or does nothing when it does not. */
  async restartByPolicy(id: string): Promise<void> {
    const c = this.records.get(id);
    if (c?.state.status === 'restarting') await startDetached(this, c, { byPolicy: true });
  }

  /** Starts a container, connected with somebody's streams or terminal, and waits for its end. Its exit code; undefined when it was left. */
  runForeground(c: Container, o: ForegroundOptions): Promise<number | undefined> {
    return runForeground(this, c, o);
  }

  /** For --volumes-from. A client must not take one that is missing for a missing image. */
  #lender(name: string): Container {
    try {
      return this.records.resolve(name);
    } catch (e) {
      throw isSlipwayError(e) ? new SlipwayError('invalid-argument', 'container.no-lender', e.message, { cause: e }) : e;
    }
  }

  /** The newest record of a container; one that somebody is just starting is waited for until its process is there. */
  async started(c: Container): Promise<Container> {
    for (;;) {
      const now = this.records.get(c.id) ?? c;
      if (now.state.pid > 0 || !isAlive(now)) return now;
      await sleep(4);
    }
  }

  /** Sends a signal. Throws conflict 'container.not-running', invalid-argument 'container.invalid-signal'. */
  async kill(c: Container, signal: string = 'KILL'): Promise<void> {
    const number = signalNumber(signal);
    if (number === undefined)
      throw new SlipwayError('invalid-argument', 'container.invalid-signal', `cannot kill container: ${c.name}: invalid signal: ${signal}`);
    const now = await this.started(c);
    // Docker's rule: without a stop signal of its own, any signal may be meant to end it
    const ends = number === 9 || number === signalNumber(c.process.stopSignal) || c.process.stopSignal === 'SIGTERM';
    if (ends && this.endings.halt(c.id)?.state.status === 'exited' && now.state.status === 'restarting') return;
    if (!this.#send(now, number)) throw notRunning(`cannot kill container: ${c.name}: container ${c.id} is not running`);
    // a paused one gets other signals when it goes on
    if (number === 9 || number === signalNumber(c.process.stopSignal)) await this.#wake(now);
  }

  /** Asks a container to end, and ends it when it has not after some time; returns when it has. One that does not run is left as it is. */
  async stop(c: Container, o: StopOptions = {}): Promise<void> {
    if (c.state.status !== 'running' && c.state.status !== 'restarting') return;
    const signal = signalNumber(o.signal ?? c.process.stopSignal);
    if (signal === undefined && o.signal !== undefined)
      throw new SlipwayError('invalid-argument', 'container.invalid-signal', `Invalid signal: ${o.signal}`);
    const seconds = o.seconds ?? c.process.stopTimeout;
    if (this.endings.halt(c.id)?.state.status === 'exited') return;
    const now = await this.started(c);
    using _watching = watchEnd(this.parts.layout, c.id);
    this.#send(now, signal ?? 15);
    await this.#wake(now);
    if (!(await this.endings.gone(c, seconds < 0 ? Number.POSITIVE_INFINITY : seconds * 1000))) await this.#killNow(c);
    this.records.note(now, 'stop');
    await this.endings.settle(c.id);
  }

  /** Stops a container, if it runs, and starts it. */
  async restart(c: Container, o: StopOptions = {}): Promise<void> {
    await this.stop(c, o);
    await this.start(this.records.resolve(c.id));
    this.records.note(c, 'restart');
  }

  /** Waits until a container does not run; its exit code. One that was never started has none yet and is waited for. */
  async wait(c: Container, o: { signal?: AbortSignal | undefined } = {}): Promise<number> {
    let last = c;
    for (;;) {
      o.signal?.throwIfAborted();
      const now = this.records.get(c.id);
      if (now === undefined) return last.state.exitCode;
      // it has ended since, and was started again
      if (now.state.status === 'restarting' && (now.state.restarts ?? 0) > (c.state.restarts ?? 0)) return now.state.exitCode;
      last = now;
      if (now.state.status === 'exited' || now.state.status === 'removing') return now.state.exitCode;
      if (now.state.status === 'running' && !isAlive(now)) {
        // read before somebody clears it away: one with --rm leaves nothing else behind
        const code = this.endings.exitCode(c.id);
        if (code !== undefined) last.state.exitCode = code;
        if (code !== undefined || !isWatched(now) || isStranded(now)) await this.endings.settle(c.id);
      }
      await sleep(4);
    }
  }

  /**
   * Removes a container and what it wrote. A forced one is killed first, also if it is started meanwhile.
   * @throws SlipwayError conflict `container.running` unless forced
   */
  async remove(c: Container, o: { force?: boolean; volumes?: boolean } = {}): Promise<void> {
    const volumes = o.volumes === true || c.request.autoRemove;
    if (o.force === true) this.endings.halt(c.id);
    for (const until = Date.now() + KILL_TIME; !(await this.endings.remove(c.id, { volumes }));) {
      const now = this.records.get(c.id);
      if (now === undefined) return;
      if (now.state.status === 'restarting') {
        if (o.force !== true) throw stillRunning(now);
        this.endings.halt(c.id);
      } else if (now.state.status === 'running') {
        if (o.force !== true || Date.now() > until) throw stillRunning(now);
        using _watching = watchEnd(this.parts.layout, c.id);
        await this.#killNow(now);
        await this.endings.settle(c.id);
        continue;
      }
      await this.endings.settle(c.id);
      if (now.state.status === 'removing') return;
    }
  }

  /** Removes those of `containers` that still do not run, and returns them. */
  async prune(containers: readonly Container[]): Promise<Container[]> {
    const removed: Container[] = [];
    for (const c of containers) if (await this.endings.remove(c.id, { volumes: c.request.autoRemove, pruning: true })) removed.push(c);
    return removed;
  }

  /** What a container wrote, line by line; with `follow` until it ends. */
  logs(c: Container, o: LogOptions = {}): AsyncIterable<LogLine> {
    // asked at every look at the log: the record is read again only when its process is gone, and it may have been started again
    let last = this.records.get(c.id);
    return readLogs(logFile(this.parts.layout, c.id), {
      ...o,
      stillRunning: () => {
        if (last === undefined || last.state.pid === 0 || !isAlive(last)) last = this.records.get(c.id);
        return last !== undefined && isAlive(last);
      },
    });
  }

  /** The file of a container's output; it may not be there. */
  logPath(c: Container): string {
    return logFile(this.parts.layout, c.id);
  }

  /** Calls `fn` with a folder in which the container's file system is mounted read-only; synchronous. For `export`. */
  withFiles<T>(c: Container, fn: (rootfs: string) => T): T {
    return withMounted(this.parts.layout, this.parts.snapshots.view(c.snapshotId), fn);
  }

  runtime(): Promise<OciRuntime> {
    return this.parts.runtime();
  }

  /** Brings the records up to date with what really runs; returns warnings. Costs two queries when nothing does. */
  async reconcile(): Promise<string[]> {
    const warnings = await this.endings.reconcile();
    const now = this.parts.now();
    // it may have been killed; the monitor's own process may still wait for a short time
    const isLeft = (c: Container): boolean =>
      needsSupervisor(c) && !((c.state.restartAt ?? 0) > now && (c.state.restartDelay ?? 0) <= SHORT_WAIT);
    if (this.records.unsettled().some(isLeft)) callSupervisor(this.parts, { start: true });
    return warnings;
  }

  /** What a monitor calls when its container has ended. */
  async cleanUp(id: string): Promise<void> {
    await this.endings.monitored(id);
    const state = this.records.get(id)?.state;
    if (state?.status !== 'restarting') return;
    const wait = (state.restartAt ?? 0) - this.parts.now();
    // this process is there already, and starts it sooner than another one could
    if (wait > SHORT_WAIT) return callSupervisor(this.parts, { start: true });
    await sleep(wait);
    await this.restartByPolicy(id);
  }

  /** A paused container gets no signal before it goes on. */
  async #wake(c: Container): Promise<void> {
    if (c.state.paused !== true) return;
    await (await this.runtime()).resume(c.id);
    this.records.transition(c.id, 'unpause', (r) => {
      delete r.state.paused;
      return { action: 'unpause' };
    });
  }

  /** False when there is nobody to get it. */
  #send(c: Container, signal: number): boolean {
    if (c.state.pid <= 0 || !isAlive(c)) return false;
    try {
      process.kill(c.state.pid, signal);
      this.records.note(c, 'kill', { signal: String(signal) });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
      throw error;
    }
  }

  /** Also one that somebody is starting at this moment. */
  async #killNow(c: Container): Promise<void> {
    let killed = 0;
    for (const until = Date.now() + KILL_TIME; Date.now() < until; await sleep(1)) {
      const now = this.records.get(c.id);
      if (now === undefined || !isAlive(now)) return;
      // one is enough, but for a container that was started again meanwhile
      if (now.state.pid !== killed && this.#send(now, 9)) killed = now.state.pid;
      await this.#wake(now);
    }
  }
}

function stillRunning(c: Container): SlipwayError {
  return new SlipwayError(
    'conflict',
    'container.running',
    `cannot remove container "${c.name}": container is ${c.state.status}: stop the container before removing or force remove`,
    { hints: [`\`slipway rm -f ${c.name}\` stops and removes it`] },
  );
}

/** @throws SlipwayError conflict `container.restarting`, `container.not-running` */
export function refuseResting(c: Container): void {
  if (c.state.status === 'restarting')
    throw new SlipwayError('conflict', 'container.restarting', `Container ${c.id} is restarting, wait until the container is running`);
  if (!isAlive(c)) throw notRunning(`container ${c.id} is not running`);
}

export function notRunning(message: string): SlipwayError {
  return new SlipwayError('conflict', 'container.not-running', message);
}
