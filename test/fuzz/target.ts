// What the fuzzer tries: a target makes an input from random numbers and feeds it to code that reads what comes from outside.
import assert from 'node:assert/strict';
import { isSlipwayError } from '../../src/model/index.ts';
import type { Random } from './grammar.ts';

export type Input = string | Uint8Array;

export interface Target {
  /** The same input for the same random numbers. */
  readonly make: (r: Random) => Input;
  /** Throws when the code under test misbehaves; a typed rejection is right behaviour. `r` chooses how the input is fed. */
  readonly attempt: (input: Input, r: Random) => void | Promise<void>;
}

export const asText = (input: Input): string => (typeof input === 'string' ? input : Buffer.from(input).toString());
export const asBytes = (input: Input): Buffer => Buffer.from(input as Uint8Array);

/** Runs `work`; anything but a typed error is a bug in slipway and passes through. */
export function typed<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!isSlipwayError(error)) throw error;
    assert.match(error.code, /^[a-z][a-z-]*\.[a-z][a-z0-9-]*$/);
    assert.notEqual(error.kind, 'internal', error.message);
    return undefined;
  }
}

/** What an input is reported for that needs memory outside the heap. */
export const overMemory = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MB of buffers`;
