// A container as `inspect` shows it: the JSON of Docker's API (ContainerInspect), as far as there is something to tell.
import { join } from 'node:path';
import { defaultCgroupNamespace } from '../runtime/index.ts';
import type { Layout } from '../store/index.ts';
import { aliasesIn, attachmentsOf, endpointsOf, networkNames } from './endpoints.ts';
import { hasNetwork, logFile, netnsFile, runFolder } from './folders.ts';
import { bindings, stateText } from './status.ts';
import type { Container, Health, MountPoint } from './types.ts';

const DEFAULT_SHM = 64 << 20;

const time = (ms: number | undefined): string => (ms === undefined ? '0001-01-01T00:00:00Z' : new Date(ms).toISOString());
const orNull = <T>(list: readonly T[]): readonly T[] | null => (list.length === 0 ? null : list);

export interface InspectContext {
  readonly layout: Layout;
  /** 'crun', 'runc'. */
  readonly runtime: string;
  /** What keeps its files, as Docker calls it, and the folders that they are in. */
  readonly driver: string;
  readonly folders: Readonly<Record<string, string>>;
}

export function inspectContainer(c: Container, x: InspectContext): Record<string, unknown> {
  const [path = '', ...args] = [...c.process.entrypoint, ...c.process.cmd];
  const restarting = c.state.status === 'restarting';
  const running = c.state.status === 'running' || restarting;
  const folder = runFolder(x.layout, c.id);
  return {
    Id: c.id,
    Created: time(c.createdAt),
    Path: path,
    Args: args,
    State: {
      Status: stateText(c),
      Running: running,
      Paused: running && c.state.paused === true,
      Restarting: restarting,
      OOMKilled: c.state.oomKilled === true,
      Dead: false,
      Pid: c.state.pid,
      ExitCode: running && !restarting ? 0 : c.state.exitCode,
      Error: c.state.error,
      StartedAt: time(c.state.startedAt),
      FinishedAt: time(c.state.finishedAt),
      ...(c.state.health !== undefined && { Health: health(c.state.health) }),
    },
    Image: c.imageId,
    ResolvConfPath: join(folder, 'resolv.conf'),
    HostnamePath: join(folder, 'hostname'),
    HostsPath: join(folder, 'hosts'),
    LogPath: logFile(x.layout, c.id),
    Name: `/${c.name}`,
    RestartCount: c.state.restarts ?? 0,
    Driver: x.driver,
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: null,
    HostConfig: hostConfig(c, x.runtime),
    GraphDriver: {
      Name: x.driver,
      Data: { ...x.folders, MergedDir: join(folder, 'rootfs') },
    },
    Mounts: mountsJson(c),
    Config: config(c),
    NetworkSettings: networkSettings(c, x.layout),
  };
}

const health = ({ status, failingStreak, log }: Health): Record<string, unknown> => ({
  Status: status,
  FailingStreak: failingStreak,
  Log: log.map((r) => ({ Start: time(r.start), End: time(r.end), ExitCode: r.exitCode, Output: r.output })),
});

function hostConfig(c: Container, runtime: string): Record<string, unknown> {
  const r = c.request;
  const portBindings: Record<string, unknown[]> = {};
  for (const p of r.ports)
    (portBindings[`${p.containerPort}/${p.protocol}`] ??= []).push({
      HostIp: p.hostIp,
      HostPort: p.hostPort === 0 ? '' : String(p.hostPort),
    });
  return {
    Binds: orNull(
      r.volumes
        .filter((v) => v.source !== undefined && v.byMount !== true)
        .map((v) => `${v.source}:${v.destination}${v.readonly ? ':ro' : ''}`),
    ),
    LogConfig: { Type: 'json-file', Config: r.logLimit === undefined ? {} : { 'max-size': String(r.logLimit) } },
    NetworkMode: r.network,
    PortBindings: r.publishAll ? {} : portBindings,
    RestartPolicy: { Name: r.restart?.name ?? 'no', MaximumRetryCount: r.restart?.maximumRetries ?? 0 },
    AutoRemove: r.autoRemove,
    CapAdd: orNull(r.capAdd),
    CapDrop: orNull(r.capDrop),
    Dns: r.dns,
    DnsOptions: r.dnsOptions ?? [],
    DnsSearch: r.dnsSearch ?? [],
    ExtraHosts: orNull(r.addHosts),
    VolumesFrom: orNull(r.volumesFrom ?? []),
    Privileged: r.privileged,
    PidMode: r.pid ?? '',
    IpcMode: r.ipc || 'private',
    UTSMode: r.uts ?? '',
    UsernsMode: r.userns ?? '',
    CgroupnsMode: r.cgroupns || defaultCgroupNamespace(r.privileged),
    PublishAllPorts: r.publishAll,
    ReadonlyRootfs: r.readonlyRootfs,
    Tmpfs: Object.fromEntries(c.mounts.filter((m) => m.type === 'tmpfs').map((m) => [m.destination, (m.options ?? []).join(',')])),
    ...(r.init === true && { Init: true }),
    ShmSize: r.shmSize ?? DEFAULT_SHM,
    Runtime: runtime,
    Memory: r.memory ?? 0,
    NanoCpus: r.nanoCpus ?? 0,
    PidsLimit: r.pidsLimit ?? null,
    MemorySwap: r.memorySwap ?? (r.memory ?? 0) * 2,
    MemoryReservation: r.memoryReservation ?? 0,
    CpuPeriod: r.cpuPeriod ?? 0,
    CpuQuota: r.cpuQuota ?? 0,
    CpuShares: r.cpuShares ?? 0,
    BlkioWeight: r.blkioWeight ?? 0,
    CpusetCpus: r.cpusetCpus ?? '',
    CpusetMems: r.cpusetMems ?? '',
    Devices: (r.devices ?? []).map((d) => ({ PathOnHost: d.source, PathInContainer: d.destination, CgroupPermissions: d.permissions })),
    GroupAdd: orNull(r.groups ?? []),
    OomScoreAdj: r.oomScoreAdj ?? 0,
    SecurityOpt: orNull([
      ...(r.noNewPrivileges === true ? ['no-new-privileges'] : []),
      ...(r.seccomp === undefined ? [] : [`seccomp=${r.seccomp}`]),
    ]),
    ...(r.sysctls !== undefined && { Sysctls: r.sysctls }),
    Ulimits: r.ulimits.map((u) => ({ Name: u.name, Hard: u.hard, Soft: u.soft })),
  };
}

function config(c: Container): Record<string, unknown> {
  const volumes = c.mounts.filter((m) => m.anonymous === true);
  return {
    Hostname: c.hostname,
    Domainname: c.request.domainname ?? '',
    User: c.process.user,
    AttachStdin: c.request.attached?.includes('stdin') === true,
    AttachStdout: c.request.attached?.includes('stdout') === true,
    AttachStderr: c.request.attached?.includes('stderr') === true,
    ExposedPorts: Object.fromEntries(c.exposed.map((p) => [p, {}])),
    Tty: c.request.tty,
    OpenStdin: c.request.openStdin,
    StdinOnce: c.request.stdinOnce ?? (c.request.openStdin && c.request.attached?.includes('stdin') === true),
    Env: c.process.env,
    Cmd: orNull(c.process.cmd),
    ...(c.healthcheck !== undefined && { Healthcheck: c.healthcheck }),
    Image: c.imageName,
    Volumes: volumes.length === 0 ? null : Object.fromEntries(volumes.map((m) => [m.destination, {}])),
    WorkingDir: c.process.workdir,
    Entrypoint: orNull(c.process.entrypoint),
    OnBuild: null,
    Labels: c.labels,
    ...((c.request.stopSignal !== undefined || c.process.stopSignal !== 'SIGTERM') && { StopSignal: c.process.stopSignal }),
    ...(c.request.stopTimeout !== undefined && { StopTimeout: c.request.stopTimeout }),
  };
}

function networkSettings(c: Container, layout: Layout): Record<string, unknown> {
  const network = c.state.status === 'running' ? c.network : undefined;
  const ports: Record<string, unknown> = Object.fromEntries(c.exposed.map((p) => [p, null]));
  for (const p of network?.ports ?? []) {
    const key = `${p.containerPort}/${p.protocol}`;
    ports[key] = [
      ...((ports[key] as unknown[] | null) ?? []),
      ...bindings(p).map((b) => ({ HostIp: b.hostIp, HostPort: String(b.hostPort) })),
    ];
  }
  const address = {
    Gateway: network?.gateway ?? '',
    IPAddress: network?.ip ?? '',
    IPPrefixLen: network?.prefixLength ?? 0,
    MacAddress: network?.mac ?? '',
  };
  return {
    SandboxKey: network !== undefined && hasNetwork(c) ? netnsFile(layout, c.id) : '',
    Ports: network === undefined ? {} : ports,
    ...address,
    Networks: networksJson(c),
  };
}

/** By name of the network. */
export const networksJson = (c: Container): Record<string, Record<string, unknown>> =>
  Object.fromEntries(networkNames(c).map((name) => [name, endpoint(c, name)]));

export const mountsJson = (c: Container): Record<string, unknown>[] => c.mounts.filter((m) => m.type !== 'tmpfs').map(mount);

function endpoint(c: Container, name: string): Record<string, unknown> {
  const e = endpointsOf(c).find((one) => one.network === name);
  const got = c.state.status === 'running' ? attachmentsOf(c).find((one) => one.network === name) : undefined;
  // compose gives the name of the container as an alias as well
  const names = [...new Set([c.name, ...aliasesIn(c, name)])];
  return {
    IPAMConfig: e?.ip === undefined ? null : { IPv4Address: e.ip },
    Links: null,
    Aliases: orNull(e?.aliases ?? []),
    Gateway: got?.gateway ?? '',
    IPAddress: got?.ip ?? '',
    IPPrefixLen: got?.prefixLength ?? 0,
    MacAddress: got?.mac ?? e?.mac ?? '',
    DNSNames: ['bridge', 'host', 'none'].includes(name) ? null : names,
  };
}

function mount(m: MountPoint): Record<string, unknown> {
  return {
    Type: m.type,
    ...(m.name !== undefined && { Name: m.name }),
    Source: m.source,
    Destination: m.destination,
    ...(m.type === 'volume' && { Driver: 'local' }),
    Mode: m.readonly ? 'ro' : m.type === 'volume' && m.anonymous !== true ? 'z' : '',
    RW: !m.readonly,
    Propagation: m.type === 'bind' ? (m.propagation ?? 'rprivate') : '',
  };
}
