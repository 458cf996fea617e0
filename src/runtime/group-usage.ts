// What a control group says that its processes have used, from files of the kernel (admin guides of cgroup v1 and v2).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupHierarchies, cgroupMode } from './spec/cgroup.ts';

export interface GroupUsage {
  /** Processor time in nanoseconds. */
  readonly cpuNs: number;
  /** Bytes, without files that the kernel would give up at once. */
  readonly memory: number;
  /** Bytes; Infinity without a limit. */
  readonly memoryLimit: number;
  readonly processes: number;
  /** Bytes from and to disks. */
  readonly read: number;
  readonly written: number;
}

/** undefined where there is no such group. */
export function groupUsage(name: string): GroupUsage | undefined {
  const unified = cgroupMode() === 'v2';
  const hierarchies = cgroupHierarchies();
  const text = (file: string): string | undefined => {
    for (const hierarchy of hierarchies) {
      try {
        return readFileSync(join(hierarchy, name, file), 'latin1');
      } catch {
        // another one has it, or none
      }
    }
    return undefined;
  };
  const field = (file: string, key: string): number => Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(text(file) ?? '')?.[1] ?? 0);
  const procs = text('cgroup.procs');
  if (procs === undefined) return undefined;
  const memory = Number(text(unified ? 'memory.current' : 'memory.usage_in_bytes') ?? 0);
  const limit = (text(unified ? 'memory.max' : 'memory.limit_in_bytes') ?? 'max').trim();
  return {
    cpuNs: unified ? field('cpu.stat', 'usage_usec') * 1000 : Number(text('cpuacct.usage') ?? 0),
    memory: Math.max(0, memory - field('memory.stat', unified ? 'inactive_file' : 'total_inactive_file')),
    memoryLimit: limit === 'max' ? Number.POSITIVE_INFINITY : Number(limit),
    processes: Number(text('pids.current') ?? procs.split('\n').filter(Boolean).length),
    ...(unified
      ? sums(text('io.stat'), /rbytes=(\d+)/g, /wbytes=(\d+)/g)
      : sums(text('blkio.throttle.io_service_bytes'), / Read (\d+)$/gm, / Write (\d+)$/gm)),
  };
}

function sums(text: string | undefined, read: RegExp, written: RegExp): Pick<GroupUsage, 'read' | 'written'> {
  const sum = (pattern: RegExp): number => [...(text ?? '').matchAll(pattern)].reduce((n, [, bytes]) => n + Number(bytes), 0);
  return { read: sum(read), written: sum(written) };
}
