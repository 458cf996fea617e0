// What a chapter's checks may look at: what the learner's builds, images and containers really are, asked of the program
// itself as anybody would.
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SlipwayError } from '../../model/index.ts';
import { withCleanup } from '../../util/index.ts';

export interface Build {
  readonly ref: string;
  readonly engine: 'graph' | 'classic';
  readonly target?: string;
  readonly tags: readonly string[];
  readonly status: 'running' | 'completed' | 'error' | 'canceled';
  readonly startedAt: number;
  readonly images: readonly string[];
  readonly skipped: readonly { readonly stage: string }[];
  readonly ran: number;
  readonly cached: number;
}

export interface Plan {
  readonly stages: readonly { readonly name: string; readonly needed: boolean }[];
  readonly steps: readonly { readonly name: string; readonly fate: 'source' | 'cached' | 'run' | 'maybe' }[];
}

/** Of `image inspect`. */
export interface Image {
  readonly Id: string;
  readonly Size: number;
  readonly Created: string;
  readonly Config: {
    readonly Entrypoint?: readonly string[] | null;
    readonly Cmd?: readonly string[] | null;
    readonly User?: string;
    readonly ExposedPorts?: Readonly<Record<string, object>> | null;
  };
}

/** Of `container inspect`. */
export interface Container {
  readonly Id: string;
  readonly Name: string;
  readonly Args: readonly string[];
  readonly Config: { readonly Image: string; readonly User: string };
  readonly State: { readonly Running: boolean };
  readonly NetworkSettings: { readonly Ports: Readonly<Record<string, readonly { readonly HostPort: string }[] | null>> };
}

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class World {
  /** Where the learner works. */
  readonly folder: string;
  /** ms: what was built before does not count. */
  readonly since: number;
  readonly #selfCommand: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  readonly #signal: AbortSignal;
  #builds: Promise<readonly Build[]> | undefined;

  constructor(o: { folder: string; since: number; selfCommand: readonly string[]; env: NodeJS.ProcessEnv; signal: AbortSignal }) {
    this.folder = o.folder;
    this.since = o.since;
    this.#selfCommand = o.selfCommand;
    this.#env = o.env;
    this.#signal = o.signal;
  }

  slipway(args: readonly string[], o: { cwd?: string; env?: Readonly<Record<string, string>> } = {}): Promise<Ran> {
    const { promise, resolve, reject } = Promise.withResolvers<Ran>();
    const [program = '', ...first] = this.#selfCommand;
    const child = spawn(program, [...first, ...args], {
      cwd: o.cwd ?? this.folder,
      env: { ...this.#env, BUILDKIT_PROGRESS: 'plain', ...o.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: this.#signal,
      killSignal: 'SIGINT',
    });
    const out = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (out.stderr += text));
    child.on('error', (e) => reject(this.#signal.aborted ? new SlipwayError('cancelled', 'cancelled', 'interrupted') : e));
    child.on('close', (code) => resolve({ exitCode: code ?? 1, ...out }));
    return promise;
  }

  /** A file of the learner's; undefined when it is missing. */
  read(path: string): string | undefined {
    try {
      return readFileSync(join(this.folder, path), 'utf8');
    } catch {
      return undefined;
    }
  }

  /** The learner's builds since the chapter began, the newest first. Asked once: the checks build nothing of the learner's. */
  builds(): Promise<readonly Build[]> {
    return (this.#builds ??= this.#history());
  }

  async #history(): Promise<Build[]> {
    const { stdout } = await this.slipway(['builder', 'history', '--format', 'json']);
    return lines(stdout)
      .map((line) => JSON.parse(line) as Build)
      .filter((b) => b.startedAt >= this.since);
  }

  /** Calls `fn` with a copy of the learner's folder, for trying what a change to it would do. */
  async inCopy<T>(fn: (copy: string) => Promise<T>): Promise<T> {
    const copy = mkdtempSync(join(tmpdir(), 'slipway-lab-'));
    return withCleanup(
      () => {
        cpSync(this.folder, copy, { recursive: true });
        return fn(copy);
      },
      () => rmSync(copy, { recursive: true, force: true }),
    );
  }

  async plan(args: readonly string[]): Promise<Plan | undefined> {
    const { exitCode, stdout } = await this.slipway(['build', '--plan=json', ...args]);
    return exitCode === 0 ? (JSON.parse(stdout) as Plan) : undefined;
  }

  async image(name: string): Promise<Image | undefined> {
    const { exitCode, stdout } = await this.slipway(['image', 'inspect', name]);
    return exitCode === 0 ? (JSON.parse(stdout) as Image[])[0] : undefined;
  }

  /** Containers of an image, those that ended too. */
  async containers(image: string): Promise<Container[]> {
    const ids = lines((await this.slipway(['ps', '-aq', '--no-trunc'])).stdout);
    if (ids.length === 0) return [];
    const all = JSON.parse((await this.slipway(['container', 'inspect', ...ids])).stdout) as Container[];
    return all.filter((c) => c.Config.Image === image || c.Config.Image.startsWith(`${image}:`));
  }

  /** What a program of an image writes. */
  run(image: string, ...args: string[]): Promise<Ran> {
    return this.slipway(['run', '--rm', '--network', 'none', image, ...args]);
  }

  /** The body that a URL answers with; undefined when nothing answers. */
  async get(url: string): Promise<string | undefined> {
    try {
      const r = await fetch(url, { signal: AbortSignal.any([this.#signal, AbortSignal.timeout(3000)]) });
      return r.ok ? await r.text() : undefined;
    } catch {
      return undefined;
    }
  }
}

export const lines = (text: string): string[] => text.split('\n').filter(Boolean);
