// `stats`: what a container uses of the machine, as Docker's clients compute their percentages from it.
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Container, type Sample, sampleContainer } from '../../engine/index.ts';
import { openContainers } from '../api.ts';
import type { Call } from '../http/call.ts';
import { drained } from './streams.ts';

/** ms between two looks. */
const INTERVAL = 1000;

export async function stats(call: Call): Promise<void> {
  const { api, query, reply } = call;
  const containers = await openContainers(api);
  const { id } = containers.records.resolve(call.param('id'));
  const look = async (): Promise<Look | undefined> => {
    const container = containers.records.get(id);
    return container && { container, at: new Date(api.now()), used: await sampleContainer(containers, container) };
  };
  let now = await look();
  if (now === undefined) return reply.json({});
  if (!query.flag('stream', true)) {
    if (query.flag('one-shot') || now.used === undefined) return reply.json(statsOf(now, undefined));
    await sleep(INTERVAL, undefined, { signal: call.following });
    return reply.json(statsOf((await look()) ?? now, now));
  }
  const signal = call.following;
  const output = reply.stream('application/json');
  let before: Look | undefined;
  while (now !== undefined && !signal.aborted) {
    output.write(`${JSON.stringify(statsOf(now, before))}\n`);
    await drained(output);
    await sleep(INTERVAL, undefined, { signal }).catch(() => {});
    before = now;
    now = await look();
  }
  output.end();
}

interface Look {
  readonly container: Container;
  readonly at: Date;
  readonly used: Sample | undefined;
}

const NEVER = '0001-01-01T00:00:00Z';

function cpu(used: Sample | undefined): object {
  const usage = { total_usage: used?.cpuNs ?? 0, usage_in_kernelmode: 0, usage_in_usermode: used?.cpuNs ?? 0 };
  const throttling_data = { periods: 0, throttled_periods: 0, throttled_time: 0 };
  if (used === undefined) return { cpu_usage: usage, throttling_data };
  return { cpu_usage: usage, system_cpu_usage: used.systemNs, online_cpus: availableParallelism(), throttling_data };
}

function statsOf({ container, at, used }: Look, before: Look | undefined): object {
  const read = (op: string, value: number): object => ({ major: 0, minor: 0, op, value });
  return {
    name: `/${container.name}`,
    id: container.id,
    read: used === undefined ? NEVER : at.toISOString(),
    preread: before?.used === undefined ? NEVER : before.at.toISOString(),
    pids_stats: used === undefined ? {} : { current: used.processes },
    blkio_stats: {
      io_service_bytes_recursive: used === undefined ? null : [read('read', used.read), read('write', used.written)],
      io_serviced_recursive: null,
      io_queue_recursive: null,
      io_service_time_recursive: null,
      io_wait_time_recursive: null,
      io_merged_recursive: null,
      io_time_recursive: null,
      sectors_recursive: null,
    },
    num_procs: 0,
    storage_stats: {},
    cpu_stats: cpu(used),
    precpu_stats: cpu(before?.used),
    memory_stats: used === undefined ? {} : { usage: used.memory, stats: {}, limit: used.memoryLimit },
    ...(used !== undefined && { networks: Object.fromEntries(Object.entries(used.networks).map(([name, n]) => [name, network(n)])) }),
  };
}

const network = (n: readonly number[]): object => ({
  rx_bytes: n[0] ?? 0,
  rx_packets: n[1] ?? 0,
  rx_errors: n[2] ?? 0,
  rx_dropped: n[3] ?? 0,
  tx_bytes: n[8] ?? 0,
  tx_packets: n[9] ?? 0,
  tx_errors: n[10] ?? 0,
  tx_dropped: n[11] ?? 0,
});
