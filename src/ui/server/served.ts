// What the server of the page is given, and what its handlers stand on.
import type { Engine } from '../../engine/index.ts';

export interface ServePageOptions {
  readonly engine: Engine;
  /** How to run slipway itself. */
  readonly worker: { readonly command: readonly string[]; readonly environment: Readonly<Record<string, string | undefined>> };
  /** One that is free when 0. */
  readonly port: number;
  /** The build that the address leads to: it may begin in a moment. */
  readonly first?: string;
  readonly now: () => number;
  warn(message: string): void;
}

/** What handlers stand on. */
export interface Served extends Omit<ServePageOptions, 'port'> {
  /** The path that all of the page begin with. */
  readonly base: string;
  /** Builds whose end was asked for. */
  readonly cancelled: Set<string>;
}
