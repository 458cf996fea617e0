// Small helpers that every floor uses.
import { randomFillSync } from 'node:crypto';

export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

export function deferred<T = void>(): Deferred<T> {
  return Promise.withResolvers<T>();
}

/** `fn` runs at the first call only; every call gives its result (a throw is not remembered). */
export function once<T>(fn: () => T): () => T {
  let state: { value: T } | undefined;
  return () => (state ??= { value: fn() }).value;
}

/** 64 hexadecimal digits (or `bytes` times two). Never only decimal digits at the start, so that a short form is no number. */
export function randomId(bytes = 32): string {
  for (;;) {
    const id = randomFillSync(Buffer.allocUnsafe(bytes)).toString('hex');
    if (!/^\d{12}/.test(id)) return id;
  }
}
