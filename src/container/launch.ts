// Makes everything ready for a container's process: mounts its file system, joins its network, writes the files that tell
// it its name, and puts the OCI configuration together. What takes time is done side by side.
import { chmodSync, existsSync, mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import type { Attachment } from '../network/index.ts';
import {
  type BegunMonitor,
  defaultSpec,
  type OciRuntime,
  type OciSpec,
  placeMounts,
  refuseUnstartable,
  resolveExecutable,
  resolveUser,
  type SpecMount,
} from '../runtime/index.ts';
import { mountAll } from '../snapshot/index.ts';
import {
  deleteNetworkNamespace,
  type Directory,
  enterPrivateMountNamespace,
  reasonOf,
  RootedTree,
  unmount,
  UmountFlag,
  whyNoPath,
  SYSTEM_PATH,
} from '../sys/index.ts';
import { crashPoint } from '../util/index.ts';
import { hasNetwork, netnsFile, runFolder } from './folders.ts';
import type { ContainerParts } from './parts.ts';
import { isAlive } from './transitions.ts';
import { joinNetworks } from './endpoints.ts';
import { IDENTITY, identityMounts, writeIdentity } from './identity.ts';
import { type Joined, join, joinedName } from './namespaces.ts';
import { ContainerRecords } from './records.ts';
import { withInit } from './init.ts';
import { asksForLimits, NO_WEIGHT, resources, weighsBlockIo } from './limits.ts';
import { leaveMarks } from './marks.ts';
import { fillMounted, seedVolume } from './seed.ts';
import type { Container, MountPoint } from './types.ts';
import { isMemory, isReadonly } from './volume-options.ts';
import type { Volumes } from './volumes.ts';

/** The folder for that of another container, in the bundle. */
const SHARED_MEMORY = 'shm';

export interface LaunchOptions {
  /** Size of the terminal, when the container gets one. */
  readonly consoleSize?: { readonly height: number; readonly width: number };
  readonly onWarning?: (message: string) => void;
}

/** A container whose process waits for its start. */
export interface Launched {
  readonly runtime: OciRuntime;
  readonly bundle: string;
  readonly pid: number;
  /** Of conmon. */
  readonly monitorPid: number;
  /** The one that leads out of it first. */
  readonly networks: readonly Attachment[];
  readonly hostname: string;
}

/**
 * Prepares a launch and has `begin`'s monitor create the container's process, without letting its program begin. The network is joined
 * meanwhile, which takes longer than everything else together: all that the process needs of it is the namespace. When this fails, what
 * was made still exists: `takeBack` removes it.
 */
export async function launch(
  parts: ContainerParts,
  volumes: Volumes,
  asked: Container,
  o: LaunchOptions,
  begin: (runtime: OciRuntime, bundle: string) => BegunMonitor,
): Promise<Launched> {
  enterPrivateMountNamespace();
  const joined = join(new ContainerRecords(parts.db), asked);
  const hostname = joined.network?.hostname ?? asked.hostname;
  const c = { ...asked, hostname };
  const { layout } = parts;
  const bundle = runFolder(layout, c.id);
  const rootfs = joinPath(bundle, 'rootfs');
  mkdirSync(rootfs, { recursive: true, mode: 0o700 });
  const runtime = await parts.runtime();
  const monitor = begin(runtime, bundle);
  const joining = joinNetworks(parts, c);
  joining.catch(() => {}); // awaited below
  try {
    mountAll(parts.snapshots.mounts(c.snapshotId), rootfs);
    const mounts = await prepareMounts(parts, volumes, c, rootfs);
    const plain = specOf(parts, { ...c, mounts }, rootfs, joined, o);
    checkProgram(plain);
    for (const name of IDENTITY) writeFileSync(joinPath(bundle, name), '', { mode: 0o644 });
    using tree = new RootedTree(rootfs);
    const begun = c.request.init === true ? withInit(plain) : plain;
    const spec = { ...begun, mounts: placeMounts(tree, begun.mounts, createPlace) };
    await runtime.prepare(c.id, bundle, spec);
    const created = await monitor.create(spec);
    joined.verify();
    const networks = await joining;
    crashPoint('container.network-joined');
    writeIdentity(bundle, c, networks);
    await warn(c, runtime, o);
    return { ...created, runtime, bundle, networks, hostname };
  } catch (error) {
    monitor.cancel();
    // what it made cannot appear after it was taken back; its own error comes first, as in Docker a port before the program
    await joining;
    throw error;
  }
}

async function warn(c: Container, runtime: OciRuntime, o: LaunchOptions): Promise<void> {
  if ((await runtime.confinement()) === 'no-parser')
    o.onWarning?.('AppArmor is enabled, but apparmor_parser is not installed: the container has no AppArmor profile');
  if ((c.request.blkioWeight ?? 0) > 0 && !weighsBlockIo()) o.onWarning?.(NO_WEIGHT);
  if (!runtime.cgroups && asksForLimits(c.request))
    o.onWarning?.('no control group can be made on this machine: the limits on memory, CPUs and processes have no effect');
}

/** Undoes what a launch made, in this process or in one that died: network, mounts, run-time files. Idempotent. */
export async function takeBack(parts: ContainerParts, c: Container): Promise<void> {
  const { layout } = parts;
  if (hasNetwork(c)) {
    await parts.network.detach(c.id, { shared: isJoined(parts, c) });
    deleteNetworkNamespace(netnsFile(layout, c.id));
  }
  const bundle = runFolder(layout, c.id);
  for (const mounted of ['rootfs', SHARED_MEMORY].map((name) => joinPath(bundle, name))) {
    try {
      unmount(mounted, UmountFlag.MNT_DETACH);
    } catch {
      // mounted in the namespace of another process, which ends with that process, or not at all
    }
    // Fails where something is mounted still: files of containers must never be taken for leftovers.
    if (existsSync(mounted)) rmdirSync(mounted);
  }
  rmSync(bundle, { recursive: true, force: true });
}

/** Whether containers that have its network go on. */
function isJoined(parts: ContainerParts, c: Container): boolean {
  return new ContainerRecords(parts.db).unsettled().some((other) => joinedName(other.request.network) === c.id && isAlive(other));
}

/** As Docker leaves them in the container's own layer. */
function createPlace(parent: Directory, name: string, directory: boolean): void {
  const path = parent.at(name);
  if (directory) mkdirSync(path);
  else writeFileSync(path, '', { flag: 'wx' });
  chmodSync(path, 0o755);
}

/** Returns the container's mounts as they can be: a volume may be mounted read-only itself, which runtimes would take back. */
async function prepareMounts({ layout }: ContainerParts, volumes: Volumes, c: Container, rootfs: string): Promise<MountPoint[]> {
  const fixed = new Set<MountPoint>();
  for (const m of c.mounts) {
    if (m.type === 'volume') {
      volumes.ensureFolder(m.name!);
      const options = await volumes.mount(c, m);
      if (options === undefined) await seedVolume(m, rootfs, layout.locks);
      else if (isReadonly(options)) fixed.add(m);
      else if (!isMemory(options)) fillMounted(m, rootfs);
    } else if (m.mustExist === true) {
      checkSource(m);
    } else if (m.type === 'bind' && !existsSync(m.source)) {
      mkdirSync(m.source, { recursive: true, mode: 0o755 }); // as Docker does for -v
    }
  }
  using tree = new RootedTree(rootfs);
  try {
    tree.makeDirectories(c.process.workdir || '/', 0o755).close();
  } catch (cause) {
    const inTheWay = reasonOf(cause, 'EEXIST', 'ENOTDIR') !== undefined;
    const why = inTheWay ? ' is not a directory' : `: ${whyNoPath(cause)}`;
    if (!inTheWay && whyNoPath(cause) === undefined) throw cause;
    throw new SlipwayError('invalid-argument', 'container.workdir-no-directory', `Cannot mkdir: ${c.process.workdir}${why}`, {
      exitCode: 125,
      cause,
    });
  }
  leaveMarks(tree);
  return c.mounts.map((m) => (fixed.has(m) ? { ...m, readonly: true } : m));
}

function specOf(parts: ContainerParts, c: Container, rootfs: string, joined: Joined, o: LaunchOptions): OciSpec {
  const r = c.request;
  const bundle = runFolder(parts.layout, c.id);
  const netns = hasNetwork(c) ? netnsFile(parts.layout, c.id) : r.network;
  const sharedMemory = joinPath(bundle, SHARED_MEMORY);
  if (joined.borrowSharedMemory !== undefined) {
    mkdirSync(sharedMemory, { mode: 0o700 });
    joined.borrowSharedMemory(sharedMemory);
  }
  const user = resolveUser(rootfs, c.process.user, r.groups);
  return defaultSpec({
    rootfs,
    args: [...c.process.entrypoint, ...c.process.cmd],
    env: environment(c, user.home),
    cwd: c.process.workdir || '/',
    user,
    hostname: c.hostname,
    tty: r.tty,
    ...((o.consoleSize ?? r.consoleSize) !== undefined && { consoleSize: o.consoleSize ?? r.consoleSize! }),
    netns,
    mounts: [
      ...identityMounts(joined.network === undefined ? bundle : runFolder(parts.layout, joined.network.id), r.readonlyRootfs),
      ...(joined.borrowSharedMemory === undefined
        ? []
        : [{ destination: '/dev/shm', type: 'bind', source: sharedMemory, options: ['rbind', 'rprivate'] }]),
      ...c.mounts.map(specMount),
    ],
    ...joined.spec,
    privileged: r.privileged,
    capAdd: r.capAdd,
    capDrop: r.capDrop,
    readonly: r.readonlyRootfs,
    ulimits: r.ulimits,
    ...(r.shmSize !== undefined && { shmSize: r.shmSize }),
    ...(asksForLimits(r) && { resources: resources(r) }),
    ...(r.domainname !== undefined && { domainname: r.domainname }),
    ...(r.sysctls !== undefined && { sysctls: r.sysctls }),
    ...(r.noNewPrivileges === true && { noNewPrivileges: true }),
    ...(r.seccomp !== undefined && { seccomp: r.seccomp }),
    ...(r.devices !== undefined && { devices: r.devices }),
    ...(r.oomScoreAdj !== undefined && { oomScoreAdj: r.oomScoreAdj }),
  });
}

/**
 * Refuses a program that is not there before the runtime does: crun complains on our standard error, in words of its own.
 * What lies on a file system that is mounted later is left to the runtime.
 */
export function checkProgram(spec: Pick<OciSpec, 'process' | 'root' | 'mounts'>): void {
  const program = spec.process.args[0] ?? '';
  const later = ['/proc', ...spec.mounts.filter((m) => m.type !== 'bind').map((m) => m.destination)];
  if (later.some((folder) => program.startsWith(`${folder}/`))) return;
  resolveExecutable(spec);
  refuseUnstartable(spec);
}

/** Docker's order: what it sets itself comes first, so that image and command line can replace it. */
function environment(c: Container, home: string): string[] {
  const has = (name: string): boolean => c.process.env.some((e) => e.startsWith(`${name}=`));
  const path = has('PATH') ? c.process.env.filter((e) => e.startsWith('PATH=')) : [`PATH=${SYSTEM_PATH}`];
  const rest = c.process.env.filter((e) => !e.startsWith('PATH='));
  const own = [...(has('HOSTNAME') ? [] : [`HOSTNAME=${c.hostname}`]), ...(c.request.tty && !has('TERM') ? ['TERM=xterm'] : [])];
  return [...path, ...own, ...rest, ...(has('HOME') ? [] : [`HOME=${home}`])];
}

function specMount(m: MountPoint): SpecMount {
  if (m.type === 'tmpfs')
    return { destination: m.destination, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'noexec', ...(m.options ?? [])] };
  const propagation = m.propagation ?? 'rprivate';
  const access = m.readonly ? (m.recursion === 'readonly' ? ['ro', 'rro'] : ['ro']) : ['rw'];
  return {
    destination: m.destination,
    type: 'bind',
    source: m.source,
    options:
      m.recursion === 'none'
        ? ['bind', propagation.replace(/^r/, ''), ...access]
        : ['rbind', propagation.startsWith('r') ? propagation : `r${propagation}`, ...access],
  };
}

/** @throws SlipwayError `container.no-source` when what is to be mounted is not there */
export function checkSource({ source }: Pick<MountPoint, 'source'>): void {
  if (!existsSync(source))
    throw new SlipwayError(
      'invalid-argument',
      'container.no-source',
      `invalid mount config for type "bind": bind source path does not exist: ${source}`,
    );
}
