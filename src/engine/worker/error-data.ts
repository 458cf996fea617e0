// Errors as data, and back: what a user is told of them, and what a developer needs.
import { type ErrorKind, isSlipwayError, type SourceExcerpt, SlipwayError } from '../../model/index.ts';
import { firstError } from '../../util/index.ts';

export interface ErrorData {
  readonly message: string;
  readonly stack?: string;
  /** Of a `SlipwayError`. */
  readonly slipway?: {
    readonly kind: ErrorKind;
    readonly code: string;
    readonly hints: readonly string[];
    readonly source?: SourceExcerpt;
    readonly exitCode?: number;
  };
  /** Of a system error: `ENOENT`. */
  readonly code?: string;
}

export function errorData(thrown: unknown): ErrorData {
  const e = firstError(thrown);
  if (!(e instanceof Error)) return { message: String(e) };
  const { message, stack } = e;
  if (isSlipwayError(e)) {
    const { kind, code, hints, source, exitCode } = e;
    return {
      message,
      ...(stack !== undefined && { stack }),
      slipway: { kind, code, hints, ...(source && { source }), ...(exitCode !== undefined && { exitCode }) },
    };
  }
  const { code } = e as NodeJS.ErrnoException;
  return { message, ...(stack !== undefined && { stack }), ...(typeof code === 'string' && { code }) };
}

export function errorFrom({ message, stack, slipway, code }: ErrorData): Error {
  if (slipway !== undefined) {
    const { kind, code: stable, ...details } = slipway;
    return new SlipwayError(kind, stable, message, details);
  }
  return Object.assign(new Error(message), { ...(stack !== undefined && { stack }), ...(code !== undefined && { code }) });
}
