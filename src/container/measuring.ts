// What containers use of the machine at this moment: `stats`.
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerManager } from './manager.ts';
import { isAlive } from './transitions.ts';
import type { Container } from './types.ts';

/** All of it is zero for one that does not run. */
export interface Measured {
  readonly container: Container;
  /** Of one processor. */
  readonly cpuPercent: number;
  /** Bytes. */
  readonly memory: number;
  readonly memoryLimit: number;
  readonly received: number;
  readonly sent: number;
  readonly read: number;
  readonly written: number;
  readonly processes: number;
}

/** Looks twice, `ms` apart: processor time is what was used in between. Containers that are gone by then are left out. */
export async function measure(
  manager: ContainerManager,
  containers: readonly Container[],
  ms: number,
  signal?: AbortSignal,
): Promise<Measured[]> {
  const runtime = await manager.runtime();
  const look = (c: Container): { cpuNs: number; at: bigint } => ({ cpuNs: runtime.usage(c.id)?.cpuNs ?? 0, at: process.hrtime.bigint() });
  const first = new Map(containers.map((c) => [c.id, look(c)]));
  await sleep(ms, undefined, { ...(signal && { signal }) });
  return containers.flatMap(({ id }) => {
    const c = manager.records.get(id);
    if (c === undefined) return [];
    const usage = isAlive(c) ? runtime.usage(id) : undefined;
    const before = first.get(id);
    const elapsed = Number(process.hrtime.bigint() - (before?.at ?? 0n));
    const network = usage === undefined ? { received: 0, sent: 0 } : traffic(c.state.pid);
    return [
      {
        container: c,
        cpuPercent: usage === undefined || before === undefined ? 0 : (Math.max(0, usage.cpuNs - before.cpuNs) / elapsed) * 100,
        memory: usage?.memory ?? 0,
        memoryLimit: usage === undefined ? 0 : Math.min(usage.memoryLimit, totalmem()),
        ...network,
        read: usage?.read ?? 0,
        written: usage?.written ?? 0,
        processes: usage?.processes ?? 0,
      },
    ];
  });
}

/** Bytes over all interfaces but loopback (proc(5)). */
function traffic(pid: number): { received: number; sent: number } {
  let [received, sent] = [0, 0];
  try {
    for (const line of readFileSync(`/proc/${pid}/net/dev`, 'latin1').split('\n').slice(2)) {
      const [name = '', ...numbers] = line.trim().split(/[\s:]+/);
      if (name === '' || name === 'lo') continue;
      received += Number(numbers[0]);
      sent += Number(numbers[8]);
    }
  } catch {
    // it has just ended
  }
  return { received, sent };
}
