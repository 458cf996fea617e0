// Command lines run in this process: all of Slipway but its launcher, without the start of a program for each. What a test needs a process of its own for
// (signals, terminals, kills) is run by store.ts.
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { execute } from '../../src/cli/execute.ts';
import type { Output } from '../../src/cli/command.ts';
import { SLIPWAY } from './store.ts';

export interface Answer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface LineOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export class CommandLine {
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #cwd: string;

  constructor(o: { readonly env: Readonly<Record<string, string | undefined>>; readonly cwd: string }) {
    this.#env = o.env;
    this.#cwd = o.cwd;
  }

  async run(args: readonly string[], o: LineOptions = {}): Promise<Answer> {
    const [stdout, stderr] = [new Sink(), new Sink()];
    const status = await execute(
      {
        env: { ...this.#env, ...o.env },
        cwd: this.#cwd,
        stdin: Readable.from(o.input === undefined || o.input === '' ? [] : [Buffer.from(o.input)]) as unknown as NodeJS.ReadStream,
        stdout,
        stderr,
        signal: new AbortController().signal,
        selfCommand: [SLIPWAY],
      },
      args,
    );
    return { status, stdout: stdout.text(), stderr: stderr.text() };
  }

  /** The exit code, and what a command prints; of one that fails the error, without its hints. */
  async outcome(...args: string[]): Promise<[status: number, text: string]> {
    const { status, stdout, stderr } = await this.run(args);
    const [error = ''] = stderr.replace(/^error: /, '').split('\n\n');
    return [status, status === 0 ? stdout : error.trim()];
  }

  /** What a command prints that must succeed. */
  async ok(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.run(args);
    assert.equal(status, 0, stderr);
    return stdout;
  }
}

class Sink implements Output {
  readonly isTTY = false;
  readonly #chunks: Buffer[] = [];

  write(text: string | Uint8Array): boolean {
    this.#chunks.push(Buffer.from(text as string));
    return true;
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}

/** The environment of a command line on a store, and nothing else of this process's. */
export const environmentOf = ({ folder, root, run }: StoreFolders): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: folder,
  SLIPWAY_ROOT: root,
  SLIPWAY_RUN: run,
  SLIPWAY_SOURCES: '1',
  NO_COLOR: '1',
});

interface StoreFolders {
  readonly folder: string;
  readonly root: string;
  readonly run: string;
}

export const commandLineOn = (store: StoreFolders, cwd = store.folder): CommandLine => new CommandLine({ env: environmentOf(store), cwd });
