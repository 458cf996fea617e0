// Work that a process of its own does for a request: what mounts files, moves many bytes or takes its time. A client that goes away
// stops it.
import type { Readable, Writable } from 'node:stream';
import { type CallerOf, type Operation, type OperationKind, performInWorker, type Reply, type StoreCaller } from '../engine/index.ts';
import { type Session, type SessionCredentials, SlipwayError } from '../model/index.ts';
import type { Api } from './api.ts';

/** What a build's archive is called, where a client has folders too. */
export const BODY = 'body';

export interface WorkOptions {
  readonly signal: AbortSignal;
  readonly input?: Readable;
  /** What a client serves of its own, which is asked first. */
  readonly client?: Session;
  /** Gets its end only when the work has succeeded. */
  readonly output?: Writable;
  readonly credentials?: (host: string) => Promise<SessionCredentials | undefined>;
  readonly onEvent?: (e: never) => void;
  readonly beforeStart?: NonNullable<StoreCaller['beforeStart']>;
}

/** @throws what the operation throws */
export function work<K extends OperationKind>(api: Api, operation: Operation<K>, o: WorkOptions): Promise<Reply<K>> {
  const caller = {
    session: sessionOf(o),
    signal: o.signal,
    onEvent: o.onEvent ?? ((): void => {}),
    ...(o.beforeStart && { beforeStart: o.beforeStart }),
  };
  return performInWorker(
    { ...api.worker, onText: (text) => api.warn(text.toString().trim()) },
    operation,
    caller as unknown as CallerOf<K>,
  );
}

/** Work that is done to its end, whoever stays to see it. */
export const lasting = <K extends OperationKind>(api: Api, operation: Operation<K>): Promise<Reply<K>> =>
  work(api, operation, { signal: new AbortController().signal });

/** What a client has: what it sends, where it reads, and what it signs in with. */
function sessionOf({ input, output, credentials, client }: WorkOptions): Session {
  const nothing = (what: string): SlipwayError => new SlipwayError('not-found', 'session.local', `the client has no ${what}`);
  return {
    secret: async (id, signal) => client?.secret(id, signal),
    ssh: async (id) => client?.ssh(id),
    local: async (name, wish, signal) => {
      if (client !== undefined && name !== BODY) return client.local(name, wish, signal);
      if (input === undefined) throw nothing(name);
      return { kind: 'stream', stream: input };
    },
    output: (name) => (output === undefined ? Promise.reject(nothing(name)) : Promise.resolve({ kind: 'stream', stream: output })),
    credentials: async (host) => (await client?.credentials(host)) ?? (await credentials?.(host)),
  };
}
