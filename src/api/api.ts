// What every handler stands on: the engine on a store, and how long work is given to a process of its own.
import type { ProgramFacts } from '../docker/index.ts';
import type { Engine } from '../engine/index.ts';

export interface Api {
  readonly engine: Engine;
  readonly program: ProgramFacts;
  /** Aborted when the server is to stop: what follows something for ever ends then. */
  readonly stopping: AbortSignal;
  /** Something that is no client's business. */
  warn(message: string): void;
  /** ms since the epoch. */
  now(): number;
}
