// crun or runc: the life of a container at the lowest level (OCI runtime specification, runtime.md § Operations).
// It keeps no record of its own; what runs is what the runtime's state folder says.
import { closeSync, constants, existsSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { leaveMounts } from '../sys/index.ts';
import { signalNumber, SlipwayError } from '../model/index.ts';
import { once, randomId } from '../util/index.ts';
import { APPARMOR_PROFILE, type Confinement, loadAppArmor } from './apparmor.ts';
import { type BoundedStatus, type Bounds, endBounded, execBounded, pidFile } from './bounded-exec.ts';
import { callRuntime, globalArguments, readRuntimeLog, stateFolder, startFailure, type RuntimeBinary, type RuntimeName } from './binary.ts';
import { endControlGroups, groupName, groupProcesses } from './control-groups.ts';
import { FilterCache } from './filter.ts';
import { runAttached, runWithTerminal } from './foreground.ts';
import { type GroupUsage, groupUsage } from './group-usage.ts';
import { StepGuard, reapSteps } from './guard.ts';
import { endProcesses } from './processes.ts';
import { findRuntime, type FindOptions } from './probe.ts';
import { scratchFolder, scratchFolders } from './scratch.ts';
import { runStep } from './step.ts';
import { resolveCapabilities } from './spec/capabilities.ts';
import { forCrun } from './spec/crun.ts';
import { processSpec } from './spec/default.ts';
import { encodeSpec, writeBundle } from './spec/encode.ts';
import type { OciSpec, Resources } from './spec/oci.ts';
import type { ExecOptions, ExitStatus, ForegroundOptions, RunOptions, RuntimeState, Streams, TerminalEnds } from './types.ts';

export interface CreateOptions {
  readonly id: string;
  readonly bundle: string;
  /** config.json is there already when left out. */
  readonly spec?: OciSpec;
  readonly pidFile?: string;
  readonly consoleSocket?: string;
  readonly signal?: AbortSignal;
}

export class OciRuntime {
  readonly name: RuntimeName;
  readonly path: string;
  /** False where no control group can be made: limits have no effect here. */
  readonly cgroups: boolean;
  readonly #binary: RuntimeBinary;
  readonly #filters: FilterCache;
  readonly #guard: StepGuard;

  private constructor(binary: RuntimeBinary) {
    this.#binary = binary;
    this.name = binary.name;
    this.path = binary.path;
    this.cgroups = binary.cgroups;
    this.#filters = new FilterCache(binary);
    this.#guard = new StepGuard(binary);
    mkdirSync(stateFolder(binary), { recursive: true, mode: 0o700 });
  }

  /** The first of crun and runc that really runs something here. Throws failed-precondition, naming the packages. */
  static async find(o: FindOptions): Promise<OciRuntime> {
    return new OciRuntime(await findRuntime(o));
  }

  /** What has to stand before any command of the runtime: `--root` and the like. */
  get globalArguments(): readonly string[] {
    return globalArguments(this.#binary);
  }

  /** Runs a build step to its end. Throws process-failed (126, 127 or 125) when its process could not be started. */
  async run(o: RunOptions): Promise<ExitStatus> {
    await this.prepare(o.id, o.bundle, o.spec);
    this.#note(o);
    try {
      return await runStep(this.#at(o.stateRoot), {
        ...o,
        onProcess: (pid) => {
          this.#guard.noteProcess(o.id, pid);
          o.onProcess?.(pid);
        },
      });
    } finally {
      this.#guard.forget(o.id);
    }
  }

  /** The runtime with its own files in another folder. */
  #at(stateRoot: string | undefined): RuntimeBinary {
    if (stateRoot === undefined) return this.#binary;
    const binary = { ...this.#binary, stateRoot };
    mkdirSync(stateFolder(binary), { recursive: true, mode: 0o700 });
    return binary;
  }

  /** Runs a container as our child. */
  async runForeground(o: ForegroundOptions): Promise<ExitStatus> {
    await this.prepare(o.id, o.bundle, o.spec);
    const log = join(o.bundle, 'runtime.log');
    rmSync(log, { force: true });
    const args = ['--log', log, '--log-format', 'json', 'run', '--bundle', o.bundle, o.id];
    this.#note(o);
    try {
      const status = await this.#attached(args, o, o.bundle, this.#at(o.stateRoot));
      const complaint = status.exitCode === 0 ? undefined : readRuntimeLog(log);
      if (complaint !== undefined) throw startFailure(this.#binary, o.spec, complaint);
      return status;
    } finally {
      this.#guard.forget(o.id);
    }
  }

  #note({ id, stateRoot }: { readonly id: string; readonly stateRoot?: string }): void {
    this.#guard.note(id, stateRoot === undefined ? '' : stateFolder(this.#at(stateRoot)));
  }

  /** For others that call the runtime themselves. */
  get binary(): RuntimeBinary {
    return this.#binary;
  }

  /** Writes the bundle's config.json as this runtime wants it: its cgroup named by the id, the seccomp profile compiled. */
  async prepare(id: string, bundle: string, spec: OciSpec): Promise<void> {
    const bounded = await this.#confined(this.#bounded(id, spec));
    writeBundle(bundle, await this.#filters.apply(this.name === 'crun' ? forCrun(bounded) : bounded));
  }

  /** The container's process exists afterwards and waits for `start`. Its standard streams are nothing; a Monitor gives it some. */
  async create(o: CreateOptions): Promise<void> {
    if (o.spec !== undefined) await this.prepare(o.id, o.bundle, o.spec);
    const log = join(o.bundle, 'runtime.log');
    rmSync(log, { force: true });
    const args = ['--log', log, '--log-format', 'json', 'create', '--bundle', o.bundle];
    if (o.pidFile !== undefined) args.push('--pid-file', o.pidFile);
    if (o.consoleSocket !== undefined) args.push('--console-socket', o.consoleSocket);
    const status = await runAttached(this.#binary, [...args, o.id], { signal: o.signal });
    if (status.exitCode !== 0) throw startFailure(this.#binary, o.spec, readRuntimeLog(log) ?? `exit code ${status.exitCode}`);
  }

  /** Lets the created process go on to the container's program. */
  async start(id: string): Promise<void> {
    if (this.name === 'crun' && openGate(join(stateFolder(this.#binary), id, 'exec.fifo'))) return;
    const result = await callRuntime(this.#binary, ['start', id]);
    if (result.exitCode === 0) return;
    // a program may have ended, and been tidied up after, before runc has removed its gate
    const state = await this.state(id);
    if (state !== undefined && state.status !== 'stopped') throw this.#failed('start', id, result.stderr);
  }

  /** Sends a signal to the first process. No error when it has ended already. */
  async kill(id: string, signal: string = 'TERM'): Promise<void> {
    const number = signalNumber(signal);
    if (number === undefined) throw new SlipwayError('invalid-argument', 'container.invalid-signal', `Invalid signal: ${signal}`);
    const result = await callRuntime(this.#binary, ['kill', id, String(number)]);
    if (result.exitCode === 0) return;
    const state = await this.state(id);
    if (state !== undefined && state.status !== 'stopped') throw this.#failed('kill', id, result.stderr);
  }

  /** Stops every process of a container where it is. */
  pause(id: string): Promise<void> {
    return this.#told('pause', id);
  }

  /** Lets them go on. No error when they do. */
  async resume(id: string): Promise<void> {
    if ((await this.state(id))?.status === 'paused') await this.#told('resume', id);
  }

  /** Sets other limits for a container that runs; what is left out stays. */
  async update(id: string, resources: Resources): Promise<void> {
    const folder = scratchFolder(this.#binary.stateRoot, randomId(8));
    try {
      const file = join(folder, 'resources.json');
      writeFileSync(file, JSON.stringify(resources), { mode: 0o600 });
      const result = await callRuntime(this.#binary, ['update', '--resources', file, id]);
      if (result.exitCode !== 0) throw this.#failed('update', id, result.stderr);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  async #told(what: string, id: string): Promise<void> {
    const result = await callRuntime(this.#binary, [what, id]);
    if (result.exitCode !== 0) throw this.#failed(what, id, result.stderr);
  }

  /** The processes of a container, those of exec among them; undefined where it has no control group. */
  processes(id: string): number[] | undefined {
    return this.cgroups ? groupProcesses(this.#binary.stateRoot, id) : undefined;
  }

  /** What its processes have used; undefined where it has no control group. */
  usage(id: string): GroupUsage | undefined {
    return this.cgroups ? groupUsage(groupName(this.#binary.stateRoot, id)) : undefined;
  }

  /** Removes what the runtime knows of it; with `force` it is killed first. No error when there is none. */
  async delete(id: string, o: { readonly force?: boolean } = {}): Promise<void> {
    const result = await callRuntime(this.#binary, ['delete', ...(o.force ? ['--force'] : []), id]);
    if (result.exitCode !== 0 && (await this.state(id)) !== undefined) throw this.#failed('delete', id, result.stderr);
  }

  /**
   * As `delete`, for one whose processes are all gone, and without a process: crun keeps of such a container, when it has no hooks, its
   * folder and its control groups. False when something is in the way; then the runtime itself has to see to it.
   */
  async forget(id: string): Promise<boolean> {
    if (this.name !== 'crun' || !(await this.endControlGroups(id))) return false;
    rmSync(join(stateFolder(this.#binary), id), { recursive: true, force: true });
    return true;
  }

  /** Kills what the runtime may have made of a container without having noted it, and the runtime itself should it still be at work. */
  async endUnnoted(id: string): Promise<void> {
    await endProcesses(this.#binary.stateRoot, new Set([id]));
  }

  /** Ends and removes its control groups. False when a process is left in them after 10 s. */
  async endControlGroups(id: string): Promise<boolean> {
    return !this.cgroups || (await endControlGroups(this.#binary.stateRoot, id));
  }

  /** undefined when there is no such container. */
  async state(id: string): Promise<RuntimeState | undefined> {
    const result = await callRuntime(this.#binary, ['state', id]);
    return result.exitCode === 0 ? (JSON.parse(result.stdout) as RuntimeState) : undefined;
  }

  async list(): Promise<RuntimeState[]> {
    const result = await callRuntime(this.#binary, ['list', '--format', 'json']);
    if (result.exitCode !== 0) throw this.#failed('list', '', result.stderr);
    return (JSON.parse(result.stdout) as RuntimeState[] | null) ?? [];
  }

  /** Another process in a running container. Throws process-failed (126, 127) when it could not be started, unsupported 'runtime.detach-keys'. */
  async exec(id: string, o: ExecOptions): Promise<ExitStatus> {
    if (o.mustDetach === true && o.terminal !== undefined && this.name === 'runc')
      throw new SlipwayError('unsupported', 'runtime.detach-keys', 'runc does not let go of the terminal of a program that it executes', {
        hints: ['leave --detach-keys out, or use crun (SLIPWAY_RUNTIME=crun)'],
      });
    const capabilities = resolveCapabilities({ privileged: o.privileged ?? false, add: o.capAdd ?? [], drop: o.capDrop ?? [] });
    const spec = processSpec(o, capabilities);
    const folder = scratchFolder(this.#binary.stateRoot, randomId(8));
    try {
      const log = join(folder, 'log');
      const process = join(folder, 'process.json');
      writeFileSync(process, encodeSpec(spec), { mode: 0o600 });
      const args = ['--log', log, '--log-format', 'json', 'exec', '--process', process, ...(o.detach ? ['--detach'] : []), id];
      const status = await this.#attached(args, { ...o, leavable: true }, folder);
      const complaint = status.exitCode === 0 ? undefined : readRuntimeLog(log);
      if (complaint !== undefined) throw startFailure(this.#binary, await this.#specInside(id, spec), complaint);
      return status;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Another process in a running container, which is killed when its bounds are over or this process is. Throws as `exec`. */
  async execBounded(id: string, o: ExecOptions, bounds: Bounds): Promise<BoundedStatus> {
    const spec = processSpec(o, resolveCapabilities({ privileged: o.privileged ?? false, add: o.capAdd ?? [], drop: o.capDrop ?? [] }));
    const folder = scratchFolder(this.#binary.stateRoot, randomId(8));
    try {
      const log = join(folder, 'log');
      const process = join(folder, 'process.json');
      writeFileSync(process, encodeSpec(spec), { mode: 0o600 });
      const args = ['--log', log, '--log-format', 'json', 'exec', '--process', process, '--pid-file', pidFile(folder), id];
      const status = await execBounded(this.#binary, args, { id, folder }, bounds);
      const complaint = status.exitCode === undefined || status.exitCode === 0 ? undefined : readRuntimeLog(log);
      if (complaint !== undefined) throw startFailure(this.#binary, await this.#specInside(id, spec), complaint);
      return status;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** runc relays terminals itself while it stays in the foreground: it gets our streams, and the container a terminal. */
  #attached(
    args: readonly string[],
    o: Streams & {
      readonly terminal?: TerminalEnds;
      readonly signal?: AbortSignal;
      readonly detach?: boolean;
      readonly leavable?: boolean;
    },
    folder: string,
    binary = this.#binary,
  ): Promise<ExitStatus> {
    if (o.terminal !== undefined && this.name === 'runc') return runAttached(binary, args, { signal: o.signal, relaysItself: true });
    if (o.terminal !== undefined)
      return runWithTerminal(binary, args, o.signal, { ends: o.terminal, folder, leavable: o.leavable === true });
    return runAttached(binary, args, { signal: o.signal, ...(o.detach !== true && { streams: o }) });
  }

  /** Ends build steps and probes whose owners were killed, should any be left. Looks into two folders when none are. */
  async reap(): Promise<void> {
    await reapSteps(this.#binary);
    for (const { path, id, abandoned } of scratchFolders(this.#binary.stateRoot)) {
      if (!abandoned) continue;
      await endBounded(this.#binary, path);
      // first the runtime, which may not have noted its container yet, or have forgotten it already
      await this.endUnnoted(id);
      if (existsSync(join(stateFolder(this.#binary), id))) await this.delete(id, { force: true });
      if (!(await this.endControlGroups(id))) continue;
      // what a monitor starts lives among the mounts of the command that was killed
      leaveMounts(path);
      rmSync(path, { recursive: true, force: true });
    }
  }

  /** Whether containers get the AppArmor profile. Throws as loadAppArmor. */
  readonly confinement: () => Promise<Confinement> = once(() => loadAppArmor());

  /** Privileged ones, whose files in /proc and /sys nothing hides, are not confined. */
  async #confined(spec: OciSpec): Promise<OciSpec> {
    if (spec.linux.maskedPaths === undefined || (await this.confinement()) !== 'on') return spec;
    return { ...spec, process: { ...spec.process, apparmorProfile: APPARMOR_PROFILE } };
  }

  /** Without device rules, a container that may make device nodes could read the host's disks: then it may not. */
  #bounded(id: string, spec: OciSpec): OciSpec {
    if (this.cgroups)
      return spec.linux.cgroupsPath === undefined
        ? { ...spec, linux: { ...spec.linux, cgroupsPath: `/${groupName(this.#binary.stateRoot, id)}` } }
        : spec;
    const { resources, cgroupsPath: _path, ...linux } = spec.linux;
    const { capabilities } = spec.process;
    const privileged = resources?.devices?.some((rule) => rule.allow && rule.type === undefined) === true;
    if (capabilities === undefined || privileged) return { ...spec, linux };
    const without = (set: readonly string[]): string[] => set.filter((name) => name !== 'CAP_MKNOD');
    const { bounding, effective, permitted } = capabilities;
    return {
      ...spec,
      process: {
        ...spec.process,
        capabilities: { ...capabilities, bounding: without(bounding), effective: without(effective), permitted: without(permitted) },
      },
      linux,
    };
  }

  /** For looking up a program in a running container: its file system as its first process sees it. */
  async #specInside(id: string, process: OciSpec['process']): Promise<OciSpec | undefined> {
    const state = await this.state(id);
    if (state === undefined || state.pid === 0) return undefined;
    const spec = JSON.parse(await readFile(join(state.bundle, 'config.json'), 'utf8')) as OciSpec;
    return { ...spec, process, root: { path: `/proc/${state.pid}/root` }, mounts: [] };
  }

  #failed(what: string, id: string, message: string): SlipwayError {
    return new SlipwayError('process-failed', 'runtime.failed', `${this.name} ${what}${id === '' ? '' : ` ${id}`}: ${message.trim()}`);
  }
}

/**
 * What `crun start` does with a container that has no hooks (its status.c): the created process waits for a byte in this FIFO. Starting a
 * process for that costs 7 ms. False when nobody waits there; then crun has to see to it.
 */
function openGate(fifo: string): boolean {
  let fd: number;
  try {
    fd = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return false;
  }
  try {
    rmSync(fifo);
    return writeSync(fd, Buffer.of(0)) === 1;
  } finally {
    closeSync(fd);
  }
}
