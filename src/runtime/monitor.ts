// conmon: the small process that stays with a detached container, holds its output and its terminal, writes its log and its exit
// code, and calls slipway when it has ended. It lives in the mount namespace that it was started in and so keeps the mounts.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { findExecutable, withStreams } from '../sys/index.ts';
import { crashPoint } from '../util/index.ts';
import { CLEAN_ENVIRONMENT, globalArguments, readRuntimeLog, startFailure } from './binary.ts';
import type { OciRuntime } from './oci-runtime.ts';
import type { OciSpec } from './spec/oci.ts';

export interface MonitorOptions {
  readonly id: string;
  readonly name: string;
  readonly bundle: string;
  readonly runtime: OciRuntime;
  readonly logPath: string;
  /** Gets a file named by the ID with the exit code in it. */
  readonly exitDir: string;
  readonly persistDir: string;
  readonly pidFile: string;
  /** Bytes. */
  readonly logLimit?: number;
  readonly tty?: boolean;
  readonly openStdin?: boolean;
  /** Its input stays open when a client goes; without it, it ends with the first client's. */
  readonly keepStdin?: boolean;
  /** Called when the container has ended. */
  readonly exitCommand?: readonly string[];
  /** Of that command, besides a usual PATH. */
  readonly environment?: Readonly<Record<string, string>>;
}

interface Answer {
  readonly pid?: number;
  readonly message?: string;
  readonly stderr: string;
}

/** A monitor that waits for its container to be wanted. */
export interface BegunMonitor {
  /** config.json is written. `spec` is for errors. */
  create(spec: OciSpec): Promise<{ readonly pid: number; readonly monitorPid: number }>;
  cancel(): void;
}

export class Monitor {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** @throws SlipwayError `runtime.no-monitor` when conmon is not installed. */
  static find(): Monitor {
    const path = findExecutable('conmon') ?? findExecutable('/usr/libexec/podman/conmon');
    if (path === undefined) {
      throw new SlipwayError('failed-precondition', 'runtime.no-monitor', 'conmon is not installed; detached containers need it', {
        hints: ['apt-get install conmon'],
      });
    }
    return new Monitor(path);
  }

  /**
   * Starts conmon, which then waits: it is loaded while the container's files are prepared. `create` of what is returned has the
   * container created; `start` of the runtime lets its program begin. `bundle` and `exitDir` exist, config.json need not yet.
   */
  begin(o: MonitorOptions): BegunMonitor {
    const runtimeLog = join(o.bundle, 'runtime.log');
    for (const file of [o.pidFile, runtimeLog, join(o.exitDir, o.id), join(o.bundle, 'oom')]) rmSync(file, { force: true });
    const args = [
      '--cid',
      o.id,
      '--cuuid',
      o.id,
      '--name',
      o.name,
      '--runtime',
      o.runtime.binary.path,
      '--bundle',
      o.bundle,
      '--container-pidfile',
      o.pidFile,
      '--log-path',
      `k8s-file:${o.logPath}`,
      '--exit-dir',
      o.exitDir,
      '--persist-dir',
      o.persistDir,
      '--full-attach',
      '--sync', // no second fork: our child is the monitor itself
      '--no-sync-log',
      ...[...globalArguments(o.runtime.binary), '--log', runtimeLog, '--log-format', 'json'].flatMap((a) => ['--runtime-arg', a]),
      ...(o.logLimit === undefined ? [] : ['--log-size-max', String(o.logLimit)]),
      ...(o.tty ? ['--terminal'] : []),
      ...(o.openStdin ? ['--stdin'] : []),
      ...(o.keepStdin || o.tty ? ['--leave-stdin-open'] : []),
      ...(o.exitCommand
        ? ['--exit-command', o.exitCommand[0] ?? '', ...o.exitCommand.slice(1).flatMap((a) => ['--exit-command-arg', a])]
        : []),
    ];
    const child = withStreams(
      spawn(this.#path, args, {
        cwd: o.bundle,
        stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
        env: { ...o.environment, ...CLEAN_ENVIRONMENT, _OCI_SYNCPIPE: '3', _OCI_STARTPIPE: '4' },
        detached: true,
      }),
    );
    const gate = child.stdio[4] as NodeJS.WritableStream & { destroy(): void };
    gate.on('error', () => {}); // it has ended: its answer says why
    const answered = answerOf(child);
    answered.catch(() => {}); // reported by `create`
    return {
      create: async (spec) => {
        gate.end('\n');
        crashPoint('container.create-asked');
        const answer = await answered;
        if (answer.pid === undefined || answer.pid <= 0)
          throw notCreated(o.runtime, spec, readRuntimeLog(runtimeLog) ?? answer.message, answer.stderr);
        return { pid: answer.pid, monitorPid: child.pid ?? 0 };
      },
      cancel: () => {
        child.kill('SIGKILL');
        gate.destroy();
      },
    };
  }
}

function notCreated(runtime: OciRuntime, spec: OciSpec, complaint: string | undefined, stderr: string): SlipwayError {
  if (complaint !== undefined) return startFailure(runtime.binary, spec, complaint);
  const reason = stderr.trim() || 'it gave no reason';
  return new SlipwayError('unavailable', 'runtime.monitor', `conmon could not start the container: ${reason}`);
}

/** conmon says over a pipe (_OCI_SYNCPIPE) which pid the container has, or what went wrong; then it goes on by itself. */
function answerOf(child: ChildProcess): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const sync = child.stdio[3] as NodeJS.ReadableStream & { destroy(): void };
  let stderr = '';
  let text = '';
  const done = (): void => {
    child.stderr?.destroy();
    sync.destroy();
    child.unref();
    try {
      const { data, pid = data, message } = JSON.parse(text.split('\n')[0] ?? '') as { data?: number; pid?: number; message?: string };
      resolve({ ...(pid !== undefined && { pid }), ...(message !== undefined && { message }), stderr });
    } catch {
      resolve({ stderr });
    }
  };
  child.stderr?.setEncoding('utf8').on('data', (d: string) => (stderr += d));
  sync.setEncoding('utf8');
  sync.on('data', (d: string | Buffer) => {
    text += String(d);
    if (text.includes('\n')) done();
  });
  sync.on('end', done);
  child.on('error', (e) => reject(e));
  return promise;
}

/** What conmon wrote of the end of a container, and when (ms since the epoch); undefined when it has not. */
export function lastExit(exitDir: string, id: string): { readonly code: number; readonly at: number } | undefined {
  const path = join(exitDir, id);
  try {
    const code = Number.parseInt(readFileSync(path, 'utf8'), 10);
    return Number.isNaN(code) ? undefined : { code, at: Math.round(statSync(path).mtimeMs) };
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw e;
  }
}

/** Whether conmon saw the kernel kill for want of memory in the container's control group. */
export function ranOutOfMemory(bundle: string): boolean {
  return existsSync(join(bundle, 'oom'));
}
