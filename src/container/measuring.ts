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

/** What a container has used since its start; undefined of one that does not run, or where no control group tells. Network in bytes and packets by interface. */
export interface Sample {
  /** Nanoseconds. */
  readonly cpuNs: number;
  /** Nanoseconds of all processors of the machine, idle ones too. */
  readonly systemNs: number;
  readonly memory: number;
  readonly memoryLimit: number;
  readonly processes: number;
  readonly read: number;
  readonly written: number;
  readonly networks: Readonly<Record<string, readonly number[]>>;
}

export async function sample(manager: ContainerManager, c: Container): Promise<Sample | undefined> {
  const usage = isAlive(c) ? (await manager.runtime()).usage(c.id) : undefined;
  if (usage === undefined) return undefined;
  return {
    ...usage,
    memoryLimit: Math.min(usage.memoryLimit, totalmem()),
    systemNs: systemTime(),
    networks: Object.fromEntries(interfaces(c.state.pid)),
  };
}

/** proc_stat(5) counts in hundredths of a second; guest time is counted with the user's. */
function systemTime(): number {
  const [, ...ticks] = (readFileSync('/proc/stat', 'latin1').split('\n')[0] ?? '').trim().split(/\s+/);
  return ticks.slice(0, 8).reduce((sum, n) => sum + Number(n), 0) * 1e7;
}

/** Bytes over all interfaces but loopback (proc(5)). */
function traffic(pid: number): { received: number; sent: number } {
  let [received, sent] = [0, 0];
  for (const [, numbers] of interfaces(pid)) {
    received += numbers[0] ?? 0;
    sent += numbers[8] ?? 0;
  }
  return { received, sent };
}

/** The columns of /proc/net/dev: bytes, packets, errors, drops … received, and from the ninth on sent. */
function interfaces(pid: number): [name: string, numbers: number[]][] {
  try {
    return readFileSync(`/proc/${pid}/net/dev`, 'latin1')
      .split('\n')
      .slice(2)
      .map((line) => line.trim().split(/[\s:]+/))
      .filter(([name = '']) => name !== '' && name !== 'lo')
      .map(([name = '', ...numbers]) => [name, numbers.map(Number)]);
  } catch {
    return []; // it has just ended
  }
}
