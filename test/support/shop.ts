// The program with stores of its own, run without blocking, so that servers in the same process can answer it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { removeTree } from '../../src/sys/index.ts';

const BIN = fileURLToPath(new URL('../../bin/slipway', import.meta.url));

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Shop {
  /** Of all shops of a test file. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;

  constructor(folder: string, env: NodeJS.ProcessEnv) {
    this.folder = folder;
    this.env = env;
  }

  run(...args: string[]): Promise<Ended> {
    return this.typing('', ...args);
  }

  /** With something on standard input. */
  typing(input: string, ...args: string[]): Promise<Ended> {
    return new Promise((resolve, reject) => {
      const child = spawn(BIN, args, { env: this.env });
      let [stdout, stderr] = ['', ''];
      child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
      child.on('error', reject);
      child.on('close', (status) => resolve({ status, stdout, stderr }));
      child.stdin.on('error', () => {});
      child.stdin.end(input);
    });
  }

  /** The same, for what must succeed. */
  async ok(...args: string[]): Promise<Ended> {
    const ended = await this.run(...args);
    assert.equal(ended.status, 0, `slipway ${args.join(' ')}\n${ended.stdout}${ended.stderr}`);
    return ended;
  }

  async id(image: string): Promise<string> {
    return (await this.ok('image', 'inspect', '--format', '{{.Id}}', image)).stdout.trim();
  }

  /** Starts and is killed when `when` says so. */
  async killed(when: () => boolean, ...args: string[]): Promise<void> {
    const child = spawn(BIN, args, { env: this.env, stdio: 'ignore' });
    const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
    const watch = setInterval(() => when() && child.kill('SIGKILL'), 5);
    await ended;
    clearInterval(watch);
  }

  /** The same store with other variables. */
  with(env: Record<string, string>): Shop {
    return new Shop(this.folder, { ...this.env, ...env });
  }

  /** Another store. */
  elsewhere(name: string, env: Record<string, string> = {}): Shop {
    return this.with({ SLIPWAY_ROOT: join(this.folder, name, 'root'), SLIPWAY_RUN: join(this.folder, name, 'run'), ...env });
  }

  /** `busybox`, and `app`: a file upon it. */
  async makeImages(): Promise<void> {
    await this.ok('bootstrap', 'busybox');
    const context = join(this.folder, 'context');
    mkdirSync(context, { recursive: true });
    writeFileSync(join(context, 'file'), 'content\n');
    writeFileSync(join(context, 'Dockerfile'), 'FROM busybox\nCOPY file /file\n');
    await this.ok('build', '-q', '-t', 'app', context);
  }

  /** A new folder with files by their paths. */
  context(files: Readonly<Record<string, string>>): string {
    const path = mkdtempSync(join(this.folder, 'context-'));
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(path, name)), { recursive: true });
      writeFileSync(join(path, name), text);
    }
    return path;
  }

  close(): void {
    removeTree(this.folder);
  }
}

export function openShop(name: string): Shop {
  const folder = mkdtempSync(`/dev/shm/slipway-${name}-`);
  return new Shop(folder, {
    ...process.env,
    SLIPWAY_ROOT: join(folder, 'root'),
    SLIPWAY_RUN: join(folder, 'run'),
    SLIPWAY_SOURCES: process.env['SLIPWAY_SOURCES'] ?? '1',
    DOCKER_CONFIG: join(folder, 'docker'),
    XDG_CONFIG_HOME: join(folder, 'config'),
  });
}
