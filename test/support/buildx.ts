// The real buildx, where the machine has one: `docker-buildx` on the PATH, or what SLIPWAY_TEST_BUILDX names. Tests without it say that they are skipped.
import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findExecutable, removeTree } from '../../src/sys/index.ts';

const BUILDX = process.env['SLIPWAY_TEST_BUILDX'] ?? findExecutable('docker-buildx');

/** For the `skip` of a test. */
export const noBuildx = BUILDX === undefined && 'there is no docker-buildx: put it on the PATH, or name it by SLIPWAY_TEST_BUILDX';

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** buildx with the driver `remote`, on a configuration of its own. */
export class Buildx implements Disposable {
  readonly #config = mkdtempSync(join(tmpdir(), 'slipway-buildx-'));
  readonly #address: string;

  /** @param address `unix://…` */
  constructor(address: string) {
    this.#address = address;
  }

  async create(...more: string[]): Promise<void> {
    const { status, stderr } = await this.run('create', '--name', 'there', '--driver', 'remote', '--use', ...more, this.#address);
    if (status !== 0) throw new Error(stderr);
  }

  run(...args: string[]): Promise<Ran> {
    const child = spawn(BUILDX as string, args, {
      env: { PATH: process.env['PATH'] ?? '', HOME: this.#config, BUILDX_CONFIG: this.#config, DOCKER_CONFIG: this.#config },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    return new Promise((resolve, reject) => child.on('error', reject).on('close', (status) => resolve({ status, stdout, stderr })));
  }

  [Symbol.dispose](): void {
    removeTree(this.#config);
  }
}
