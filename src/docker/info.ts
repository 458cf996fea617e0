// `GET /info`: what the store holds and what it stands on, in the fields of Docker's that mean something here. `info` prints them too.
import { readFileSync } from 'node:fs';
import { cpus, hostname, release, totalmem } from 'node:os';
import type { MachineFacts } from '../engine/index.ts';

/** What only the surroundings of the program know. */
export interface ProgramFacts {
  readonly version: string;
  readonly debug: boolean;
  /** The folder of the store. */
  readonly root: string;
  /** Proxies, by the names of their variables in capitals. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** By host. */
  readonly registries: Readonly<Record<string, { readonly mirrors?: readonly string[]; readonly insecure?: boolean }>>;
}

export type Info = ReturnType<typeof infoOf>;

/** @param now ms since the epoch */
export function infoOf(m: MachineFacts, p: ProgramFacts, now: number) {
  const { limits } = m;
  const warnings = warningsOf(m);
  const proxy = (name: string): string => withoutPassword(p.environment[name.toLowerCase()] ?? p.environment[name] ?? '');
  return {
    ID: m.id,
    Containers: m.containers.all,
    ContainersRunning: m.containers.running,
    ContainersPaused: m.containers.paused,
    ContainersStopped: m.containers.all - m.containers.running - m.containers.paused,
    Images: m.images,
    Driver: m.snapshots === 'copy' ? 'vfs' : 'overlay2',
    DriverStatus: driverStatus(m),
    Plugins: { Volume: ['local'], Network: ['bridge', 'host', 'null'], Authorization: null, Log: ['json-file'] },
    MemoryLimit: limits.memory,
    SwapLimit: limits.swap,
    CpuCfsPeriod: limits.cpu,
    CpuCfsQuota: limits.cpu,
    CPUShares: limits.cpu,
    CPUSet: limits.cpuset,
    PidsLimit: limits.pids,
    IPv4Forwarding: m.forwarding,
    Debug: p.debug,
    SystemTime: new Date(now).toISOString(),
    LoggingDriver: 'json-file',
    CgroupDriver: 'cgroupfs',
    CgroupVersion: m.cgroupVersion,
    KernelVersion: release(),
    OperatingSystem: operatingSystem(),
    OSType: 'linux',
    Architecture: { x64: 'x86_64', arm64: 'aarch64' }[process.arch as string] ?? process.arch,
    IndexServerAddress: 'https://index.docker.io/v1/',
    RegistryConfig: registryConfig(p),
    NCPU: cpus().length,
    MemTotal: totalmem(),
    DockerRootDir: p.root,
    HttpProxy: proxy('HTTP_PROXY'),
    HttpsProxy: proxy('HTTPS_PROXY'),
    NoProxy: proxy('NO_PROXY'),
    Name: hostname(),
    Labels: [],
    ExperimentalBuild: false,
    ServerVersion: p.version,
    Runtimes: { [m.runtime]: { path: m.runtime } },
    DefaultRuntime: m.runtime,
    Swarm: { NodeID: '', NodeAddr: '', LocalNodeState: 'inactive', ControlAvailable: false, Error: '', RemoteManagers: null },
    LiveRestoreEnabled: true, // containers are nobody's but their monitors'
    SecurityOptions: [...(m.apparmor ? ['name=apparmor'] : []), 'name=seccomp,profile=builtin'],
    Warnings: warnings.length === 0 ? null : warnings,
  };
}

const driverStatus = (m: MachineFacts): [string, string][] =>
  m.snapshots === 'copy'
    ? []
    : [
        ['Backing Filesystem', m.fileSystem.startsWith('ext') ? 'extfs' : m.fileSystem],
        ['Supports d_type', 'true'],
        ['Using metacopy', 'false'],
        ['Native Overlay Diff', 'true'],
        ['userxattr', 'false'],
      ];

/** In Docker's words. */
function warningsOf({ limits, forwarding }: MachineFacts): string[] {
  const missing: [boolean, string][] = [
    [limits.memory, 'No memory limit support'],
    [limits.swap, 'No swap limit support'],
    [limits.cpu, 'No cpu cfs quota support'],
    [limits.cpu, 'No cpu cfs period support'],
    [limits.cpu, 'No cpu shares support'],
    [limits.cpuset, 'No cpuset support'],
    [forwarding, 'IPv4 forwarding is disabled'],
  ];
  return missing.filter(([there]) => !there).map(([, words]) => `WARNING: ${words}`);
}

function registryConfig({ registries: hosts }: ProgramFacts) {
  const configs = Object.entries({ 'docker.io': {}, ...hosts } as ProgramFacts['registries']).map(
    ([Name, { mirrors = [], insecure = false }]) => [Name, { Mirrors: mirrors, Name, Official: Name === 'docker.io', Secure: !insecure }],
  );
  const Mirrors = hosts['docker.io']?.mirrors ?? null;
  return {
    IndexConfigs: Object.fromEntries(configs) as Record<string, { Name: string; Secure: boolean }>,
    InsecureRegistryCIDRs: ['::1/128', '127.0.0.0/8'],
    Mirrors,
  };
}

const withoutPassword = (url: string): string => url.replace(/\/\/[^/@]*@/, '//xxxxx:xxxxx@');

function operatingSystem(): string {
  try {
    return /^PRETTY_NAME="?(.*?)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';
  } catch {
    return 'Linux';
  }
}
