// `info`: what the store holds and what it stands on, in the fields of Docker's that mean something without a daemon.
import { infoOf, type ProgramFacts } from '../../docker/index.ts';
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
  return {
    ...infoOf(m, programFacts(ctx), ctx.now()),
    ClientInfo: { Debug: debug, Version: version, Os: 'linux', Context: 'default', Plugins: [], Warnings: null },
  };
}

/** What of its surroundings `info` shows, here and in the API. */
export const programFacts = (ctx: Context): ProgramFacts => ({
  version: versionNumber(ctx),
  debug: ctx.env['SLIPWAY_DEBUG'] !== undefined,
  root: ctx.settings.root,
  environment: ctx.env,
  registries: registrySettings(ctx.env, ctx.env['HOME'] ?? '/').settings.hosts,
});

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

const gibibytes = (bytes: number): string => `${Number((bytes / 2 ** 30).toPrecision(4))}GiB`;
