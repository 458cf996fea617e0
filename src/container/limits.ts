// What a container may use of the machine: whether its limits can be, and what the control groups are told. The words of refusal are Docker's.
import { existsSync, readFileSync } from 'node:fs';
import { SlipwayError } from '../model/index.ts';
import type { Resources } from '../runtime/index.ts';
import type { ContainerRequest } from './types.ts';

/** The least that Docker gives a container, in bytes. */
const LEAST_MEMORY = 6 << 20;

/** Docker's 0, and -1, mean that there is none. */
const isLimit = (n: number | undefined): n is number => n !== undefined && n > 0;

/** What of a request limits it. */
export type Limits = Pick<
  ContainerRequest,
  | 'blkioWeight'
  | 'cpuPeriod'
  | 'cpuQuota'
  | 'cpuShares'
  | 'cpusetCpus'
  | 'cpusetMems'
  | 'memory'
  | 'memoryReservation'
  | 'memorySwap'
  | 'nanoCpus'
  | 'oomScoreAdj'
  | 'pidsLimit'
>;

/** `cpus`: how many this machine has. @throws SlipwayError `container.invalid-request` */
export function checkLimits(r: Limits, cpus: number): void {
  const refuse = (message: string): never => {
    throw new SlipwayError('invalid-argument', 'container.invalid-request', message, { exitCode: 125 });
  };
  const { memory, memoryReservation: reservation, memorySwap: swap, cpuPeriod: period, cpuQuota: quota } = r;
  if (isLimit(memory) && memory < LEAST_MEMORY) refuse('Minimum memory limit allowed is 6MB');
  if (isLimit(swap) && !isLimit(memory)) refuse('You should always set the Memory limit when using Memoryswap limit, see usage');
  if (isLimit(swap) && isLimit(memory) && swap < memory) refuse('Minimum memoryswap limit should be larger than memory limit, see usage');
  if (isLimit(reservation) && reservation < LEAST_MEMORY) refuse('Minimum memory reservation allowed is 6MB');
  if (isLimit(reservation) && isLimit(memory) && memory < reservation)
    refuse('Minimum memory limit can not be less than memory reservation limit, see usage');
  if (r.nanoCpus !== undefined && r.nanoCpus !== 0 && (r.nanoCpus < 1e7 || r.nanoCpus > cpus * 1e9))
    refuse(`range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`);
  if (isLimit(r.nanoCpus) && isLimit(period)) refuse('Conflicting options: Nano CPUs and CPU Period cannot both be set');
  if (isLimit(r.nanoCpus) && isLimit(quota)) refuse('Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  if (isLimit(period) && (period < 1000 || period > 1_000_000))
    refuse('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  if (isLimit(quota) && quota < 1000) refuse('CPU cfs quota can not be less than 1ms (i.e. 1000)');
  for (const [what, name, wanted, file] of [
    ['CPUs', 'cpus', r.cpusetCpus, '/sys/devices/system/cpu/online'],
    ['memory nodes', 'mems', r.cpusetMems, '/sys/devices/system/node/online'],
  ] as const) {
    if (wanted === undefined || wanted === '') continue;
    const set = numbers(wanted);
    if (set === undefined) return refuse(`Invalid value ${wanted} for cpuset ${name}: invalid format: ${wanted}`);
    const available = existsSync(file) ? readFileSync(file, 'latin1').trim() : '0';
    const there = new Set(numbers(available));
    if (set.some((n) => !there.has(n))) refuse(`Requested ${what} are not available - requested ${wanted}, available: ${available}`);
  }
  if (r.blkioWeight !== undefined && r.blkioWeight !== 0 && (r.blkioWeight < 10 || r.blkioWeight > 1000))
    refuse('Range of blkio weight is from 10 to 1000');
  if (r.oomScoreAdj !== undefined && Math.abs(r.oomScoreAdj) > 1000)
    refuse(`Invalid value ${r.oomScoreAdj}, range for oom score adj is [-1000, 1000]`);
}

/** `0-2,5` as numbers; undefined when it is nothing such. */
function numbers(text: string): number[] | undefined {
  const found: number[] = [];
  for (const part of text.split(',')) {
    const [, first = '', last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim()) ?? [];
    if (first === '' || Number(last) < Number(first)) return undefined;
    for (let n = Number(first); n <= Number(last); n++) found.push(n);
  }
  return found;
}

export function asksForLimits(r: Limits): boolean {
  return Object.keys(resources(r)).length > 0;
}

/** As Docker: swap as much again as memory where the kernel counts it, CPU time in periods of 100 ms. */
export function resources(r: Limits): Resources {
  const swap = r.memorySwap === -1 ? -1 : isLimit(r.memorySwap) ? r.memorySwap : isLimit(r.memory) ? r.memory * 2 : undefined;
  const memory = {
    ...(isLimit(r.memory) && { limit: r.memory }),
    ...(isLimit(r.memory) && swap !== undefined && countsSwap() && { swap }),
    ...(isLimit(r.memoryReservation) && { reservation: r.memoryReservation }),
  };
  const cpu = {
    ...(isLimit(r.nanoCpus) && { quota: Math.round(r.nanoCpus / 10_000), period: 100_000 }),
    ...(isLimit(r.cpuPeriod) && { period: r.cpuPeriod }),
    ...(isLimit(r.cpuQuota) && { quota: r.cpuQuota }),
    ...(isLimit(r.cpuShares) && { shares: r.cpuShares }),
    ...(r.cpusetCpus && { cpus: r.cpusetCpus }),
    ...(r.cpusetMems && { mems: r.cpusetMems }),
  };
  return {
    ...(Object.keys(memory).length > 0 && { memory }),
    ...(Object.keys(cpu).length > 0 && { cpu }),
    ...(isLimit(r.pidsLimit) && { pids: { limit: r.pidsLimit } }),
    ...(isLimit(r.blkioWeight) && weighsBlockIo() && { blockIO: { weight: r.blkioWeight } }),
  };
}

/** Whether the kernel weighs what containers read and write against each other. */
export function weighsBlockIo(): boolean {
  const unified = '/sys/fs/cgroup/cgroup.controllers';
  if (existsSync(unified)) return readFileSync(unified, 'latin1').split(/\s/).includes('io');
  return ['blkio.weight', 'blkio.bfq.weight'].some((name) => existsSync(`/sys/fs/cgroup/blkio/${name}`));
}

export const NO_WEIGHT = 'Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.';

function countsSwap(): boolean {
  return existsSync('/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes') || existsSync('/sys/fs/cgroup/cgroup.controllers');
}
