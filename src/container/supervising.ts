// The supervisor of a store: the one process that checks the health of containers and starts those again whose policy wants it. It exists while a container needs it and
// no longer; whoever makes a container need it calls it, and starts it when it is not there.
import { spawn } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { CLEAN_ENVIRONMENT } from '../runtime/index.ts';
import type { Layout } from '../store/index.ts';
import { processAlive } from '../sys/index.ts';
import { probeArguments } from './health.ts';
import type { ContainerParts } from './parts.ts';
import type { Container } from './types.ts';

/** A named pipe that the supervisor reads. */
export const supervisorPipe = (layout: Layout): string => join(layout.run, 'supervisor');
/** Held by the supervisor as long as it lives; its identity stands in it. */
export const supervisorLock = (layout: Layout): string => join(layout.run, 'supervisor.lock');

/** Whether a container in this state is one that the supervisor sees to. */
export const needsSupervisor = (c: Container): boolean =>
  c.state.status === 'restarting' || (c.state.status === 'running' && probeArguments(c) !== undefined);

/**
 * Has the supervisor look at the records, which the caller has changed before. With `start` it is started when there is none: the
 * supervisor closes its pipe before it looks for the last time, so that either it sees the change or it does not hear this call.
 */
export function callSupervisor(parts: ContainerParts, o: { readonly start: boolean }): void {
  if (wakeSupervisor(parts.layout) || !o.start || parts.selfCommand.length === 0) return;
  runSelf(parts, ['container', 'supervise']).unref();
}

/** Starts slipway itself, in a session of its own, to go on when this process has ended. */
export function runSelf({ selfCommand, selfEnvironment }: ContainerParts, args: readonly string[]): ReturnType<typeof spawn> {
  const [program = '', ...first] = selfCommand;
  const child = spawn(program, [...first, ...args], {
    cwd: '/',
    detached: true,
    stdio: 'ignore',
    env: { ...CLEAN_ENVIRONMENT, ...selfEnvironment },
  });
  child.on('error', () => {}); // the next command tries again
  return child;
}

/** False when there is none. One that was killed may have its pipe open for some time still: it counts as none. */
export function wakeSupervisor(layout: Layout): boolean {
  let fd: number;
  try {
    if (!processAlive(readFileSync(supervisorLock(layout), 'latin1'))) return false;
    fd = openSync(supervisorPipe(layout), constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return false; // ENXIO: nobody has it open; ENOENT: nobody ever had
  }
  try {
    writeSync(fd, '\n');
  } catch {
    // it has many calls to read already
  } finally {
    closeSync(fd);
  }
  return true;
}
