// The life of containers: made, started, watched, stopped, removed. Everything that another command must know stands in the
// database; what dies with the machine is found out by looking at the process itself.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Leases } from '../content/index.ts';
import type { Image, ImageStore } from '../image/index.ts';
import { type ContainerConfig, SlipwayError } from '../model/index.ts';
import { type NetworkManager, publishAll } from '../network/index.ts';
import { LogWriter, Monitor, type OciRuntime, readExitFile, resolveExecutable, writeBundle } from '../runtime/index.ts';
import type { Snapshotter } from '../snapshot/index.ts';
import type { Database, Layout } from '../store/index.ts';
import { processAlive, processIdentity, removeTree } from '../sys/index.ts';
import { randomId } from '../util/index.ts';
import { type Prepared, prepareLaunch, runFolder, stateFolder, takeBack } from './launch.ts';
import { NAME, nameTaken, randomName } from './names.ts';
import { ContainerRecords } from './records.ts';
import { exposedPorts, processSettings } from './settings.ts';
import type { Container, ContainerRequest, Streams } from './types.ts';
import { mountPoints, Volumes } from './volumes.ts';

export interface ContainerParts {
  readonly layout: Layout;
  readonly db: Database;
  readonly images: ImageStore;
  readonly snapshots: Snapshotter;
  readonly leases: Leases;
  readonly network: NetworkManager;
  /** How to run slipway itself: a detached container's monitor calls it when the container has ended. */
  readonly selfCommand: readonly string[];
  runtime(): Promise<OciRuntime>;
  now(): number;
}

export interface ForegroundOptions extends Streams {
  /** Of the terminal, when the container gets one. */
  readonly consoleSize?: { height: number; width: number };
  readonly onStarted?: (c: Container) => void;
}

/** ms between two looks at something that is about to change. */
const POLL = 10;
/** ms that the process which watches a container has for recording its end, before somebody else does. */
const SETTLE = 2000;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class ContainerManager {
  readonly records: ContainerRecords;
  readonly volumes: Volumes;
  readonly #p: ContainerParts;

  constructor(parts: ContainerParts) {
    this.#p = parts;
    this.records = new ContainerRecords(parts.db);
    this.volumes = new Volumes(parts.layout, parts.db);
  }

  /** Makes a container without starting it. */
  async create(request: ContainerRequest): Promise<Container> {
    const { images, leases, snapshots, now } = this.#p;
    if (request.name !== undefined && !NAME.test(request.name)) {
      throw new SlipwayError('invalid-argument', 'container.invalid-name', `Invalid container name (${request.name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`, { exitCode: 125 });
    }
    const image = images.resolve(request.image);
    const config: ContainerConfig = image.config.config ?? {};
    const process = processSettings(config, request);
    const exposed = exposedPorts(config, request);
    const ports = request.publishAll ? publishAll(Object.fromEntries(exposed.map((p) => [p, {}])), request.ports) : request.ports;
    using lease = leases.create();
    lease.addImage(image.id);
    const base = await this.#baseOf(image, lease);
    const active = snapshots.prepare(base, lease);
    const id = randomId();
    const mounts = mountPoints(this.volumes, request, Object.keys(config.Volumes ?? {}), now());
    const container: Omit<Container, 'name'> = {
      id,
      imageId: image.id,
      imageName: request.image,
      createdAt: now(),
      snapshotId: active.id,
      request: { ...request, ports },
      process,
      hostname: request.hostname ?? id.slice(0, 12),
      exposed,
      mounts,
      owner: processIdentity(),
      state: { status: 'created', pid: 0, exitCode: 0, error: '' },
    };
    return this.#insert(container, request.name);
  }

  /** Starts a container that goes on by itself, watched by a monitor. */
  async start(c: Container): Promise<void> {
    this.#claim(c);
    const folder = stateFolder(this.#p.layout, c.id);
    try {
      const ready = await this.#prepare(c);
      const exitDir = join(ready.bundle, 'exit');
      const { pid } = await Monitor.find().create({
        id: c.id,
        name: c.name,
        bundle: ready.bundle,
        runtime: ready.runtime,
        logPath: join(folder, 'log'),
        exitDir,
        persistDir: ready.bundle,
        pidFile: join(ready.bundle, 'pid'),
        monitorPidFile: join(ready.bundle, 'monitor.pid'),
        tty: c.request.tty,
        openStdin: c.request.openStdin,
        exitCommand: [...this.#p.selfCommand, 'container', 'cleanup', c.id],
      });
      this.#started(ready.container, pid);
      await ready.runtime.start(c.id);
    } catch (e) {
      await this.#failed(c, e);
      throw e;
    }
  }

  /** Starts a container with our own standard streams and waits for its end. Returns its exit code. */
  async runForeground(c: Container, o: ForegroundOptions): Promise<number> {
    this.#claim(c);
    let log: LogWriter | undefined;
    let exitCode: number;
    try {
      const ready = await this.#prepare(c, o.consoleSize);
      if (!c.request.autoRemove && !c.request.tty) log = new LogWriter(join(stateFolder(this.#p.layout, c.id), 'log'));
      const tee = (stream: 'stdout' | 'stderr') => (chunk: Buffer) => {
        log?.write(stream, chunk);
        o[stream](chunk);
      };
      const outcome = await ready.runtime.runForeground({
        id: c.id,
        bundle: ready.bundle,
        stdin: o.stdin,
        stdout: c.request.tty ? 'inherit' : tee('stdout'),
        stderr: c.request.tty ? 'inherit' : tee('stderr'),
        pidFile: join(ready.bundle, 'pid'),
        onStarted: (pid) => {
          this.#started(ready.container, pid);
          o.onStarted?.(ready.container);
        },
      });
      ({ exitCode } = outcome);
    } catch (e) {
      await this.#failed(c, e);
      throw e;
    } finally {
      log?.close();
    }
    await this.#finalize(c, exitCode);
    return exitCode;
  }

  /** Sends a signal. @throws SlipwayError `container.not-running`. */
  async kill(c: Container, signal: string | number): Promise<void> {
    if (c.state.status !== 'running') throw notRunning(`cannot kill container: ${c.name}: container ${c.id} is not running`);
    await (await this.#p.runtime()).kill(c.id, signal);
  }

  /** Asks a container to end, and ends it after `seconds`; returns when it has. A container that does not run is left as it is. */
  async stop(c: Container, seconds = c.process.stopTimeout): Promise<void> {
    if (c.state.status !== 'running') return;
    const runtime = await this.#p.runtime();
    await runtime.kill(c.id, c.process.stopSignal);
    if (!(await this.#gone(c, seconds < 0 ? Number.POSITIVE_INFINITY : seconds * 1000))) {
      await runtime.kill(c.id, 'SIGKILL');
      await this.#gone(c, SETTLE);
    }
    await this.#settle(c);
  }

  /** Waits until a container does not run; its exit code. */
  async wait(c: Container, signal?: AbortSignal): Promise<number> {
    for (let pause = POLL; ; pause = Math.min(200, pause * 1.5)) {
      const now = this.records.get(c.id);
      if (!now) return 0;
      if (now.state.status !== 'running' && now.state.startedAt !== undefined) return now.state.exitCode;
      if (now.state.status === 'running' && !isAlive(now)) await this.#settle(now);
      else await sleep(pause);
      signal?.throwIfAborted();
    }
  }

  /** Takes a container and what it wrote away. @throws SlipwayError `container.running` unless forced. */
  async remove(c: Container, o: { force?: boolean; volumes?: boolean } = {}): Promise<void> {
    if (c.state.status === 'running') {
      if (!o.force) {
        throw new SlipwayError('conflict', 'container.running', `cannot remove container "${c.name}": container is running: stop the container before removing or force remove`, {
          hints: [`slipway rm -f ${c.name}`],
        });
      }
      await (await this.#p.runtime()).kill(c.id, 'SIGKILL');
      await this.#gone(c, SETTLE);
      await this.#settle({ ...c, request: { ...c.request, autoRemove: false } });
    }
    await this.#erase(c, o.volumes === true || c.request.autoRemove);
  }

  /** The file of a container's output; it may not be there. */
  logPath(c: Container): string {
    return join(stateFolder(this.#p.layout, c.id), 'log');
  }

  /** Runs another program in a running container; see `runtime.exec`. */
  async runtime(): Promise<OciRuntime> {
    return this.#p.runtime();
  }

  /** Brings the records up to date with what really runs. Costs one query when nothing does. */
  async reconcile(): Promise<void> {
    for (const c of this.records.running()) if (!isAlive(c)) await this.#settle(c);
    for (const c of this.records.created()) {
      if (c.request.autoRemove && !processAlive(c.owner)) await this.#erase(c, true);
    }
  }

  /** What a monitor calls when its container has ended. */
  async cleanUp(id: string): Promise<void> {
    const c = this.records.get(id);
    if (c?.state.status === 'running') await this.#settle(c);
  }

  async #baseOf(image: Image, lease: ReturnType<Leases['create']>): Promise<number | null> {
    return image.layers.length === 0 ? null : this.#p.images.snapshot(image, lease);
  }

  #insert(c: Omit<Container, 'name'>, wanted: string | undefined): Container {
    for (let attempt = 1; ; attempt++) {
      const container: Container = { ...c, name: wanted ?? randomName(attempt) };
      const taken = this.records.insert(container);
      if (taken === undefined) return container;
      if (wanted !== undefined) {
        this.#p.snapshots.remove(c.snapshotId);
        throw nameTaken(wanted, taken);
      }
    }
  }

  /** Says that this process is starting the container: should it die now, the next command ends what it began. */
  #claim(c: Container): void {
    this.records.update(c.id, (r) => {
      if (r.state.status === 'running') throw new SlipwayError('failed-precondition', 'container.already-running', `container ${c.name} is already running`);
      r.state.status = 'running';
      r.state.process = processIdentity();
      r.state.exitCode = 0;
      r.state.error = '';
      delete r.state.finishedAt;
    });
  }

  async #prepare(c: Container, consoleSize?: { height: number; width: number }): Promise<Prepared> {
    const ready = await prepareLaunch(this.#p, c, consoleSize);
    resolveExecutable(ready.spec.root.path, ready.spec.process.args[0] ?? '', ready.spec.process.env, ready.spec.process.cwd);
    writeBundle(ready.bundle, ready.spec);
    return ready;
  }

  #started(c: Container, pid: number): void {
    this.records.update(c.id, (r) => {
      r.state.pid = pid;
      // a process that has ended already is as good as no process
      r.state.process = processIdentity(pid) ?? '';
      r.state.startedAt = this.#p.now();
      if (c.network) r.network = c.network;
    });
  }

  /** A container that could not be started: its exit code says why, as in Docker; with `--rm` it goes. */
  async #failed(c: Container, e: unknown): Promise<void> {
    const exitCode = e instanceof SlipwayError ? (e.exitCode ?? 128) : 128;
    await takeBack(this.#p, c.id);
    this.records.update(c.id, (r) => {
      r.state.status = r.state.startedAt === undefined ? 'created' : 'exited';
      r.state.exitCode = exitCode;
      r.state.error = e instanceof Error ? e.message : String(e);
      r.state.pid = 0;
    });
    if (c.request.autoRemove) await this.#erase(c, true);
  }

  /** Waits for the container's first process to be gone; false when it still is there after `ms`. */
  async #gone(c: Container, ms: number): Promise<boolean> {
    for (let waited = 0; waited <= ms; waited += POLL) {
      if (!isAlive(this.records.get(c.id) ?? c)) return true;
      await sleep(POLL);
    }
    return false;
  }

  /** Records the end of a container whose process is gone: whoever watched it has a moment to say how it ended. */
  async #settle(c: Container): Promise<void> {
    const exitDir = join(runFolder(this.#p.layout, c.id), 'exit');
    const watched = existsSync(exitDir) || processAlive(c.owner);
    for (let waited = 0; watched && waited < SETTLE; waited += POLL) {
      const now = this.records.get(c.id);
      if (!now || now.state.status !== 'running') return;
      if (readExitFile(exitDir, c.id) !== undefined) break;
      await sleep(POLL);
    }
    await this.#finalize(c, readExitFile(exitDir, c.id) ?? 137);
  }

  /** Each part may be done twice, by two processes at once: the last word is the record's. */
  async #finalize(c: Container, exitCode: number): Promise<void> {
    await (await this.#p.runtime()).delete(c.id, { force: true });
    await takeBack(this.#p, c.id);
    if (c.request.autoRemove) return this.#erase(c, true);
    this.records.update(c.id, (r) => {
      if (r.state.status !== 'running') return;
      r.state.status = 'exited';
      r.state.exitCode = exitCode;
      r.state.pid = 0;
      r.state.startedAt ??= this.#p.now();
      r.state.finishedAt = this.#p.now();
    });
  }

  async #erase(c: Container, volumes: boolean): Promise<void> {
    await takeBack(this.#p, c.id);
    this.records.delete(c.id);
    this.#p.snapshots.remove(c.snapshotId);
    removeTree(stateFolder(this.#p.layout, c.id));
    if (!volumes) return;
    for (const m of c.mounts) if (m.anonymous && m.name !== undefined && this.volumes.get(m.name)) this.volumes.remove(m.name);
  }
}

/** Whether the container's first process, or the command that is starting it, is there. */
export const isAlive = (c: Container): boolean => c.state.status === 'running' && processAlive(c.state.process ?? '');

export const notRunning = (message: string): SlipwayError => new SlipwayError('conflict', 'container.not-running', message);
