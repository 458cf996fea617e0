// What a worker is told, and tells.
import type { BuildEvent } from '../../builder/index.ts';
import type { LocalWish, OutputPlace, SessionCredentials } from '../../model/index.ts';
import type { Operation, OperationKind, Reply } from '../operations.ts';
import type { StoreEvent } from '../store-operations.ts';
import type { ErrorData } from './error-data.ts';

export type ToWorker = { readonly type: 'perform'; readonly operation: Operation } | { readonly type: 'cancel' };

export type FromWorker =
  | { readonly type: 'event'; readonly event: BuildEvent | StoreEvent }
  | { readonly type: 'done'; readonly reply: Reply<OperationKind> }
  | { readonly type: 'failed'; readonly error: ErrorData };

/** What a worker asks of its caller's session: the methods of `Session` and of agents, with what can be sent of their results. */
export interface Questions {
  secret(id: string): Promise<Uint8Array | undefined>;
  /** Whether there is one. */
  ssh(id: string): Promise<boolean>;
  /** A number for the connection. */
  connect(id: string): Promise<number>;
  agent(connection: number, message: Uint8Array): Promise<Uint8Array>;
  hangUp(connection: number): Promise<void>;
  local(name: string, wish: LocalWish): Promise<{ readonly path: string } | { readonly stream: number }>;
  credentials(host: string): Promise<SessionCredentials | undefined>;
  output(name: string): Promise<Exclude<OutputPlace, { kind: 'stream' }> | { readonly stream: number }>;
  beforeStart(): Promise<void>;
}
