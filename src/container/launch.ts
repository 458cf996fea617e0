// Brings a container's process about: mounts its file system, joins its network, writes the files that tell it its name,
// and hands an OCI bundle to the runtime. What takes time is done side by side.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostsFile, type NetworkManager, resolvConf } from '../network/index.ts';
import { defaultSpec, type OciRuntime, type OciSpec, type Resources, resolveUser, type SpecMount } from '../runtime/index.ts';
import { mountAll, type Mount, type Snapshotter } from '../snapshot/index.ts';
import type { Layout } from '../store/index.ts';
import { createNetworkNamespace, deleteNetworkNamespace, enterPrivateMountNamespace, unmount, UmountFlag } from '../sys/index.ts';
import type { Container } from './types.ts';
import { seedVolume } from './volumes.ts';

export interface LaunchParts {
  readonly layout: Layout;
  readonly snapshots: Snapshotter;
  readonly network: NetworkManager;
  runtime(): Promise<OciRuntime>;
}

/** A container that is ready to be started. */
export interface Prepared {
  readonly runtime: OciRuntime;
  readonly bundle: string;
  readonly spec: OciSpec;
  readonly container: Container;
}

/** The folder of a container for what dies with the machine: bundle, mount point of its file system, pid files. */
export const runFolder = (layout: Layout, id: string): string => join(layout.run, 'containers', id);

/** The folder of a container for what stays: log, hosts file. */
export const stateFolder = (layout: Layout, id: string): string => join(layout.containers, id);

const netnsOf = (layout: Layout, id: string): string => join(layout.run, 'netns', id);

/** Makes everything ready; when it fails, what was made is taken back. */
export async function prepareLaunch(parts: LaunchParts, c: Container, consoleSize?: { height: number; width: number }, signal?: AbortSignal): Promise<Prepared> {
  enterPrivateMountNamespace();
  const { layout } = parts;
  const bundle = runFolder(layout, c.id);
  const rootfs = join(bundle, 'rootfs');
  const runtimeFound = parts.runtime();
  runtimeFound.catch(() => {}); // awaited below
  mkdirSync(rootfs, { recursive: true });
  mkdirSync(stateFolder(layout, c.id), { recursive: true });
  try {
    const joined = joinNetwork(parts, c, signal);
    joined.catch(() => {}); // awaited below
    mountAll(parts.snapshots.mounts(c.snapshotId), rootfs);
    for (const p of c.mounts) if (p.type === 'volume') await seedVolume(p, rootfs);
    const user = resolveUser(rootfs, c.process.user);
    const network = await joined;
    const container: Container = network ? { ...c, network } : c;
    const spec = defaultSpec({
      rootfs,
      args: [...c.process.entrypoint, ...c.process.cmd],
      env: [...environment(c, user.home)],
      cwd: c.process.workdir,
      user,
      hostname: c.hostname,
      tty: c.request.tty,
      ...(consoleSize && { consoleSize }),
      netns: c.request.network === 'bridge' ? netnsOf(layout, c.id) : c.request.network,
      mounts: [...identityFiles(layout, container), ...c.mounts.map(specMount)],
      privileged: c.request.privileged,
      capAdd: c.request.capAdd,
      capDrop: c.request.capDrop,
      readonly: c.request.readonlyRootfs,
      ulimits: c.request.ulimits,
      ...(c.request.shmSize !== undefined && { shmSize: c.request.shmSize }),
      ...resources(c),
    });
    return { runtime: await runtimeFound, bundle, spec, container };
  } catch (e) {
    await takeBack(parts, c.id);
    throw e;
  }
}

/** Undoes what a launch made: network, mounts and run-time files. Nothing of it may be there any more. */
export async function takeBack(parts: LaunchParts, id: string): Promise<void> {
  const { layout } = parts;
  const bundle = runFolder(layout, id);
  await parts.network.detach(id);
  deleteNetworkNamespace(netnsOf(layout, id));
  try {
    unmount(join(bundle, 'rootfs'), UmountFlag.MNT_DETACH);
  } catch {
    // mounted in another process' namespace, or not at all
  }
  rmSync(bundle, { recursive: true, force: true });
}

async function joinNetwork(parts: LaunchParts, c: Container, signal?: AbortSignal): Promise<Container['network']> {
  if (c.request.network !== 'bridge') return undefined;
  const netnsPath = netnsOf(parts.layout, c.id);
  mkdirSync(join(parts.layout.run, 'netns'), { recursive: true });
  createNetworkNamespace(netnsPath);
  return parts.network.attach({ id: c.id, name: c.name, netnsPath, ports: c.request.ports, ...(signal && { signal }) });
}

function environment(c: Container, home: string): string[] {
  const has = (name: string): boolean => c.process.env.some((e) => e.startsWith(`${name}=`));
  return [...(has('HOSTNAME') ? [] : [`HOSTNAME=${c.hostname}`]), ...c.process.env, ...(has('HOME') ? [] : [`HOME=${home}`])];
}

/** /etc/hostname, /etc/hosts and /etc/resolv.conf are the container's own, and no part of its layer. */
function identityFiles(layout: Layout, c: Container): SpecMount[] {
  const folder = stateFolder(layout, c.id);
  const files: Record<string, string> = {
    hostname: `${c.hostname}\n`,
    hosts: hostsFile({
      hostname: c.hostname,
      ...(c.network && { ip: c.network.ip, hostGateway: c.network.gateway }),
      extraHosts: [...c.request.addHosts],
    }),
    'resolv.conf': resolvConf(readFileSync('/etc/resolv.conf', { encoding: 'utf8', flag: 'r' }), { dns: [...(c.request.dns.length > 0 ? c.request.dns : (c.network?.dns ?? []))] }),
  };
  return Object.entries(files).map(([name, text]) => {
    const source = join(folder, name);
    writeFileSync(source, text, { mode: 0o644 });
    return { destination: `/etc/${name}`, type: 'bind', source, options: ['rbind', 'rprivate'] };
  });
}

function specMount(p: Container['mounts'][number]): SpecMount {
  const access = p.readonly ? 'ro' : 'rw';
  if (p.type === 'tmpfs') return { destination: p.destination, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'noexec', ...(p.options ?? [])] };
  return { destination: p.destination, type: 'bind', source: p.source, options: ['rbind', 'rprivate', access] };
}

/** Limits, and the device rules that go with a cgroup. CPU time is given in periods of 100 ms, as in Docker. */
function resources(c: Container): { resources?: Resources } {
  const r = c.request;
  if (r.memory === undefined && r.nanoCpus === undefined && r.pidsLimit === undefined) return {};
  return {
    resources: {
      ...(r.memory !== undefined && { memory: { limit: r.memory, swap: r.memory * 2 } }),
      ...(r.nanoCpus !== undefined && { cpu: { quota: Math.round(r.nanoCpus / 10_000), period: 100_000 } }),
      ...(r.pidsLimit !== undefined && { pids: { limit: r.pidsLimit } }),
    },
  };
}

export type { Mount };
