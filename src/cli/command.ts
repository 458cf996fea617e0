// What a command is, and what it is given. Commands are adapters: they parse, call the engine, and print.
import type { Engine } from '../engine/index.ts';

export interface Option {
  /** Without the dashes: `build-arg`. */
  readonly name: string;
  readonly short?: string;
  readonly type: 'boolean' | 'string' | 'list' | 'number';
  readonly placeholder?: string;
  /** The value when none follows an equals sign: `--plan` is `--plan=text`. */
  readonly implied?: string;
  readonly help: string;
  /** Left out of help: it is accepted because Docker does, and has no effect here. */
  readonly hidden?: boolean;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** What follows the command's name: `[OPTIONS] IMAGE [IMAGE...]`. */
  readonly usage: string;
  readonly examples: readonly string[];
  readonly options: readonly Option[];
  readonly args: { readonly min: number; readonly max?: number };
  /** Flags end at the first argument: what follows belongs to a program in a container. */
  readonly stopAtFirstArg?: boolean;
  /** Exit code of the command's own failures; 1 when left out. */
  readonly failureExitCode?: number;
  run(ctx: Context, options: ParsedOptions, args: string[]): Promise<number | void>;
}

export interface ParsedOptions {
  bool(name: string): boolean;
  /** The last value given. */
  string(name: string): string | undefined;
  list(name: string): string[];
  number(name: string): number | undefined;
  has(name: string): boolean;
}

export interface Output {
  write(text: string | Uint8Array): unknown;
  readonly isTTY: boolean;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

export interface Settings {
  /** The store: SLIPWAY_ROOT. */
  readonly root: string;
  /** What dies with the machine: SLIPWAY_RUN. */
  readonly run: string;
  /** DOCKER_BUILDKIT. */
  readonly buildkit: boolean;
  /** BUILDKIT_PROGRESS. */
  readonly progress: string | undefined;
  readonly color: boolean;
  /** SLIPWAY_WORKER: builds run in a process of their own. */
  readonly worker: boolean;
}

export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly settings: Settings;
  /** How to run slipway itself. */
  readonly selfCommand: string[];
  /** ms since the epoch. */
  now(): number;
  /** The engine on this store, opened when first asked for. */
  engine(): Promise<Engine>;
}
