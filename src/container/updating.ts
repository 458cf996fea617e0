// `update`: other limits and another restart policy for a container that exists, and for its processes while they run.
import { availableParallelism } from 'node:os';
import { SlipwayError } from '../model/index.ts';
import { checkLimits, NO_WEIGHT, resources, weighsBlockIo } from './limits.ts';
import type { ContainerManager } from './manager.ts';
import { wantsRestart } from './restart-policy.ts';
import { isAlive } from './transitions.ts';
import type { Container, ContainerRequest } from './types.ts';

/** The most that the kernel takes (PID_MAX_LIMIT); crun has no word for none. */
const NO_PIDS_LIMIT = 4_194_304;

/** What can be changed. Limits that are 0 or undefined stay as they are. */
export type ContainerUpdate = Pick<
  ContainerRequest,
  | 'memory'
  | 'memorySwap'
  | 'memoryReservation'
  | 'nanoCpus'
  | 'cpuPeriod'
  | 'cpuQuota'
  | 'cpuShares'
  | 'blkioWeight'
  | 'cpusetCpus'
  | 'cpusetMems'
  | 'pidsLimit'
  | 'restart'
>;

/**
 * Changes a container, and what its processes get while they run. Returns warnings.
 * @throws SlipwayError `container.invalid-request`, conflict `container.update`
 */
export async function updateContainer(manager: ContainerManager, container: Container, change: ContainerUpdate): Promise<string[]> {
  const warnings: string[] = [];
  const asked: { -readonly [Key in keyof ContainerUpdate]: ContainerUpdate[Key] } = { ...change };
  const c = await manager.started(container);
  if ((asked.blkioWeight ?? 0) > 0 && !weighsBlockIo()) {
    warnings.push(NO_WEIGHT);
    delete asked.blkioWeight;
  }
  const { restart: _, ...limits } = given(asked);
  if (Object.keys(limits).length > 0) {
    const runtime = await manager.runtime();
    const request = changed(c, asked);
    const wanted = { ...resources(request), ...((request.pidsLimit ?? 0) < 0 && { pids: { limit: NO_PIDS_LIMIT } }) };
    if (!runtime.cgroups) warnings.push('No control group can be made on this machine: the limits have no effect.');
    else if (isAlive(c) && Object.keys(wanted).length > 0) await runtime.update(c.id, wanted);
  } else {
    changed(c, asked); // for what is wrong with it
  }
  const now = manager.records.update(c.id, (r) => {
    r.request = changed(r, asked);
    return { action: 'update' };
  });
  if (now?.state.status === 'restarting' && !wantsRestart(now)) manager.endings.halt(c.id);
  return warnings;
}

const given = (change: ContainerUpdate): ContainerUpdate =>
  Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined && value !== 0 && value !== '')) as ContainerUpdate;

/** The request with what is to be changed. The rules, and the words of refusal, are Docker's. */
function changed(c: Container, change: ContainerUpdate): ContainerRequest {
  const refuse = (message: string): never => {
    throw new SlipwayError('conflict', 'container.update', `Cannot update container ${c.id}: ${message}`);
  };
  const isSet = (value: number | undefined): boolean => value !== undefined && value > 0;
  const { request } = c;
  const wanted = given(change);
  for (const [name, value, other, set] of [
    ['Nano CPUs', wanted.nanoCpus, 'CPU Period', request.cpuPeriod],
    ['Nano CPUs', wanted.nanoCpus, 'CPU Quota', request.cpuQuota],
    ['CPU Period', wanted.cpuPeriod, 'NanoCPUs', request.nanoCpus],
    ['CPU Quota', wanted.cpuQuota, 'NanoCPUs', request.nanoCpus],
  ] as const)
    if (isSet(value) && isSet(set)) refuse(`Conflicting options: ${name} cannot be updated as ${other} has already been set`);
  if (request.autoRemove && wanted.restart !== undefined && wanted.restart.name !== 'no')
    refuse('Restart policy cannot be updated because AutoRemove is enabled for the container');
  // without one of its own, swap has the limit that memory had when it was set
  const swap = request.memorySwap ?? (request.memory ?? 0) * 2;
  const merged = { ...request, ...(swap !== 0 && { memorySwap: swap }), ...wanted };
  if (isSet(wanted.memory) && wanted.memorySwap === undefined && swap !== -1 && (wanted.memory ?? 0) > swap)
    refuse('Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time');
  checkLimits(merged, availableParallelism());
  return merged;
}
