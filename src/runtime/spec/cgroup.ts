// What kind of control groups the machine has: the unified hierarchy (v2), the legacy ones (v1, hybrid layouts count as such), or none.
import { existsSync, readFileSync, readdirSync, statfsSync } from 'node:fs';
import { basename, join } from 'node:path';

export type CgroupMode = 'v1' | 'v2' | 'none';

const CGROUP2_SUPER_MAGIC = 0x63677270;
const TMPFS_MAGIC = 0x01021994;

const ROOT = '/sys/fs/cgroup';

let mode: CgroupMode | undefined;

export function cgroupMode(): CgroupMode {
  if (mode === undefined) {
    try {
      const { type } = statfsSync(ROOT);
      mode = type === CGROUP2_SUPER_MAGIC ? 'v2' : type === TMPFS_MAGIC ? 'v1' : 'none';
    } catch {
      mode = 'none';
    }
  }
  return mode;
}

/** The roots of all hierarchies. A folder beside them that is none holds what crun took for groups. */
export function cgroupHierarchies(): string[] {
  const mode = cgroupMode();
  if (mode === 'none') return [];
  const roots = mode === 'v2' ? [ROOT] : readdirSync(ROOT).map((name) => join(ROOT, name));
  return roots.filter((root) => existsSync(join(root, 'cgroup.procs')));
}

/** What can be limited on this machine, where control groups can be made. */
export interface Limits {
  readonly memory: boolean;
  readonly swap: boolean;
  readonly cpu: boolean;
  readonly cpuset: boolean;
  readonly pids: boolean;
}

export function limits(): Limits {
  const mode = cgroupMode();
  const controllers = mode === 'v2' ? words(join(ROOT, 'cgroup.controllers')) : cgroupHierarchies().map((root) => basename(root));
  const has = (name: string): boolean => controllers.some((one) => one.split(',').includes(name));
  // the root group of v2 has no limits itself
  const swap = mode === 'v2' ? readdirSync(ROOT).map((group) => `${group}/memory.swap.max`) : ['memory/memory.memsw.limit_in_bytes'];
  return {
    memory: has('memory'),
    swap: has('memory') && swap.some((file) => existsSync(join(ROOT, file))),
    cpu: has('cpu'),
    cpuset: has('cpuset'),
    pids: has('pids'),
  };
}

const words = (path: string): string[] => (existsSync(path) ? readFileSync(path, 'latin1').trim().split(/\s+/) : []);
