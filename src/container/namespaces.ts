// Namespaces that a container shares with the host or with another container, as asked for by `--network`, `--pid`, `--ipc`, `--uts`,
// `--userns` and `--cgroupns`. Who is joined is found when a container starts: it must run then, and be the same after.
import { SlipwayError } from '../model/index.ts';
import type { SpecOptions } from '../runtime/index.ts';
import { borrowMount, processAlive } from '../sys/index.ts';
import type { ContainerRecords } from './records.ts';
import { isAlive } from './transitions.ts';
import type { Container, ContainerRequest } from './types.ts';

const JOIN = 'container:';

/** The name or ID behind `container:`; undefined for every other mode. */
export function joinedName(mode: string | undefined): string | undefined {
  return mode?.startsWith(JOIN) === true ? mode.slice(JOIN.length) : undefined;
}

/** Refuses modes that do not exist and what does not go together, in Docker's words. @throws SlipwayError `container.namespace` */
export function checkNamespaces(r: ContainerRequest): void {
  checkMode('--pid: invalid PID mode', r.pid, ['', 'host'], true);
  checkMode(`invalid IPC mode: ${r.ipc}`, r.ipc, ['', 'host', 'private', 'shareable', 'none'], true);
  checkMode('--uts: invalid UTS mode', r.uts, ['', 'host'], false);
  checkMode('--userns: invalid USER mode', r.userns, ['', 'host'], false);
  checkMode('--cgroupns: invalid CGROUP mode', r.cgroupns, ['', 'host', 'private'], false);
  if (r.uts === 'host' && r.hostname !== undefined) throw conflict('hostname and the UTS mode');
  if (!r.network.startsWith(JOIN)) return;
  if (r.network === JOIN) throw refused('invalid network mode: invalid container format container:<name|id>');
  if (r.hostname !== undefined) throw conflict('hostname and the network mode');
  if (r.dns.length > 0) throw conflict('dns and the network mode');
  if (r.addHosts.length > 0) throw conflict('custom host-to-IP mapping and the network mode');
  if (r.ports.length > 0 || r.publishAll) throw conflict('port publishing and the container type network mode');
  if (r.expose.length > 0) throw conflict('port exposing and the container type network mode');
}

function checkMode(message: string, mode: string | undefined, known: readonly string[], joins: boolean): void {
  if (mode === undefined || known.includes(mode) || (joins && (joinedName(mode) ?? '') !== '')) return;
  throw refused(message);
}

/** The request with IDs in place of names. A network may be joined of a container that is yet to be made. @throws not-found */
export function withJoinedIds(records: ContainerRecords, r: ContainerRequest): ContainerRequest {
  const fixed: { network?: string; pid?: string; ipc?: string } = {};
  for (const key of ['network', 'pid', 'ipc'] as const) {
    const name = joinedName(r[key]);
    if (name === undefined) continue;
    const found = key === 'network' ? records.find(name) : records.resolve(name);
    if (found !== undefined) fixed[key] = JOIN + found.id;
  }
  return { ...r, ...fixed };
}

/** What a container that starts shares. */
export interface Joined {
  /** The container whose network it has. */
  readonly network?: Container;
  /** For its configuration; `netns` too when it joins a network. */
  readonly spec: Pick<SpecOptions, 'pid' | 'ipc' | 'uts' | 'cgroupns' | 'netns'>;
  /** Makes a joined container's shared memory a mount of this process at `target`, an empty folder. */
  readonly borrowSharedMemory?: (target: string) => void;
  /** To be called once its process is there: a namespace whose owner has ended may be somebody else's. @throws as `join` */
  verify(): void;
}

/** @throws SlipwayError not-found, conflict `container.not-joinable` when a container that is to be joined does not run */
export function join(records: ContainerRecords, { request: r }: Container): Joined {
  const network = joinNetwork(records, r.network);
  const pid = joinOther(records, r.pid, 'PID');
  const ipc = joinOther(records, r.ipc, 'IPC');
  if (ipc !== undefined && !['host', 'shareable'].includes(ipc.request.ipc ?? '') && joinedName(ipc.request.ipc) === undefined)
    throw notJoinable(
      `failed to join IPC namespace: container ${ipc.id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
    );
  const path = (c: Container, name: string): string => `/proc/${c.state.pid}/ns/${name}`;
  return {
    ...(network && { network }),
    spec: {
      ...(pid ? { pid: path(pid, 'pid') } : r.pid === 'host' ? { pid: 'host' } : {}),
      ...(ipc ? { ipc: path(ipc, 'ipc') } : r.ipc === 'host' || r.ipc === 'none' ? { ipc: r.ipc } : {}),
      ...(r.uts === 'host' ? { uts: 'host' } : {}),
      ...(r.cgroupns ? { cgroupns: r.cgroupns } : {}),
      ...(network && { netns: path(network, 'net') }),
    },
    ...(ipc && { borrowSharedMemory: (target: string) => borrowMount(ipc.state.pid, '/dev/shm', target) }),
    verify: () => {
      const gone = [network, pid, ipc].find((c) => c !== undefined && !processAlive(c.state.process ?? ''));
      if (gone !== undefined) throw notJoinable(`cannot join a namespace of container ${gone.name}: it has ended`);
    },
  };
}

function joinNetwork(records: ContainerRecords, mode: string): Container | undefined {
  const name = joinedName(mode);
  if (name === undefined) return undefined;
  const c = records.find(name);
  if (c === undefined)
    throw new SlipwayError('not-found', 'container.not-found', `joining network namespace of container: No such container: ${name}`, {
      exitCode: 125,
    });
  if (!isRunning(c))
    throw notJoinable(`cannot join network namespace of a non running container: container ${c.name} is ${c.state.status}`);
  return c;
}

function joinOther(records: ContainerRecords, mode: string | undefined, what: 'PID' | 'IPC'): Container | undefined {
  const name = joinedName(mode);
  if (name === undefined) return undefined;
  const c = records.resolve(name);
  if (!isRunning(c)) throw notJoinable(`failed to join ${what} namespace: container ${c.id} is not running`);
  return c;
}

const isRunning = (c: Container): boolean => c.state.pid > 0 && isAlive(c);

const refused = (message: string): SlipwayError => new SlipwayError('invalid-argument', 'container.namespace', message, { exitCode: 125 });
const conflict = (what: string): SlipwayError => refused(`conflicting options: ${what}`);
const notJoinable = (message: string): SlipwayError => new SlipwayError('conflict', 'container.not-joinable', message, { exitCode: 125 });
