// Runs the commands of the tour as a person would type them: printed first, their output shown as it comes and kept for
// the checks that follow. Every command is a real process of the program itself.
import { spawn } from 'node:child_process';
import { SlipwayError } from '../../model/index.ts';

export interface ShellOptions {
  /** How to run slipway: program and first arguments. */
  readonly selfCommand: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly color: boolean;
  /** Of the screen; prose is broken there. */
  readonly columns: number;
  /** Waits until the reader goes on; left out where nobody reads along. @throws SlipwayError `tour.left` */
  readonly pause?: () => Promise<void>;
  write(text: string): void;
}

/** Longer lines of prose are hard to read, however wide the screen is. */
const WIDEST = 100;

/** Breaks prose between words. */
export function wrapped(text: string, columns: number, indent: string): string {
  const room = Math.max(20, Math.min(columns, WIDEST) - indent.length);
  const lines = text.split('\n').flatMap((paragraph) => {
    const out = [''];
    for (const word of paragraph.split(' ')) {
      const last = out.at(-1) ?? '';
      if (last === '') out[out.length - 1] = word;
      else if (last.length + 1 + word.length <= room) out[out.length - 1] = `${last} ${word}`;
      else out.push(word);
    }
    return out;
  });
  return lines.map((l) => `${indent}${l}`.trimEnd()).join('\n');
}

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  /** Both streams as they came. */
  readonly all: string;
}

export class TourShell {
  readonly #o: ShellOptions;

  constructor(o: ShellOptions) {
    this.#o = o;
  }

  heading(text: string): void {
    this.#o.write(`\n${this.#paint('1', text)}\n${this.#paint('1', '─'.repeat(text.length))}\n`);
  }

  /** What to notice: a few lines of prose. */
  say(text: string): void {
    this.#o.write(`${this.#paint('36', wrapped(text, this.#o.columns, '  '))}\n`);
  }

  /** A result that the tour worked out or got by itself, such as an answer to a request. */
  show(text: string): void {
    this.#o.write(`${text.trimEnd()}\n`);
  }

  /** Says what to watch for, prints a command line, runs it when the reader is ready, and shows its output; fails when the exit code is not the expected one. */
  async slipway(
    args: readonly string[],
    o: { watch: string; cwd?: string; env?: Record<string, string>; expect?: number; shown?: string },
  ): Promise<Outcome> {
    const prefix = Object.entries(o.env ?? {})
      .map(([k, v]) => `${k}=${v} `)
      .join('');
    this.#o.write(`\n${this.#paint('36', wrapped(`Watch: ${o.watch}`, this.#o.columns, '  '))}\n`);
    this.#o.write(`${this.#paint('32', '$')} ${prefix}${o.shown ?? `slipway ${args.map(quote).join(' ')}`}\n`);
    await this.#o.pause?.();
    const r = await this.quietly(args, { ...o, echo: true });
    const expected = o.expect ?? 0;
    if (r.exitCode !== expected) {
      throw new SlipwayError(
        'failed-precondition',
        'tour.step-failed',
        `slipway ${args.join(' ')} ended with ${r.exitCode}, not ${expected}`,
      );
    }
    return r;
  }

  /** Runs a command without printing it: for finding out and for cleaning up. */
  quietly(
    args: readonly string[],
    o: { cwd?: string; env?: Record<string, string>; echo?: boolean; evenWhenCancelled?: boolean } = {},
  ): Promise<Outcome> {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    if (this.#o.signal.aborted && !o.evenWhenCancelled) {
      reject(new SlipwayError('cancelled', 'cancelled', 'interrupted'));
      return promise;
    }
    const [program = '', ...first] = this.#o.selfCommand;
    const child = spawn(program, [...first, ...args], { cwd: o.cwd, env: { ...this.#o.env, ...o.env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const stop = (): void => {
      child.kill('SIGINT');
    };
    if (!o.evenWhenCancelled) this.#o.signal.addEventListener('abort', stop, { once: true });
    let stdout = '';
    let all = '';
    const take = (isStdout: boolean) => (text: string) => {
      if (isStdout) stdout += text;
      all += text;
      if (o.echo) this.#o.write(text);
    };
    child.stdout.setEncoding('utf8').on('data', take(true));
    child.stderr.setEncoding('utf8').on('data', take(false));
    child.on('error', reject);
    child.on('close', (code) => {
      this.#o.signal.removeEventListener('abort', stop);
      if (this.#o.signal.aborted && !o.evenWhenCancelled) reject(new SlipwayError('cancelled', 'cancelled', 'interrupted'));
      else resolve({ exitCode: code ?? 1, stdout, all });
    });
    return promise;
  }

  #paint(code: string, text: string): string {
    return this.#o.color ? `\u001b[${code}m${text}\u001b[0m` : text;
  }
}

/** A word as a shell would need it. */
const quote = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
