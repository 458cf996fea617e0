// `info`: what the store holds and what it stands on, in the fields of Docker's.
import { readFileSync } from 'node:fs';
import { cpus, hostname, release, totalmem } from 'node:os';
import type { Command, Context } from '../command.ts';
import { versionNumber } from './version.ts';

export const info: Command = {
  name: 'info',
  summary: 'Show the store and the system that it runs on',
  usage: '[OPTIONS]',
  examples: ['slipway info', "slipway info -f '{{.Driver}} {{.NCPU}}'"],
  args: { min: 0, max: 0 },
  options: [{ name: 'format', short: 'f', type: 'string', placeholder: 'template', help: 'json, or a Go template' }],
  async run(ctx, o) {
    const facts = await factsOf(ctx);
    const format = o.string('format');
    if (format === 'json') return void ctx.stdout.write(`${JSON.stringify(facts)}\n`);
    if (format) {
      const { compileTemplate } = await import('../template/index.ts');
      return void ctx.stdout.write(`${compileTemplate(format, 'template parsing error')(facts)}\n`);
    }
    ctx.stdout.write(textOf(facts));
  },
};

type Facts = Awaited<ReturnType<typeof factsOf>>;

async function factsOf(ctx: Context) {
  const engine = await ctx.engine();
  const containers = await engine.containers();
  await containers.reconcile();
  const states = containers.records.all().map((c) => c.state.status);
  const count = (...wanted: string[]): number => states.filter((s) => wanted.includes(s)).length;
  const running = count('running');
  const paused = count('paused');
  const { name: runtime } = await engine.runtime();
  const version = versionNumber(ctx);
  return {
    ID: '',
    Containers: states.length,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: states.length - running - paused,
    Images: engine.images.list({ all: true }).length,
    Driver: engine.snapshots.driver === 'overlay' ? 'overlay2' : 'vfs',
    CgroupVersion: cgroupVersion(),
    Plugins: { Volume: ['local'], Network: ['bridge', 'host', 'null'], Log: ['json-file'] },
    KernelVersion: release(),
    OperatingSystem: operatingSystem(),
    OSType: 'linux',
    Architecture: { x64: 'x86_64', arm64: 'aarch64' }[process.arch as string] ?? process.arch,
    NCPU: cpus().length,
    MemTotal: totalmem(),
    Name: hostname(),
    ServerVersion: version,
    DefaultRuntime: runtime,
    Runtimes: { [runtime]: { path: runtime } },
    DockerRootDir: ctx.settings.root,
    SecurityOptions: ['name=seccomp,profile=builtin'],
    Swarm: { LocalNodeState: 'inactive' },
    Debug: ctx.env['SLIPWAY_DEBUG'] !== undefined,
    ExperimentalBuild: false,
    ClientInfo: { Version: version, Context: 'default', Debug: ctx.env['SLIPWAY_DEBUG'] !== undefined },
  };
}

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
 Cgroup Version: ${f.CgroupVersion}
 Plugins:
  Volume: ${f.Plugins.Volume.join(' ')}
  Network: ${f.Plugins.Network.join(' ')}
  Log: ${f.Plugins.Log.join(' ')}
 Swarm: ${f.Swarm.LocalNodeState}
 Runtimes: ${Object.keys(f.Runtimes).join(' ')}
 Default Runtime: ${f.DefaultRuntime}
 Security Options:
  seccomp
   Profile: builtin
 Kernel Version: ${f.KernelVersion}
 Operating System: ${f.OperatingSystem}
 OSType: ${f.OSType}
 Architecture: ${f.Architecture}
 CPUs: ${f.NCPU}
 Total Memory: ${gibibytes(f.MemTotal)}
 Name: ${f.Name}
 Docker Root Dir: ${f.DockerRootDir}
 Debug Mode: ${f.Debug}
`;

const gibibytes = (bytes: number): string => `${Number((bytes / 2 ** 30).toPrecision(4))}GiB`;

function cgroupVersion(): string {
  try {
    readFileSync('/sys/fs/cgroup/cgroup.controllers');
    return '2';
  } catch {
    return '1';
  }
}

function operatingSystem(): string {
  try {
    return /^PRETTY_NAME="?(.*?)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';
  } catch {
    return 'Linux';
  }
}
