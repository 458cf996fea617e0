// What kind of control groups the machine has: the unified hierarchy (v2), the legacy ones (v1, hybrid layouts count as such), or none.
import { statfsSync } from 'node:fs';

export type CgroupMode = 'v1' | 'v2' | 'none';

const CGROUP2_SUPER_MAGIC = 0x63677270;
const TMPFS_MAGIC = 0x01021994;

let mode: CgroupMode | undefined;

export function cgroupMode(): CgroupMode {
  if (mode === undefined) {
    try {
      const { type } = statfsSync('/sys/fs/cgroup');
      mode = type === CGROUP2_SUPER_MAGIC ? 'v2' : type === TMPFS_MAGIC ? 'v1' : 'none';
    } catch {
      mode = 'none';
    }
  }
  return mode;
}
