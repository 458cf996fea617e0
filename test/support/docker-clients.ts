// Real clients of Docker's API, where the machine has them. A test without its client says that it is skipped, and how to get it.
import { spawn, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { findExecutable } from '../../src/sys/index.ts';

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
}

/** Runs a program to its end, while this process answers it. */
export function runClient(program: string, args: readonly string[], o: RunOptions): Promise<Ended> {
  const child = spawn(program, args, {
    env: { PATH: process.env['PATH'] ?? '', ...o.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(o.cwd !== undefined && { cwd: o.cwd }),
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  child.stdin.on('error', () => {}); // it may end without reading
  child.stdin.end(o.input ?? '');
  return new Promise((resolve, reject) => child.on('error', reject).on('close', (status) => resolve({ status, stdout, stderr })));
}

const fromClients = createRequire(new URL('../clients/package.json', import.meta.url));

/** A package of test/clients; undefined where they are not installed. */
export function clientPackage(name: string): any {
  try {
    return fromClients(name);
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined;
    throw e;
  }
}

/** For the `skip` of a test. */
export const noPackages = clientPackage('dockerode') === undefined && 'not installed: npm ci --ignore-scripts --prefix test/clients';

/** A Python that has Docker's package. */
export const PYTHON = ['/usr/bin/python3', 'python3'].find((one) => spawnSync(one, ['-c', 'import docker']).status === 0);
export const noPython = PYTHON === undefined && 'there is no package docker for Python: apt-get install python3-docker';

const working = (program: string | undefined, ...args: string[]): string | undefined =>
  program !== undefined && spawnSync(program, args).status === 0 ? program : undefined;

export const DOCKER = working(process.env['SLIPWAY_TEST_DOCKER'] ?? findExecutable('docker'), '--version');
export const noDocker = DOCKER === undefined && 'there is no docker: put it on the PATH, or name it by SLIPWAY_TEST_DOCKER';

/** The plug-in, which is a program of its own too. */
export const COMPOSE = working(process.env['SLIPWAY_TEST_COMPOSE'] ?? findExecutable('docker-compose'), 'version');
export const noCompose = COMPOSE === undefined && 'there is no docker-compose: put it on the PATH, or name it by SLIPWAY_TEST_COMPOSE';
