// A container as `inspect` shows it: the JSON of Docker's API (ContainerInspect), as far as there is something to tell.
import { hostAddresses } from './status.ts';
import type { Container, MountPoint } from './types.ts';

const time = (ms: number | undefined): string => (ms === undefined ? '0001-01-01T00:00:00Z' : new Date(ms).toISOString());

export function inspectContainer(c: Container, logPath: string): Record<string, unknown> {
  const [path = '', ...args] = [...c.process.entrypoint, ...c.process.cmd];
  const ports = Object.fromEntries(c.exposed.map((p) => [p, bindings(c, p)]));
  const r = c.request;
  return {
    Id: c.id,
    Created: time(c.createdAt),
    Path: path,
    Args: args,
    State: {
      Status: c.state.status,
      Running: c.state.status === 'running',
      Paused: false,
      Restarting: false,
      OOMKilled: false,
      Dead: false,
      Pid: c.state.pid,
      ExitCode: c.state.exitCode,
      Error: c.state.error,
      StartedAt: time(c.state.startedAt),
      FinishedAt: time(c.state.finishedAt),
    },
    Image: c.imageId,
    LogPath: logPath,
    Name: `/${c.name}`,
    RestartCount: 0,
    Driver: 'overlay2',
    Platform: 'linux',
    HostConfig: {
      Binds: r.volumes.filter((v) => v.source !== undefined).map((v) => `${v.source}:${v.destination}${v.readonly ? ':ro' : ''}`),
      NetworkMode: r.network,
      PortBindings: groupBy(r.ports.map((p) => [`${p.containerPort}/${p.protocol}`, { HostIp: p.hostIp, HostPort: p.hostPort === 0 ? '' : String(p.hostPort) }])),
      PublishAllPorts: r.publishAll,
      AutoRemove: r.autoRemove,
      Privileged: r.privileged,
      ReadonlyRootfs: r.readonlyRootfs,
      CapAdd: r.capAdd,
      CapDrop: r.capDrop,
      Dns: r.dns,
      ExtraHosts: r.addHosts,
      Memory: r.memory ?? 0,
      NanoCpus: r.nanoCpus ?? 0,
      PidsLimit: r.pidsLimit ?? null,
      ShmSize: r.shmSize ?? 64 << 20,
      Ulimits: r.ulimits.map((u) => ({ Name: u.name, Hard: u.hard, Soft: u.soft })),
      RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    },
    Mounts: c.mounts.map(mount),
    Config: {
      Hostname: c.hostname,
      User: c.process.user,
      ExposedPorts: Object.fromEntries(c.exposed.map((p) => [p, {}])),
      Tty: r.tty,
      OpenStdin: r.openStdin,
      Env: c.process.env,
      Cmd: c.process.cmd,
      Image: c.imageName,
      WorkingDir: c.process.workdir,
      Entrypoint: c.process.entrypoint.length > 0 ? c.process.entrypoint : null,
      Labels: r.labels,
      StopSignal: c.process.stopSignal,
      StopTimeout: c.process.stopTimeout,
    },
    NetworkSettings: {
      Ports: c.network ? ports : {},
      Gateway: c.network?.gateway ?? '',
      IPAddress: c.network?.ip ?? '',
      IPPrefixLen: c.network?.prefixLength ?? 0,
      MacAddress: c.network?.mac ?? '',
      Networks: {
        [r.network]: { Gateway: c.network?.gateway ?? '', IPAddress: c.network?.ip ?? '', IPPrefixLen: c.network?.prefixLength ?? 0, MacAddress: c.network?.mac ?? '' },
      },
    },
  };
}

function bindings(c: Container, port: string): { HostIp: string; HostPort: string }[] | null {
  const found = (c.network?.ports ?? []).filter((p) => `${p.containerPort}/${p.protocol}` === port);
  if (found.length === 0) return null;
  return found.flatMap((p) =>
    hostAddresses(p).map((a) => ({ HostIp: a.slice(0, a.lastIndexOf(':')).replace(/^\[|\]$/g, ''), HostPort: String(p.hostPort) })),
  );
}

function groupBy<T>(pairs: readonly (readonly [string, T])[]): Record<string, T[]> {
  const out: Record<string, T[]> = {};
  for (const [key, value] of pairs) (out[key] ??= []).push(value);
  return out;
}

function mount(m: MountPoint): Record<string, unknown> {
  return { Type: m.type, ...(m.name !== undefined && { Name: m.name }), Source: m.source, Destination: m.destination, Mode: '', RW: !m.readonly, Propagation: m.type === 'bind' ? 'rprivate' : '' };
}
