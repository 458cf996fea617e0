// Small helpers that every floor uses.
import { closeSync, openSync, readSync } from 'node:fs';

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

/** From the kernel: node:crypto would add several milliseconds to the start of every command. */
export function randomBytes(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  const fd = openSync('/dev/urandom', 'r');
  try {
    readSync(fd, bytes);
  } finally {
    closeSync(fd);
  }
  return bytes;
}

/** A whole number from 0 up to, but not including, `limit` (at most 2^32; a bias of 2^-16 is taken). */
export function randomInt(limit: number): number {
  return Number(randomBytes(6).readUIntBE(0, 6) % limit);
}

/** 64 hexadecimal digits (or `bytes` times two). The first twelve, the short form, are never all decimal. */
export function randomId(bytes = 32): string {
  for (;;) {
    const id = randomBytes(bytes).toString('hex');
    if (!/^\d{12}/.test(id)) return id;
  }
}
