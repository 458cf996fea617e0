// How containers are started: conmon creates them and keeps their output, their terminal and their exit code. They are its, not ours:
// they go on when we end.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isSlipwayError, SlipwayError } from '../model/index.ts';
import { type BegunMonitor, Monitor, type OciRuntime } from '../runtime/index.ts';
import { crashPoint } from '../util/index.ts';
import { exitFolder, logFile, stateFolder } from './folders.ts';
import { launch, type Launched, type LaunchOptions } from './launch.ts';
import type { Managed } from './managed.ts';
import { claimStart, recordBegun, recordCreated, startExitCode } from './starting.ts';
import { callSupervisor, needsSupervisor } from './supervising.ts';
import type { ContainerParts } from './parts.ts';
import { isAlive } from './transitions.ts';
import type { Container } from './types.ts';
import { atEnd, leaveEnd, watchEnd } from './watching.ts';

export interface DetachedOptions extends LaunchOptions {
  /** This process stays until the container ends, and clears up. */
  readonly watching?: boolean;
  /** Its restart policy starts it, not a user. */
  readonly byPolicy?: boolean;
  /** Called when everything stands and its program has not begun yet. */
  readonly beforeStart?: (c: Container, launched: Launched) => void | Promise<void>;
}

/** False when it runs already, or another command is starting it. */
export async function startDetached(manager: Managed, c: Container, o: DetachedOptions): Promise<boolean> {
  const { endings, parts, volumes } = manager;
  const watching = o.watching === true;
  if (!claimStart(manager, c, { attached: watching, byPolicy: o.byPolicy === true })) return false;
  try {
    const launched = await launch(parts, volumes, c, o, (runtime, bundle) => beginMonitor(parts, c, runtime, bundle, watching));
    crashPoint('container.process-created');
    const waiting = recordCreated(manager, c, launched);
    crashPoint('container.process-recorded');
    await o.beforeStart?.(waiting, launched);
    const at = parts.now();
    await launched.runtime.start(c.id);
    crashPoint('container.started');
    const begun = recordBegun(manager, c.id, at, { watching });
    if (begun !== undefined && needsSupervisor(begun)) callSupervisor(parts, { start: true });
    // its monitor left a short one to us, as long as we were its starter
    if (!watching && begun !== undefined && !isAlive(begun) && endings.exitCode(c.id) !== undefined) await endings.monitored(c.id);
    return true;
  } catch (error) {
    if (isSlipwayError(error) && error.code === 'container.command-not-startable') {
      await endings.unstartable(c.id, error.message, { restarts: o.byPolicy === true });
      if (watching) throw error;
      o.onWarning?.([error.message, ...error.hints].join('; '));
      return true;
    }
    await endings.failed(c.id, error, startExitCode(error));
    throw error;
  }
}

/** The command that waited for the end goes: from now on the monitor sees to the rest. */
export function leaveToMonitor({ records, parts }: Managed, id: string): void {
  leaveEnd(parts.layout, id);
  records.update(id, (r) => void delete r.state.starter);
}

function beginMonitor(parts: ContainerParts, c: Container, runtime: OciRuntime, bundle: string, watching: boolean): BegunMonitor {
  const { layout } = parts;
  const exitDir = exitFolder(layout, c.id);
  mkdirSync(exitDir, { recursive: true, mode: 0o700 });
  mkdirSync(stateFolder(layout, c.id), { recursive: true, mode: 0o700 });
  leaveEnd(layout, c.id); // of a start that was killed
  if (watching) watchEnd(layout, c.id);
  return Monitor.find().begin({
    id: c.id,
    name: c.name,
    bundle,
    runtime,
    logPath: logFile(layout, c.id),
    exitDir,
    persistDir: bundle,
    pidFile: join(bundle, 'pid'),
    tty: c.request.tty,
    openStdin: c.request.openStdin,
    keepStdin: !watching && c.request.stdinOnce !== true,
    ...(c.request.logLimit !== undefined && { logLimit: c.request.logLimit }),
    exitCommand: atEnd(layout, c.id, [...parts.selfCommand, 'container', 'cleanup', c.id]),
    environment: parts.selfEnvironment,
  });
}

export function alreadyRunning(c: Container): SlipwayError {
  return new SlipwayError('conflict', 'container.already-running', `container ${c.name} is already running`);
}
