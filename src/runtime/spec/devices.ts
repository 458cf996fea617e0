// Devices of containers: which of them a process may use (the devices cgroup), and nodes for --device and --privileged.
import { readdirSync, lstatSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../../model/index.ts';
import { FileType, deviceMajor, deviceMinor } from '../../sys/index.ts';
import type { DeviceMapping } from '../types.ts';
import type { DeviceRule, LinuxDevice } from './oci.ts';

/** null, zero, full, random, urandom, tty, console, and the pseudo terminals; making nodes is allowed, opening others is not. */
export const DEFAULT_DEVICE_RULES: readonly DeviceRule[] = [
  { allow: false, access: 'rwm' },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...[
    [1, 3],
    [1, 5],
    [1, 7],
    [1, 8],
    [1, 9],
    [5, 0],
    [5, 1],
    [5, 2],
  ].map(([major, minor]) => ({ allow: true, type: 'c' as const, major: major!, minor: minor!, access: 'rwm' })),
  { allow: true, type: 'c', major: 136, access: 'rwm' },
];

export interface Devices {
  readonly nodes: LinuxDevice[];
  readonly rules: DeviceRule[];
}

/** For --device; a directory stands for the devices in it. Throws not-found when a source is none. */
export function mapDevices(mappings: readonly DeviceMapping[]): Devices {
  const nodes: LinuxDevice[] = [];
  const rules: DeviceRule[] = [];
  for (const mapping of mappings) {
    const found = describe(mapping.source, mapping.destination);
    if (found.length === 0)
      throw new SlipwayError(
        'not-found',
        'container.no-device',
        `error gathering device information while adding custom device "${mapping.source}": no such file or directory`,
        { exitCode: 127 },
      );
    for (const node of found) {
      nodes.push(node);
      rules.push({ allow: true, type: node.type === 'b' ? 'b' : 'c', major: node.major!, minor: node.minor!, access: mapping.permissions });
    }
  }
  return { nodes, rules };
}

/** Every device of the host, for --privileged. The runtime's own (pts, shm, mqueue) are mounts. */
export function hostDevices(): LinuxDevice[] {
  return describe('/dev', '/dev');
}

const MOUNTED = new Set(['pts', 'shm', 'mqueue', 'fd', '.lxc', '.lxd-mounts', '.udev', 'console']);

function describe(source: string, destination: string): LinuxDevice[] {
  let path: string;
  try {
    path = realpathSync(source);
  } catch {
    return [];
  }
  const stat = lstatSync(path);
  if (stat.isDirectory()) {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => !MOUNTED.has(entry.name) && !entry.isSymbolicLink())
      .flatMap((entry) => describe(join(path, entry.name), join(destination, entry.name)));
  }
  const kind = stat.mode & FileType.S_IFMT;
  if (kind !== FileType.S_IFCHR && kind !== FileType.S_IFBLK) return [];
  return [
    {
      path: destination,
      type: kind === FileType.S_IFBLK ? 'b' : 'c',
      major: deviceMajor(stat.rdev),
      minor: deviceMinor(stat.rdev),
      fileMode: stat.mode & 0o777,
      uid: stat.uid,
      gid: stat.gid,
    },
  ];
}
