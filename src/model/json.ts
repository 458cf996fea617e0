// Stored JSON documents: from bytes that may be anything to a record, and from a value to the bytes that are hashed.
import { SlipwayError } from './errors.ts';

export type JsonRecord = Record<string, unknown>;

/** The bytes that are stored and hashed: no white space, keys in the order in which they stand in the value. */
export function encodeJson(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value), 'utf8');
}

/** Documents of images are nested a few levels deep. */
const MAX_DEPTH = 100;

/** Whether lists and objects are nested deeper than programs that walk them can follow. Outside of strings, brackets are single bytes. */
function isTooDeep(bytes: Uint8Array): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const c = bytes[i];
    if (inString) {
      if (c === 0x5c) i++;
      else if (c === 0x22) inString = false;
    } else if (c === 0x22) inString = true;
    else if (c === 0x7b || c === 0x5b) {
      if (++depth > MAX_DEPTH) return true;
    } else if (c === 0x7d || c === 0x5d) depth--;
  }
  return false;
}

/** Throws data-loss `code` when the bytes are no JSON, or are nested too deeply. */
export function parseJsonValue(bytes: Uint8Array, code: string, what: string): unknown {
  if (isTooDeep(bytes)) throw new SlipwayError('data-loss', code, `the ${what} is nested too deeply`);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new SlipwayError('data-loss', code, `the ${what} is not valid JSON`, { cause });
  }
}

/** Throws data-loss `code` when the bytes are no JSON object. */
export function parseJson(bytes: Uint8Array, code: string, what: string): JsonRecord {
  const record = asRecord(parseJsonValue(bytes, code, what));
  if (record === undefined) throw new SlipwayError('data-loss', code, `the ${what} is not a JSON object`);
  return record;
}

export function asRecord(value: unknown): JsonRecord | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonRecord) : undefined;
}
