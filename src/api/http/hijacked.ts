// A connection that was taken over.
import type { Readable, Writable } from 'node:stream';

/** A connection that is the client's and the handler's own, and ends when the handler returns. */
export interface Hijacked {
  /** What the client sends; its end is the client's half-close. */
  readonly input: Readable;
  readonly output: Writable;
}
