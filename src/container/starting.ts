// What is recorded while a container starts, so that whoever comes later knows what began and who began it.
import { SlipwayError } from '../model/index.ts';
import { processIdentity, processStartTime } from '../sys/index.ts';
import type { ContainerManager } from './manager.ts';
import type { Prepared } from './launch.ts';
import type { Container } from './types.ts';

/** From here on this process is the one that starts it. Throws failed-precondition 'container.already-running'. */
export function claimStart({ records }: ContainerManager, c: Container): void {
  const claimed = records.update(c.id, (r) => {
    if (r.state.status === 'running' || r.state.status === 'removing')
      throw new SlipwayError('failed-precondition', 'container.already-running', `container ${c.name} is ${r.state.status}`);
    r.state.status = 'running';
    r.state.starter = processIdentity();
    r.state.exitCode = 0;
    r.state.error = '';
    delete r.state.finishedAt;
  });
  if (claimed === undefined) throw new SlipwayError('not-found', 'container.not-found', `No such container: ${c.id}`);
}

export interface Started {
  readonly pid: number;
  /** Of conmon. */
  readonly monitorPid?: number;
  /** This process stays, and clears away what the container leaves. */
  readonly watching: boolean;
}

export function recordStart({ records, parts }: ContainerManager, c: Container, ready: Prepared, s: Started): Container {
  const started = records.update(c.id, (r) => {
    r.state.pid = s.pid;
    r.state.process = identityOf(s.pid);
    r.state.startedAt = parts.now();
    if (s.monitorPid !== undefined) r.state.monitor = identityOf(s.monitorPid);
    if (!s.watching) delete r.state.starter;
    if (ready.network !== undefined) r.network = ready.network;
  });
  return started ?? c;
}

/** An empty one for a process that has ended already: it names nobody. */
function identityOf(pid: number): string {
  const start = processStartTime(pid);
  return start === undefined ? '' : `${pid}:${start}`;
}

/** What a container that could not be started exits with, as Docker records it. */
export function startExitCode(error: unknown): number {
  const code = error instanceof SlipwayError ? error.exitCode : undefined;
  return code === 126 || code === 127 ? code : 128;
}
