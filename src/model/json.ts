// Stored JSON documents: from bytes that may be anything to a record, and from a value to the bytes that are hashed.
import { SlipwayError } from './errors.ts';

export type JsonRecord = Record<string, unknown>;

/** The bytes that are stored and hashed: no white space, keys in the order in which they stand in the value. */
export function encodeJson(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value), 'utf8');
}

/** Throws data-loss `code` when the bytes are no JSON object. */
export function parseJson(bytes: Uint8Array, code: string, what: string): JsonRecord {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new SlipwayError('data-loss', code, `the ${what} is not valid JSON`, { cause });
  }
  const record = asRecord(value);
  if (record === undefined) throw new SlipwayError('data-loss', code, `the ${what} is not a JSON object`);
  return record;
}

export function asRecord(value: unknown): JsonRecord | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonRecord) : undefined;
}
