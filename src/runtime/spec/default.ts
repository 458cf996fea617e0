// The OCI configuration of a container as Docker 28 makes it. Only what is asked for differs from its defaults;
// nothing is read from the root file system.
import { existsSync, readdirSync } from 'node:fs';
import { release } from 'node:os';
import { SlipwayError } from '../../model/index.ts';
import type { SpecOptions } from '../types.ts';
import { resolveCapabilities } from './capabilities.ts';
import { cgroupMode } from './cgroup.ts';
import { DEFAULT_DEVICE_RULES, hostDevices, mapDevices } from './devices.ts';
import type { NamespaceType, OciSpec, ProcessSpec, SpecMount } from './oci.ts';
import { resolveRlimits } from './rlimits.ts';
import { seccompFor } from './seccomp.ts';

/** crun 1.8 takes nothing above 1.0. */
const OCI_VERSION = '1.0.2';
const DEFAULT_SHM_SIZE = 64 * 1024 * 1024;

export const MASKED_PATHS: readonly string[] = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
export const READONLY_PATHS: readonly string[] = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** Of a variable only the name is told: its value may be a secret. */
function refuseNul({ args, env }: SpecOptions): void {
  const nul = [...args, ...env].find((word) => word.includes('\0'));
  if (nul === undefined) return;
  const what = args.includes(nul) ? JSON.stringify(nul) : nul.replace(/=[^]*/, '');
  throw new SlipwayError('invalid-argument', 'container.nul', `exec ${args[0]}: invalid argument: ${what}`, {
    hints: ['a program cannot be given a NUL byte'],
  });
}

export function defaultSpec(o: SpecOptions): OciSpec {
  refuseNul(o);
  const capabilities = resolveCapabilities({ privileged: o.privileged ?? false, add: o.capAdd ?? [], drop: o.capDrop ?? [] });
  const seccomp = o.privileged || o.seccomp === 'unconfined' ? undefined : seccompFor(o.seccomp, capabilities, release());
  const mapped = mapDevices(o.devices ?? []);
  const nodes = o.privileged ? hostDevices() : mapped.nodes;
  const sysctl = { ...networkSysctls(o.netns), ...o.sysctls };
  return {
    ociVersion: OCI_VERSION,
    process: {
      ...processSpec(o, capabilities),
      ...(o.consoleSize === undefined || !o.tty ? {} : { consoleSize: o.consoleSize }),
      ...(o.ulimits?.length ? { rlimits: resolveRlimits(o.ulimits) } : {}),
      ...(o.oomScoreAdj ? { oomScoreAdj: o.oomScoreAdj } : {}),
    },
    root: { path: o.rootfs, ...(o.readonly ? { readonly: true } : {}) },
    ...(o.hostname === undefined || o.uts === 'host' ? {} : { hostname: o.hostname }),
    ...(o.domainname === undefined || o.domainname === '' || o.uts === 'host' ? {} : { domainname: o.domainname }),
    mounts: mergeMounts(defaultMounts(o), o.mounts ?? []),
    ...(o.annotations === undefined ? {} : { annotations: o.annotations }),
    linux: {
      ...(Object.keys(sysctl).length === 0 ? {} : { sysctl }),
      resources: {
        ...o.resources,
        devices: o.privileged
          ? [{ allow: true, access: 'rwm' }]
          : [...DEFAULT_DEVICE_RULES, ...mapped.rules, ...(o.resources?.devices ?? [])],
      },
      ...(o.cgroupsPath ? { cgroupsPath: o.cgroupsPath } : {}),
      namespaces: namespaces(o),
      ...(nodes.length === 0 ? {} : { devices: nodes }),
      ...(seccomp === undefined ? {} : { seccomp }),
      ...(o.privileged ? {} : { maskedPaths: [...MASKED_PATHS, ...thermalThrottle()], readonlyPaths: READONLY_PATHS }),
    },
  };
}

/** The part that a container's first process and those of exec have in common. */
export function processSpec(
  o: Pick<SpecOptions, 'args' | 'env' | 'cwd' | 'user' | 'tty' | 'noNewPrivileges'>,
  capabilities: readonly string[],
): ProcessSpec {
  return {
    ...(o.tty ? { terminal: true } : {}),
    user: { uid: o.user.uid, gid: o.user.gid, ...(o.user.additionalGids.length === 0 ? {} : { additionalGids: o.user.additionalGids }) },
    args: o.args,
    env: o.tty && !o.env.some((line) => line.startsWith('TERM=')) ? [...o.env, 'TERM=xterm'] : o.env,
    cwd: o.cwd === '' ? '/' : o.cwd,
    // The kernel takes the effective and permitted ones away from users other than root at execve (capabilities(7)).
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    ...(o.noNewPrivileges ? { noNewPrivileges: true } : {}),
  };
}

function namespaces(o: SpecOptions): { type: NamespaceType; path?: string }[] {
  const result: { type: NamespaceType; path?: string }[] = [{ type: 'mount' }];
  if (o.netns !== 'host')
    result.push(o.netns === undefined || o.netns === 'none' ? { type: 'network' } : { type: 'network', path: o.netns });
  if (o.uts !== 'host') result.push({ type: 'uts' });
  if (o.pid !== 'host') result.push({ type: 'pid', ...(o.pid !== undefined && { path: o.pid }) });
  if (o.ipc !== 'host') result.push({ type: 'ipc', ...(o.ipc !== undefined && o.ipc !== 'none' && { path: o.ipc }) });
  if ((o.cgroupns || defaultCgroupNamespace(o.privileged === true)) === 'private') result.push({ type: 'cgroup' });
  return result;
}

/** What a container gets that asks for neither: one of its own where there is only cgroup v2. */
export function defaultCgroupNamespace(privileged: boolean): 'host' | 'private' {
  return cgroupMode() === 'v2' && !privileged ? 'private' : 'host';
}

/** Any process may listen on low ports and ping: the network namespace is its own. */
function networkSysctls(netns: string | undefined): Record<string, string> {
  return netns === 'host' ? {} : { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0 2147483647' };
}

function defaultMounts(o: SpecOptions): SpecMount[] {
  const access = o.privileged ? [] : ['ro'];
  const mounts: SpecMount[] = [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', ...access] },
  ];
  if (cgroupMode() !== 'none')
    mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...access, 'nosuid', 'noexec', 'nodev'] });
  const bound = (path: string): SpecMount => ({ destination: path, type: 'bind', source: path, options: ['rbind', 'rprivate'] });
  const shared = {
    type: 'tmpfs',
    source: 'shm',
    options: ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${o.shmSize ?? DEFAULT_SHM_SIZE}`],
  };
  if (o.ipc === 'host') mounts.push(...['/dev/mqueue', '/dev/shm'].filter((path) => existsSync(path)).map(bound));
  else mounts.push({ destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] });
  if (o.ipc !== 'host' && o.ipc !== 'none') mounts.push({ destination: '/dev/shm', ...shared });
  return mounts;
}

/** A mount that is asked for takes the place of a default one; parents come before what is mounted below them. */
function mergeMounts(defaults: readonly SpecMount[], wanted: readonly SpecMount[]): SpecMount[] {
  const replaced = new Set(wanted.map((mount) => mount.destination));
  const depth = (mount: SpecMount): number => mount.destination.split('/').filter(Boolean).length;
  return [...defaults.filter((mount) => !replaced.has(mount.destination)), ...wanted.toSorted((a, b) => depth(a) - depth(b))];
}

let throttle: string[] | undefined;

/** Counters of single processors tell neighbours apart (a side channel); Docker masks them where they exist. */
function thermalThrottle(): string[] {
  if (throttle === undefined) {
    const folder = '/sys/devices/system/cpu';
    throttle = existsSync(folder)
      ? readdirSync(folder)
          .filter((name) => /^cpu\d+$/.test(name))
          .map((name) => `${folder}/${name}/thermal_throttle`)
          .filter((path) => existsSync(path))
      : [];
  }
  return throttle;
}
