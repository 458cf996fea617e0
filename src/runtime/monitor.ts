// conmon: the small process that stays with a detached container, holds its output and its terminal, writes its log and its exit
// code, and calls slipway when it has ended. It lives in the mount namespace that it was started in and so keeps the mounts.
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { findExecutable } from '../sys/index.ts';
import { globalArguments, readRuntimeLog, startFailure } from './binary.ts';
import type { OciRuntime } from './oci-runtime.ts';
import type { OciSpec } from './spec/oci.ts';

export interface MonitorOptions {
  readonly id: string;
  readonly name: string;
  /** Its config.json is written. */
  readonly bundle: string;
  readonly runtime: OciRuntime;
  readonly spec: OciSpec;
  readonly logPath: string;
  /** Gets a file named by the ID with the exit code in it. */
  readonly exitDir: string;
  readonly persistDir: string;
  readonly pidFile: string;
  readonly monitorPidFile: string;
  readonly tty?: boolean;
  readonly openStdin?: boolean;
  /** Called when the container has ended. */
  readonly exitCommand?: readonly string[];
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

  /** Has the container created; `start` of the runtime lets its program begin. */
  async create(o: MonitorOptions): Promise<{ pid: number; monitorPid: number }> {
    const runtimeLog = join(o.bundle, 'runtime.log');
    for (const file of [o.pidFile, o.monitorPidFile, runtimeLog, join(o.exitDir, o.id)]) rmSync(file, { force: true });
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
      '--conmon-pidfile',
      o.monitorPidFile,
      '--log-path',
      `k8s-file:${o.logPath}`,
      '--exit-dir',
      o.exitDir,
      '--persist-dir',
      o.persistDir,
      '--full-attach',
      '--no-sync-log',
      ...[...globalArguments(o.runtime.binary), '--log', runtimeLog, '--log-format', 'json'].flatMap((a) => ['--runtime-arg', a]),
      ...(o.tty ? ['--terminal'] : []),
      ...(o.openStdin ? ['--stdin', '--leave-stdin-open'] : []),
      ...(o.exitCommand
        ? ['--exit-command', o.exitCommand[0] ?? '', ...o.exitCommand.slice(1).flatMap((a) => ['--exit-command-arg', a])]
        : []),
    ];
    const answer = await this.#call(args, o.bundle);
    if (answer.pid === undefined || answer.pid <= 0) {
      const complaint = readRuntimeLog(runtimeLog) ?? answer.message;
      throw complaint === undefined
        ? new SlipwayError(
            'unavailable',
            'runtime.monitor',
            `conmon could not start the container: ${answer.stderr.trim() || 'it gave no reason'}`,
          )
        : startFailure(o.runtime.binary, o.spec, complaint);
    }
    return { pid: answer.pid, monitorPid: Number(readFileSync(o.monitorPidFile, 'utf8')) };
  }

  /** conmon says over a pipe (_OCI_SYNCPIPE) which pid the container has, or what went wrong; then it goes on by itself. */
  #call(args: readonly string[], cwd: string): Promise<{ pid?: number; message?: string; stderr: string }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ pid?: number; message?: string; stderr: string }>();
    const child = spawn(this.#path, args, {
      cwd,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', _OCI_SYNCPIPE: '3' },
      detached: true,
    });
    let stderr = '';
    let text = '';
    child.stderr?.setEncoding('utf8').on('data', (d: string) => (stderr += d));
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
    const sync = child.stdio[3] as NodeJS.ReadableStream & { destroy(): void };
    sync.setEncoding('utf8');
    sync.on('data', (d: string | Buffer) => {
      text += String(d);
      if (text.includes('\n')) done();
    });
    sync.on('end', done);
    child.on('error', (e) => reject(e));
    return promise;
  }
}

/** What conmon wrote of the end of a container; undefined when it has not. */
export function readExitFile(exitDir: string, id: string): number | undefined {
  try {
    const code = Number.parseInt(readFileSync(join(exitDir, id), 'utf8'), 10);
    return Number.isNaN(code) ? undefined : code;
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw e;
  }
}
