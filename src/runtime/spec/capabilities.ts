// Capabilities of containers: Docker's default set, and what --cap-add, --cap-drop and --privileged make of it.
import { readFileSync } from 'node:fs';
import { SlipwayError } from '../../model/index.ts';

/** In the order of their numbers, capability.h. */
const ALL = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
].map((name) => `CAP_${name}`);

const DEFAULT_CAPABILITIES: readonly string[] = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FSETID',
  'FOWNER',
  'MKNOD',
  'NET_RAW',
  'SETGID',
  'SETUID',
  'SETFCAP',
  'SETPCAP',
  'NET_BIND_SERVICE',
  'SYS_CHROOT',
  'KILL',
  'AUDIT_WRITE',
].map((name) => `CAP_${name}`);

let held: ReadonlySet<string> | undefined;

/** Those that a process started by us can have at all. */
export function boundingSet(): ReadonlySet<string> {
  if (held === undefined) {
    const bits = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0'}`);
    held = new Set(ALL.filter((_, number) => (bits >> BigInt(number)) & 1n));
  }
  return held;
}

export interface CapabilityChoice {
  readonly privileged?: boolean;
  readonly add?: readonly string[];
  readonly drop?: readonly string[];
}

/** The set a container gets. What this machine cannot give is left out, as a runtime would fail on it. Throws invalid-argument for an unknown name. */
export function resolveCapabilities(o: CapabilityChoice, available: ReadonlySet<string> = boundingSet()): string[] {
  const add = normalise('CapAdd', o.add);
  const drop = normalise('CapDrop', o.drop);
  const base = o.privileged || add.includes('ALL') ? ALL : drop.includes('ALL') ? [] : DEFAULT_CAPABILITIES;
  const kept = o.privileged ? base : base.filter((name) => !drop.includes(name));
  const more = add.filter((name) => name !== 'ALL' && !kept.includes(name));
  return [...kept, ...more].filter((name) => available.has(name));
}

function normalise(list: 'CapAdd' | 'CapDrop', names: readonly string[] = []): string[] {
  return names.map((given) => {
    const upper = given.toUpperCase();
    if (upper === 'ALL' || upper === 'CAP_ALL') return 'ALL';
    const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
    if (!ALL.includes(name))
      throw new SlipwayError('invalid-argument', 'container.unknown-capability', `invalid ${list}: unknown capability: "${name}"`);
    return name;
  });
}
