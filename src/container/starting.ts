// What is recorded while a container starts, so that whoever comes later knows what began and who began it.
import { SlipwayError } from '../model/index.ts';
import { identityIfAlive, processIdentity } from '../sys/index.ts';
import { crashPoint } from '../util/index.ts';
import { beginHealth } from './health.ts';
import { recordAttachments } from './endpoints.ts';
import type { Launched } from './launch.ts';
import type { Managed } from './managed.ts';
import type { Container } from './types.ts';

/**
 * From here on this process is the one that starts it; with `attached` it is connected with it as well. False when it runs already, or another command is starting it.
 * @throws SlipwayError `container.removing`, `container.not-found`
 */
export function claimStart({ records }: Managed, c: Container, o: { readonly attached: boolean; readonly byPolicy: boolean }): boolean {
  const claim = records.transition(c.id, o.byPolicy ? 'restart' : 'start', (r) => {
    delete r.state.restartAt;
    if (!o.byPolicy) for (const key of ['restarts', 'restartDelay', 'stopped'] as const) delete r.state[key];
    r.state.starter = processIdentity();
    r.state.exitCode = 0;
    r.state.error = '';
    delete r.state.oomKilled;
    delete r.state.finishedAt;
    return o.attached ? { action: 'attach' } : undefined;
  });
  if (claim === undefined) throw new SlipwayError('not-found', 'container.not-found', `No such container: ${c.id}`);
  if (claim.container.state.status === 'removing')
    throw new SlipwayError('conflict', 'container.removing', 'container is marked for removal and cannot be started');
  if (claim.moved) crashPoint('container.start-claimed');
  return claim.moved;
}

/** Its process exists. */
export function recordCreated({ records }: Managed, c: Container, { pid, monitorPid, networks, hostname }: Launched): Container {
  const now = records.update(c.id, (r) => {
    r.state.gated = true;
    r.state.pid = pid;
    r.state.process = identityIfAlive(pid);
    r.state.monitor = identityIfAlive(monitorPid);
    recordAttachments(r, networks);
    r.hostname = hostname;
    records.noteVolumes(r, 'mount');
  });
  return now ?? c;
}

/** Its program began at `at`, a time taken before: one that has ended already did so later. `watching`: this process stays, and clears away what the container leaves. */
export function recordBegun({ records }: Managed, id: string, at: number, o: { readonly watching: boolean }): Container | undefined {
  return records.update(id, (r) => {
    if (r.state.gated !== true) return undefined; // somebody who found it ended did not wait for us
    delete r.state.gated;
    r.state.startedAt = at;
    beginHealth(r);
    if (!o.watching) delete r.state.starter;
    return { action: 'start' };
  });
}

/** What a container that could not be started exits with, as Docker records it. */
export function startExitCode(error: unknown): number {
  const code = error instanceof SlipwayError ? error.exitCode : undefined;
  return code === 126 || code === 127 ? code : 128;
}
