// `info`: what the store holds and what it stands on, in the fields of Docker's that mean something without a daemon.
import { readFileSync } from 'node:fs';
import { cpus, hostname, release, totalmem } from 'node:os';
import { type MachineFacts, machineFacts } from '../../engine/index.ts';
import { printableJson } from '../../util/index.ts';
import type { Command, Context } from '../command.ts';
import { registrySettings } from '../registries.ts';
import { versionNumber } from './version.ts';

export const info: Command = {
  name: 'info',
  summary: 'Show the store and the system that it runs on',
  usage: '[OPTIONS]',
  examples: ['slipway info', "slipway info -f '{{.Driver}} {{.NCPU}}'"],
  args: { min: 0, max: 0 },
  options: [{ name: 'format', short: 'f', type: 'string', placeholder: 'template', help: 'json, or a Go template' }],
  async run(ctx, o) {
    const facts = factsOf(ctx, await machineFacts(await ctx.engine()));
    const format = o.string('format');
    if (format === 'json') return void ctx.stdout.write(`${printableJson(JSON.stringify(facts))}\n`);
    if (format) {
      const { compileTemplate } = await import('../template/index.ts');
      return void ctx.stdout.write(`${compileTemplate(format, 'template parsing error')(facts)}\n`);
    }
    ctx.stdout.write(textOf(facts));
    for (const warning of facts.Warnings ?? []) ctx.stderr.write(`${warning}\n`);
  },
};

type Facts = ReturnType<typeof factsOf>;

function factsOf(ctx: Context, m: MachineFacts) {
  const version = versionNumber(ctx);
  const debug = ctx.env['SLIPWAY_DEBUG'] !== undefined;
  const { limits } = m;
  const warnings = warningsOf(m);
  const proxy = (name: string): string => withoutPassword(ctx.env[name.toLowerCase()] ?? ctx.env[name] ?? '');
  return {
    ID: m.id,
    Containers: m.containers.all,
    ContainersRunning: m.containers.running,
    ContainersPaused: m.containers.paused,
    ContainersStopped: m.containers.all - m.containers.running - m.containers.paused,
    Images: m.images,
    Driver: m.snapshots === 'overlay' ? 'overlay2' : 'vfs',
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
    Debug: debug,
    SystemTime: new Date(ctx.now()).toISOString(),
    LoggingDriver: 'json-file',
    CgroupDriver: 'cgroupfs',
    CgroupVersion: m.cgroupVersion,
    KernelVersion: release(),
    OperatingSystem: operatingSystem(),
    OSType: 'linux',
    Architecture: { x64: 'x86_64', arm64: 'aarch64' }[process.arch as string] ?? process.arch,
    IndexServerAddress: 'https://index.docker.io/v1/',
    RegistryConfig: registryConfig(ctx),
    NCPU: cpus().length,
    MemTotal: totalmem(),
    DockerRootDir: ctx.settings.root,
    HttpProxy: proxy('HTTP_PROXY'),
    HttpsProxy: proxy('HTTPS_PROXY'),
    NoProxy: proxy('NO_PROXY'),
    Name: hostname(),
    Labels: [],
    ExperimentalBuild: false,
    ServerVersion: version,
    Runtimes: { [m.runtime]: { path: m.runtime } },
    DefaultRuntime: m.runtime,
    Swarm: { NodeID: '', NodeAddr: '', LocalNodeState: 'inactive', ControlAvailable: false, Error: '', RemoteManagers: null },
    LiveRestoreEnabled: true, // containers are nobody's but their monitors'
    SecurityOptions: [...(m.apparmor ? ['name=apparmor'] : []), 'name=seccomp,profile=builtin'],
    Warnings: warnings.length === 0 ? null : warnings,
    ClientInfo: { Debug: debug, Version: version, Os: 'linux', Context: 'default', Plugins: [], Warnings: null },
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

function registryConfig(ctx: Context) {
  const { hosts } = registrySettings(ctx.env, ctx.env['HOME'] ?? '/').settings;
  const configs = Object.entries({ 'docker.io': {}, ...hosts } as typeof hosts).map(([Name, { mirrors = [], insecure = false }]) => [
    Name,
    { Mirrors: mirrors, Name, Official: Name === 'docker.io', Secure: !insecure },
  ]);
  const Mirrors = hosts['docker.io']?.mirrors ?? null;
  return {
    IndexConfigs: Object.fromEntries(configs) as Record<string, { Name: string; Secure: boolean }>,
    InsecureRegistryCIDRs: ['::1/128', '127.0.0.0/8'],
    Mirrors,
  };
}

/** Lines below a heading, or nothing at all. */
const below = (heading: string, lines: readonly string[]): string =>
  lines.length === 0 ? '' : ` ${heading}:\n${lines.map((line) => `  ${line}\n`).join('')}`;
const unlessEmpty = (heading: string, value: string): string => (value === '' ? '' : ` ${heading}: ${value}\n`);

const textOf = (f: Facts): string => `Client: Slipway
 Version:    ${f.ClientInfo.Version}
 Context:    ${f.ClientInfo.Context}
 Debug Mode: ${f.ClientInfo.Debug}

Server:
 Containers: ${f.Containers}
  Running: ${f.ContainersRunning}
  Paused: ${f.ContainersPaused}
  Stopped: ${f.ContainersStopped}
 Images: ${f.Images}
 Server Version: ${f.ServerVersion}
 Storage Driver: ${f.Driver}
${f.DriverStatus.map(([name, value]) => `  ${name}: ${value}\n`).join('')} Logging Driver: ${f.LoggingDriver}
 Cgroup Driver: ${f.CgroupDriver}
 Cgroup Version: ${f.CgroupVersion}
 Plugins:
  Volume: ${f.Plugins.Volume.join(' ')}
  Network: ${f.Plugins.Network.join(' ')}
  Log: ${f.Plugins.Log.join(' ')}
 Swarm: ${f.Swarm.LocalNodeState}
 Runtimes: ${Object.keys(f.Runtimes).join(' ')}
 Default Runtime: ${f.DefaultRuntime}
 Security Options:
${f.SecurityOptions.map(securityOption).join('')} Kernel Version: ${f.KernelVersion}
 Operating System: ${f.OperatingSystem}
 OSType: ${f.OSType}
 Architecture: ${f.Architecture}
 CPUs: ${f.NCPU}
 Total Memory: ${gibibytes(f.MemTotal)}
 Name: ${f.Name}
 ID: ${f.ID}
 Docker Root Dir: ${f.DockerRootDir}
 Debug Mode: ${f.Debug}
${unlessEmpty('HTTP Proxy', f.HttpProxy)}${unlessEmpty('HTTPS Proxy', f.HttpsProxy)}${unlessEmpty('No Proxy', f.NoProxy)} Experimental: ${f.ExperimentalBuild}
${below('Insecure Registries', [
  ...Object.values(f.RegistryConfig.IndexConfigs)
    .filter((one) => !one.Secure)
    .map((one) => one.Name),
  ...f.RegistryConfig.InsecureRegistryCIDRs,
])}${below('Registry Mirrors', f.RegistryConfig.Mirrors ?? [])} Live Restore Enabled: ${f.LiveRestoreEnabled}
`;

/** `name=seccomp,profile=builtin` as a heading with its settings below. */
function securityOption(option: string): string {
  const [name = '', ...settings] = option.split(',').map((part) => part.split('='));
  return `  ${name[1]}\n${settings.map(([key, value]) => `   ${key?.replace(/^p/, 'P')}: ${value}\n`).join('')}`;
}

const withoutPassword = (url: string): string => url.replace(/\/\/[^/@]*@/, '//xxxxx:xxxxx@');

const gibibytes = (bytes: number): string => `${Number((bytes / 2 ** 30).toPrecision(4))}GiB`;

function operatingSystem(): string {
  try {
    return /^PRETTY_NAME="?(.*?)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';
  } catch {
    return 'Linux';
  }
}
