// Flags of `run` and `create` for what a container may use of the machine and how it is told of itself: control groups, devices, kernel
// settings, names. In Docker's words where they are refused.
import { resolve } from 'node:path';
import { existsSync } from 'node:fs';
import { type ContainerRequest, isNamespacedSysctl, parseRestartPolicy } from '../engine/index.ts';
import { parseBytes } from '../util/index.ts';
import { invalidValue } from './args.ts';
import type { Context, Option, ParsedOptions } from './command.ts';
import { wrongFlag } from './container-values.ts';
import { HEALTH_FLAGS, healthOf } from './health-flags.ts';

export const MORE_FLAGS: readonly Option[] = [
  ...HEALTH_FLAGS,
  { name: 'cgroupns', type: 'string', placeholder: 'host|private', help: 'Whose control groups it sees' },
  { name: 'blkio-weight', type: 'number', placeholder: 'n', help: 'Weight of its block I/O against others: 10 to 1000' },
  { name: 'cpu-period', type: 'number', placeholder: 'µs', help: 'Period in which the quota counts' },
  { name: 'cpu-quota', type: 'number', placeholder: 'µs', help: 'Processor time in each period' },
  { name: 'cpu-shares', short: 'c', type: 'number', placeholder: 'n', help: 'Weight against other containers (1024)' },
  { name: 'cpuset-cpus', type: 'string', placeholder: '0-3,5', help: 'CPUs that it may run on' },
  { name: 'cpuset-mems', type: 'string', placeholder: '0-1', help: 'Memory nodes that it may use' },
  { name: 'device', type: 'list', placeholder: 'source:path:rwm', help: 'A device of this machine' },
  { name: 'dns-option', type: 'list', placeholder: 'option', help: 'Options of the resolver' },
  { name: 'dns-opt', type: 'list', placeholder: 'option', help: 'Same as --dns-option', hidden: true },
  { name: 'dns-search', type: 'list', placeholder: 'domain', help: 'Domains that names are looked for in' },
  { name: 'domainname', type: 'string', placeholder: 'domain', help: 'Domain name in the container' },
  { name: 'group-add', type: 'list', placeholder: 'group', help: 'Further groups of its user' },
  { name: 'ip', type: 'string', placeholder: 'ip', help: 'Its address, on a network that was made' },
  { name: 'ipc', type: 'string', placeholder: 'mode', help: 'Shared memory: private, shareable, none, host or container:NAME' },
  { name: 'mac-address', type: 'string', placeholder: 'mac', help: 'The address of its network interface' },
  { name: 'memory-reservation', type: 'string', placeholder: 'bytes', help: 'Memory that it is brought back to when there is little' },
  { name: 'memory-swap', type: 'string', placeholder: 'bytes', help: 'Limit of memory and swap together; -1: no limit of swap' },
  { name: 'network-alias', type: 'list', placeholder: 'name', help: 'Further names on its network' },
  { name: 'oom-score-adj', type: 'number', placeholder: 'n', help: 'How soon it is killed when memory runs out: -1000 to 1000' },
  { name: 'pid', type: 'string', placeholder: 'mode', help: 'Whose processes it sees: host or container:NAME' },
  { name: 'restart', type: 'string', placeholder: 'policy', help: 'When to start it again: no, on-failure[:max], always, unless-stopped' },
  { name: 'security-opt', type: 'list', placeholder: 'option', help: 'no-new-privileges, seccomp=unconfined or seccomp=FILE' },
  { name: 'volumes-from', type: 'list', placeholder: 'container:ro', help: 'Mount what another container has mounted' },
  { name: 'sysctl', type: 'list', placeholder: 'name=value', help: 'Kernel settings of its namespaces' },
  { name: 'userns', type: 'string', placeholder: 'host', help: 'User namespace; every container has that of the host' },
  { name: 'uts', type: 'string', placeholder: 'host', help: 'Whose host name it has' },
];

type More = Partial<ContainerRequest>;

/** @throws SlipwayError invalid-argument `cli.flag` */
export function moreOf(ctx: Pick<Context, 'cwd'>, o: ParsedOptions): More {
  const list = (name: string): string[] | undefined => (o.list(name).length > 0 ? o.list(name) : undefined);
  const more = {
    cgroupns: o.string('cgroupns'),
    ...limitsOf(o),
    devices: list('device')?.map(device),
    dnsOptions: list('dns-option') ?? list('dns-opt'),
    dnsSearch: list('dns-search')?.map(domain),
    domainname: o.string('domainname'),
    groups: list('group-add'),
    ipc: o.string('ipc'),
    ...healthOf(o),
    oomScoreAdj: o.number('oom-score-adj'),
    pid: o.string('pid'),
    sysctls: o.has('sysctl') ? Object.fromEntries(o.list('sysctl').map(sysctl)) : undefined,
    userns: o.string('userns'),
    uts: o.string('uts'),
    volumesFrom: list('volumes-from'),
    ...security(ctx, o.list('security-opt')),
  };
  return Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined)) as More;
}

/** Limits and the restart policy: what `update` changes as well. */
export function limitsOf(o: ParsedOptions): More {
  const bytes = (name: string): number | undefined => {
    const text = o.string(name);
    if (text === undefined) return undefined;
    if (name === 'memory-swap' && text === '-1') return -1;
    const value = parseBytes(text);
    if (value === undefined) throw wrongFlag(invalidValue(`--${name}`, text, `invalid size: '${text}'`));
    return value;
  };
  const limits = {
    blkioWeight: o.number('blkio-weight'),
    cpuPeriod: o.number('cpu-period'),
    cpuQuota: o.number('cpu-quota'),
    cpuShares: o.number('cpu-shares'),
    cpusetCpus: o.string('cpuset-cpus'),
    cpusetMems: o.string('cpuset-mems'),
    memoryReservation: bytes('memory-reservation'),
    memorySwap: bytes('memory-swap'),
    restart: restartPolicy(o),
  };
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}

function restartPolicy(o: ParsedOptions): ContainerRequest['restart'] {
  const text = o.string('restart');
  if (text === undefined) return undefined;
  if (text !== 'no' && text !== '' && o.bool('rm')) throw wrongFlag('conflicting options: cannot specify both --restart and --rm');
  return parseRestartPolicy(text);
}

/** `source[:path[:rwm]]` or `source:rwm`. */
function device(text: string): NonNullable<ContainerRequest['devices']>[number] {
  const [source = '', second, third] = text.split(':');
  const isMode = (s: string): boolean => /^[rwm]{1,3}$/.test(s) && new Set(s).size === s.length;
  if (third !== undefined && !isMode(third)) throw wrongFlag(`bad mode specified: ${third}`);
  const mode = third ?? (second !== undefined && isMode(second) ? second : 'rwm');
  const destination = second === undefined || (third === undefined && isMode(second)) ? source : second;
  for (const path of [source, destination]) if (!path.startsWith('/')) throw wrongFlag(`${path} is not an absolute path`);
  return { source, destination, permissions: mode };
}

function domain(text: string): string {
  if (text === '.' || /^(?:[a-z0-9_](?:[-a-z0-9_]*[a-z0-9_])?\.?)+$/i.test(text.trim())) return text.trim();
  throw wrongFlag(invalidValue('--dns-search', text, `${text} is not a valid domain`));
}

function sysctl(text: string): [string, string] {
  const [name = '', value] = text.split(/=(.*)/s);
  if (value === undefined || !isNamespacedSysctl(name)) throw wrongFlag(invalidValue('--sysctl', text, `sysctl '${text}' is not allowed`));
  return [name, value];
}

function security(ctx: Pick<Context, 'cwd'>, options: readonly string[]): Pick<More, 'noNewPrivileges' | 'seccomp'> {
  let found: Pick<More, 'noNewPrivileges' | 'seccomp'> = {};
  for (const option of options) {
    const [name = '', value] = option.split(/[=:](.*)/s);
    if (name === 'no-new-privileges' && [undefined, 'true'].includes(value)) found = { ...found, noNewPrivileges: true };
    else if (name === 'no-new-privileges' && value === 'false') found = { ...found, noNewPrivileges: false };
    else if (name === 'seccomp' && value === 'unconfined') found = { ...found, seccomp: value };
    else if (name === 'seccomp' && value !== undefined && value !== 'builtin') {
      const path = resolve(ctx.cwd, value);
      if (!existsSync(path)) throw wrongFlag(`opening seccomp profile (${value}) failed: open ${value}: no such file or directory`);
      found = { ...found, seccomp: path };
    } else if (name === 'apparmor' || name === 'systempaths')
      throw wrongFlag(`--security-opt ${name} is not supported`, ['--privileged runs a container without confinement']);
    else if (value === undefined) throw wrongFlag(`Invalid --security-opt: ${JSON.stringify(option)}`);
    else if (name !== 'label' && name !== 'seccomp') throw wrongFlag(`invalid --security-opt 2: ${JSON.stringify(option)}`);
  }
  return found;
}
