// The program that stands behind an OciRuntime, and the arguments and environment every call of it has.
import { spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { run, withStreams, SYSTEM_PATH, type RunResult } from '../sys/index.ts';
import { resolveExecutable } from './executables.ts';
import { nullDevice } from './null-device.ts';
import type { OciSpec } from './spec/oci.ts';

export type RuntimeName = 'crun' | 'runc';

export interface RuntimeBinary {
  readonly name: RuntimeName;
  readonly path: string;
  /** Of the program's file: another version of it has another. */
  readonly identity: string;
  /** False where no control group can be made: then there are no limits and no rules on devices. */
  readonly cgroups: boolean;
  /** The folder that Slipway gives to runtimes; each has its own below it. */
  readonly stateRoot: string;
}

/** Nothing of the user's environment: crun reads LISTEN_FDS, NOTIFY_SOCKET and XDG_RUNTIME_DIR. */
export const CLEAN_ENVIRONMENT: Readonly<Record<string, string>> = { PATH: SYSTEM_PATH };

/** The runtime's own `--root`. */
export function stateFolder(binary: RuntimeBinary): string {
  return join(binary.stateRoot, binary.name);
}

/** cgroupfs rather than systemd: no round trip over D-Bus, and the same on machines without systemd. */
export function globalArguments(binary: RuntimeBinary): string[] {
  const root = ['--root', stateFolder(binary)];
  return binary.name === 'crun' ? [...root, `--cgroup-manager=${binary.cgroups ? 'cgroupfs' : 'disabled'}`] : root;
}

export function spawnRuntime(binary: RuntimeBinary, args: readonly string[], stdio: StdioOptions, ownSession = false): ChildProcess {
  const streams = Array.isArray(stdio) ? stdio.map((one) => (one === 'ignore' ? nullDevice(binary.stateRoot) : one)) : stdio;
  return withStreams(
    spawn(binary.path, [...globalArguments(binary), ...args], { stdio: streams, detached: ownSession, env: { ...CLEAN_ENVIRONMENT } }),
  );
}

export function callRuntime(binary: RuntimeBinary, args: readonly string[], signal?: AbortSignal): Promise<RunResult> {
  return run(binary.path, [...globalArguments(binary), ...args], { env: CLEAN_ENVIRONMENT, ...(signal === undefined ? {} : { signal }) });
}

/** The runtime's own complaint, from the file that `--log` named (JSON lines); undefined when it had none. */
export function readRuntimeLog(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  return lastError(text);
}

export function lastError(text: string): string | undefined {
  let message: string | undefined;
  for (const line of text.split('\n')) {
    if (!line.startsWith('{')) continue;
    const entry = JSON.parse(line) as { level?: string; msg?: string };
    if (entry.msg !== undefined && (entry.level === undefined || entry.level === 'error' || entry.level === 'fatal')) message = entry.msg;
  }
  return message;
}

/** What to tell when a process could not be started: in Docker's words if the program is missing, else in the runtime's. */
export function startFailure(binary: RuntimeBinary, spec: OciSpec | undefined, message: string): SlipwayError {
  if (spec !== undefined) {
    try {
      resolveExecutable(spec);
    } catch (error) {
      return error as SlipwayError;
    }
  }
  return new SlipwayError('process-failed', 'runtime.failed', `OCI runtime create failed: ${binary.name}: ${message.trim()}`, {
    exitCode: 125,
  });
}
