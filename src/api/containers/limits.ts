// What a container may use of the machine, in Docker's JSON: of a new one, and of `update`.
import { type ContainerUpdate, parseRestartPolicy } from '../../engine/index.ts';
import { SlipwayError } from '../../model/index.ts';
import type { Fields } from '../http/fields.ts';

const WINDOWS = 'it is of Windows';

export function limitsOf(h: Fields): ContainerUpdate {
  h.refuse({
    BlkioWeightDevice: 'block I/O is weighed for all devices together',
    BlkioDeviceReadBps: 'block I/O is not limited by device',
    BlkioDeviceWriteBps: 'block I/O is not limited by device',
    BlkioDeviceReadIOps: 'block I/O is not limited by device',
    BlkioDeviceWriteIOps: 'block I/O is not limited by device',
    CgroupParent: 'control groups are made below one of slipway',
    CpuRealtimePeriod: 'processors are shared by weight and quota',
    CpuRealtimeRuntime: 'processors are shared by weight and quota',
    CpuCount: WINDOWS,
    CpuPercent: WINDOWS,
    IOMaximumIOps: WINDOWS,
    IOMaximumBandwidth: WINDOWS,
    KernelMemory: 'the kernel has it no more',
    KernelMemoryTCP: 'the kernel has it no more',
    OomKillDisable: 'a container without memory is ended',
    DeviceCgroupRules: 'devices are given one by one',
    DeviceRequests: 'devices are given by their paths',
  });
  if ((h.number('MemorySwappiness') ?? -1) >= 0)
    throw new SlipwayError('invalid-argument', 'api.unsupported', 'MemorySwappiness is not supported: newer kernels have none for a group');
  const limits = {
    memory: h.amount('Memory'),
    memorySwap: h.amount('MemorySwap'),
    memoryReservation: h.amount('MemoryReservation'),
    nanoCpus: h.amount('NanoCpus'),
    cpuPeriod: h.amount('CpuPeriod'),
    cpuQuota: h.amount('CpuQuota'),
    cpuShares: h.amount('CpuShares'),
    blkioWeight: h.amount('BlkioWeight'),
    cpusetCpus: h.word('CpusetCpus'),
    cpusetMems: h.word('CpusetMems'),
    pidsLimit: h.amount('PidsLimit'),
    restart: restartOf(h.object('RestartPolicy')),
  };
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}

function restartOf(policy: Fields | undefined): ContainerUpdate['restart'] {
  const name = policy?.word('Name');
  if (policy === undefined || name === undefined) return undefined;
  const most = policy.number('MaximumRetryCount') ?? 0;
  if (most < 0) throw invalid('invalid restart policy: maximum retry count cannot be negative');
  if (most > 0 && name !== 'on-failure') throw invalid(`invalid restart policy: maximum retry count can only be used with 'on-failure'`);
  return parseRestartPolicy(most > 0 ? `${name}:${most}` : name);
}

const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', 'api.restart-policy', message);
