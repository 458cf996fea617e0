// What the services of BuildKit stand on.
import type { CallerOf, Engine, Operation, OperationKind, Reply } from '../engine/index.ts';

export interface BuildKitOptions {
  /** Works on an operation, in a process of its own. */
  perform<K extends OperationKind>(operation: Operation<K>, caller: CallerOf<K>): Promise<Reply<K>>;
  /** For what is only read. */
  readonly engine: Engine;
  /** A folder for what a client sends or gets. */
  readonly scratch: string;
  readonly version: string;
  now(): number;
}
