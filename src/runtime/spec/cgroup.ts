// What kind of control groups the machine has: the unified hierarchy (v2), the legacy ones (v1, hybrid layouts count as such), or none.
import { existsSync, readdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';

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
