// The one error class for everything a user can cause or must act on. Adapters map `kind` to exit codes and statuses;
// nobody decides anything by message text.

export type ErrorKind =
  | 'not-found'
  | 'already-exists'
  | 'invalid-argument'
  | 'failed-precondition'
  | 'permission-denied'
  | 'unavailable'
  | 'conflict'
  | 'cancelled'
  | 'no-space'
  | 'data-loss'
  | 'unsupported'
  | 'internal'
  | 'process-failed';

export interface SourcePosition {
  /** From 1. */
  readonly line: number;
  /** From 0, in UTF-16 units. */
  readonly column: number;
}

export interface SourceRange {
  readonly start: SourcePosition;
  readonly end: SourcePosition;
}

/** A piece of a file the error points at; a terminal prints its lines with a caret. */
export interface SourceExcerpt {
  readonly file: string;
  /** The whole text of the file; the range says which part is meant. */
  readonly text: string;
  readonly range: SourceRange;
}

export interface ErrorDetails {
  /** What the user can do about it, a sentence each. */
  readonly hints?: readonly string[];
  readonly cause?: unknown;
  readonly source?: SourceExcerpt;
  /** Exit code that this error asks for, where the kind's usual one is not right (that of a failed RUN, 126, 127 …). */
  readonly exitCode?: number;
}

const brand = Symbol.for('slipway.error');

export class SlipwayError extends Error {
  readonly kind: ErrorKind;
  /** Stable identifier such as 'image.not-found'. */
  readonly code: string;
  readonly hints: readonly string[];
  readonly source?: SourceExcerpt;
  readonly exitCode?: number;

  constructor(kind: ErrorKind, code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'SlipwayError';
    this.kind = kind;
    this.code = code;
    this.hints = details.hints ?? [];
    if (details.source !== undefined) {
      const { range, ...excerpt } = details.source;
      // the parser's ranges are found when they are asked for; an error is data
      this.source = { ...excerpt, range: { start: range.start, end: range.end } };
    }
    if (details.exitCode !== undefined) this.exitCode = details.exitCode;
    Object.defineProperty(this, brand, { value: true });
  }

  /** The same fault with more said of it; what is left out stays as it is. This error is the cause of the new one. */
  withContext(o: { readonly message?: string } & Omit<ErrorDetails, 'cause'>): SlipwayError {
    const { kind, code, message, hints, source, exitCode } = this;
    return new SlipwayError(kind, code, o.message ?? message, {
      hints,
      ...(source !== undefined && { source }),
      ...(exitCode !== undefined && { exitCode }),
      ...o,
      cause: this,
    });
  }
}

/** True also for an error that another copy of this module made (a worker's bundle). */
export function isSlipwayError(e: unknown): e is SlipwayError {
  return e instanceof Error && brand in e;
}
