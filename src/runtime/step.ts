// One build step: a single runtime process that creates the container, waits for it and deletes it.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { killNow, readProc, statFields } from '../sys/index.ts';
import { SlipwayError } from '../model/index.ts';
import { callRuntime, readRuntimeLog, spawnRuntime, startFailure, type RuntimeBinary } from './binary.ts';
import { exitStatus } from './exit-status.ts';
import { outputPipe } from './output-pipe.ts';
import type { ExitStatus, RunOptions } from './types.ts';

/** How long a runtime may take to notice that its container was killed, in ms. */
const PATIENCE = 500;

/** The bundle is written already. Rejects with the signal's reason when aborted, once nothing of the step runs any more. */
export async function runStep(binary: RuntimeBinary, o: RunOptions): Promise<ExitStatus> {
  o.signal?.throwIfAborted();
  const log = join(o.bundle, 'runtime.log');
  const pidFile = join(o.bundle, 'pid');
  rmSync(pidFile, { force: true });
  const stdout = outputPipe(o.onStdout);
  const stderr = outputPipe(o.onStderr);
  const child = spawnRuntime(
    binary,
    ['--log', log, '--log-format', 'json', 'run', '--bundle', o.bundle, '--pid-file', pidFile, o.id],
    [o.stdin === undefined ? 'ignore' : 'pipe', stdout.fd, stderr.fd],
  );
  if (child.pid !== undefined) o.onProcess?.(child.pid);
  stdout.started();
  stderr.started();
  if (o.stdin !== undefined) {
    child.stdin!.on('error', () => {}); // the step need not read it
    child.stdin!.end(o.stdin);
  }
  const ended = new Promise<ExitStatus>((resolve, reject) => {
    child.on('error', (cause) =>
      reject(new SlipwayError('unavailable', 'runtime.not-started', `cannot start ${binary.path}: ${cause.message}`, { cause })),
    );
    child.on('exit', (code, signal) => void Promise.all([stdout.ended, stderr.ended]).then(() => resolve(exitStatus(code, signal))));
  });
  let killing: Promise<void> | undefined;
  const abort = (): void => void (killing ??= killStep(binary, o.id, child.pid, pidFile, ended));
  o.signal?.addEventListener('abort', abort, { once: true });
  try {
    const status = await ended;
    if (killing !== undefined) await killing;
    o.signal?.throwIfAborted();
    if (status.exitCode !== 0) {
      const complaint = readRuntimeLog(log);
      if (complaint !== undefined) throw startFailure(binary, o.spec, complaint);
    }
    return status;
  } finally {
    o.signal?.removeEventListener('abort', abort);
  }
}

/**
 * Kills the container's first process, and with its pid namespace all of them; the runtime then deletes the container. One that
 * does not come to its end is killed too, and the container deleted in its stead.
 */
async function killStep(
  binary: RuntimeBinary,
  id: string,
  runtime: number | undefined,
  pidFile: string,
  ended: Promise<unknown>,
): Promise<void> {
  if (runtime === undefined) return;
  let over = false;
  const end = ended.then(
    () => void (over = true),
    () => void (over = true),
  );
  const deadline = performance.now() + PATIENCE;
  while (!over && performance.now() < deadline) {
    const first = readPid(pidFile);
    if (first !== undefined && parentOf(first) === runtime) killNow(first);
    await Promise.race([end, sleep(5)]);
  }
  if (over) return;
  killNow(runtime);
  await callRuntime(binary, ['delete', '--force', id]);
  await end;
}

function readPid(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, 'latin1'));
    return pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Only a child of the runtime is the container's process; the number may be somebody else's by now. */
function parentOf(pid: number): number | undefined {
  const stat = readProc(pid, 'stat');
  return stat === '' ? undefined : Number(statFields(stat)[1]);
}
