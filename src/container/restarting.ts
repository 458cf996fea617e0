// After the machine was started: the containers whose policies want them to run.
import type { ContainerManager } from './manager.ts';
import { isAlive } from './transitions.ts';
import type { Container } from './types.ts';

/** Whether a container that rests starts with the machine: `always` does so also when it was stopped. One that never ran does not. */
function startsWithMachine({ request, state }: Container): boolean {
  if (state.status !== 'exited' || state.startedAt === undefined) return false;
  return request.restart?.name === 'always' || (request.restart?.name === 'unless-stopped' && state.stopped !== true);
}

export interface StartedByPolicies {
  readonly started: readonly Container[];
  readonly warnings: readonly string[];
}

/** One that cannot be started keeps nobody from the others. */
export async function startByPolicies(manager: ContainerManager): Promise<StartedByPolicies> {
  const resting = manager.records.all().filter((c) => !isAlive(c));
  // those that ran when the machine went down are restarting afterwards
  const warnings = await manager.endings.reconcile();
  const started: Container[] = [];
  for (const { id } of resting.toReversed()) {
    const c = manager.records.get(id);
    if (c === undefined) continue;
    try {
      if (c.state.status === 'restarting') await manager.restartByPolicy(id);
      else if (startsWithMachine(c)) await manager.start(c);
      // the supervisor may have been faster
      if (isAlive(await manager.started(c))) started.push(c);
    } catch (error) {
      warnings.push(`cannot start container ${c.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { started, warnings };
}
