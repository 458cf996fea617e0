// Pausing: the kernel stops every process of a container where it is, and lets it go on.
import { SlipwayError } from '../model/index.ts';
import { type ContainerManager, refuseResting } from './manager.ts';
import { callSupervisor } from './supervising.ts';
import { isAlive } from './transitions.ts';
import type { Container } from './types.ts';

/** @throws SlipwayError conflict `container.not-running`, `container.paused`; unsupported `container.no-freezer` without control groups */
export async function pause(manager: ContainerManager, container: Container): Promise<void> {
  const c = await manager.started(container);
  refuseResting(c);
  const runtime = await manager.runtime();
  if (!runtime.cgroups)
    throw new SlipwayError('unsupported', 'container.no-freezer', `cannot pause container ${c.name}: no control group can be made here`);
  // recorded first: should we be killed in between, `unpause` still knows of it
  const claim = manager.records.transition(c.id, 'pause', (r) => {
    r.state.paused = true;
    return { action: 'pause' };
  });
  if (claim?.moved !== true) throw new SlipwayError('conflict', 'container.paused', `Container ${c.id} is already paused`);
  try {
    await runtime.pause(c.id);
  } catch (error) {
    manager.records.update(c.id, (r) => void delete r.state.paused);
    throw error;
  }
}

/** @throws SlipwayError conflict `container.not-paused` */
export async function unpause(manager: ContainerManager, { id }: Container): Promise<void> {
  const c = manager.records.get(id);
  if (c?.state.paused !== true || !isAlive(c)) throw new SlipwayError('conflict', 'container.not-paused', `Container ${id} is not paused`);
  await (await manager.runtime()).resume(id);
  manager.records.transition(id, 'unpause', (r) => {
    delete r.state.paused;
    return { action: 'unpause' };
  });
  callSupervisor(manager.parts, { start: false });
}
