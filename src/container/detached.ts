// Containers that go on without us: conmon starts them, keeps their output and their terminal, and calls slipway when they end.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Monitor } from '../runtime/index.ts';
import { exitFolder, logFile, stateFolder } from './folders.ts';
import { type LaunchOptions, type Prepared, prepareLaunch } from './launch.ts';
import type { ContainerManager } from './manager.ts';
import { claimStart, recordStart, startExitCode } from './starting.ts';
import type { Container } from './types.ts';

export interface DetachedOptions extends LaunchOptions {
  /** This process stays until the container ends, and clears up. */
  readonly watching?: boolean;
  /** Called when everything stands and its program has not begun yet. */
  readonly beforeStart?: (c: Container, ready: Prepared) => Promise<void>;
}

export async function startDetached(manager: ContainerManager, c: Container, o: DetachedOptions): Promise<void> {
  const { endings, parts, volumes } = manager;
  if (c.state.status === 'running') return;
  claimStart(manager, c);
  try {
    const ready = await prepareLaunch(parts, volumes, c, o);
    await ready.runtime.prepare(c.id, ready.bundle, ready.spec);
    const { pid, monitorPid } = await startMonitor(manager, c, ready);
    const started = recordStart(manager, c, ready, { pid, monitorPid, watching: o.watching === true });
    await o.beforeStart?.(started, ready);
    await ready.runtime.start(c.id);
  } catch (error) {
    await endings.failed(c.id, error, startExitCode(error));
    throw error;
  }
}

function startMonitor({ parts }: ContainerManager, c: Container, { runtime, bundle, spec }: Prepared): ReturnType<Monitor['create']> {
  const exitDir = exitFolder(parts.layout, c.id);
  mkdirSync(exitDir, { recursive: true, mode: 0o700 });
  mkdirSync(stateFolder(parts.layout, c.id), { recursive: true, mode: 0o700 });
  return Monitor.find().create({
    id: c.id,
    name: c.name,
    bundle,
    runtime,
    spec,
    logPath: logFile(parts.layout, c.id),
    exitDir,
    persistDir: bundle,
    pidFile: join(bundle, 'pid'),
    monitorPidFile: join(bundle, 'monitor.pid'),
    tty: c.request.tty,
    openStdin: c.request.openStdin,
    exitCommand: [...parts.selfCommand, 'container', 'cleanup', c.id],
  });
}
