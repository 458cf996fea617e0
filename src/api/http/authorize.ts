// The question whether a request may be answered, which somebody else decides.
import type { Socket } from 'node:net';

export interface Asked {
  readonly method: string;
  /** Without the version and the query. */
  readonly path: string;
  readonly query: string;
}

/** @throws SlipwayError permission-denied `api.denied` */
export type Authorize = (asked: Asked, socket: Socket, signal: AbortSignal) => Promise<void>;
