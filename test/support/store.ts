// A store of its own for one test, on memory where the machine has it, and the program itself run against it as a
// process, as users run it. Everything is gone when the test ends.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const PROJECT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const SLIPWAY = join(PROJECT, 'bin', 'slipway');

export interface Result {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Buffer;
}

/** A folder on memory with room to build in, else a temporary one. */
export function scratch(): string {
  const shm = '/dev/shm';
  const roomy = existsSync(shm) && statfsSync(shm).bavail * statfsSync(shm).bsize > 1e9;
  return mkdtempSync(join(roomy ? shm : tmpdir(), 'slipway-test-'));
}

export class TestStore {
  readonly folder: string;
  readonly root: string;
  readonly run: string;
  readonly env: NodeJS.ProcessEnv;

  constructor(folder: string, root = join(folder, 'root')) {
    this.folder = folder;
    this.root = root;
    this.run = join(folder, 'run');
    this.env = { ...process.env, SLIPWAY_ROOT: root, SLIPWAY_RUN: this.run, NO_COLOR: '1', DOCKER_BUILDKIT: '1' };
  }

  /** Starts the program and leaves it running. */
  start(args: readonly string[], o: RunOptions = {}): ChildProcess {
    return spawn(SLIPWAY, args, { cwd: o.cwd, env: { ...this.env, ...o.env }, stdio: ['pipe', 'pipe', 'pipe'] });
  }

  /** Runs the program to its end. */
  slipway(args: readonly string[], o: RunOptions = {}): Promise<Result> {
    const child = this.start(args, o);
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on('data', (d: Buffer) => out.push(d));
    child.stderr?.on('data', (d: Buffer) => err.push(d));
    child.on('error', reject);
    child.on('close', (exitCode, signal) =>
      resolve({ exitCode, signal, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
    );
    child.stdin?.on('error', () => {}); // it may end without reading
    child.stdin?.end(o.input);
    return promise;
  }

  /** Runs the program and returns its standard output; anything but exit code 0 fails with what it said. */
  async ok(args: readonly string[], o: RunOptions = {}): Promise<string> {
    const r = await this.slipway(args, o);
    if (r.exitCode !== 0) throw new Error(`slipway ${args.join(' ')} ended with ${r.exitCode ?? r.signal}:\n${r.stderr}${r.stdout}`);
    return r.stdout;
  }
}

/** A store for one test; its containers and folders are removed afterwards. */
export function temporaryStore(t: TestContext): TestStore {
  const store = new TestStore(scratch());
  t.after(async () => {
    const ids = (await store.slipway(['ps', '-aq'])).stdout.split('\n').filter(Boolean);
    if (ids.length > 0) await store.slipway(['rm', '-f', ...ids]);
    rmSync(store.folder, { recursive: true, force: true });
  });
  return store;
}
