// The sparse-file dialects of GNU tar: the old one in header fields, and 0.0, 0.1 and 1.0 on top of PAX (GNU tar manual, "Storing
// Sparse Files"). Everything here reads maps; the parser decides where the bytes come from.
import type { Extent } from './entry.ts';
import { readNumber } from './fields.ts';
import { parsePaxInteger } from './pax.ts';
import type { PaxRecords } from './pax.ts';

/** More stretches than this are refused: the map lives in memory. */
export const MAX_EXTENTS = 1 << 17;

/**
 * Reads `count` offset/length pairs of an old GNU header or of its extension block, appending to `extents`.
 * @returns false where a field is malformed. A pair of zero length at offset 0 ends the list, as an unused slot does.
 */
export function readOldSparse(block: Buffer, start: number, count: number, extents: Extent[]): boolean {
  for (let i = 0; i < count; i++) {
    const at = start + i * 24;
    if (block[at] === 0) return true;
    const offset = readNumber(block, at, 12);
    const length = readNumber(block, at + 12, 12);
    if (offset === undefined || length === undefined) return false;
    extents.push({ offset, length });
  }
  return true;
}

/** What PAX records say about sparseness: the dialect, and the map where it stands in the records. */
export interface PaxSparse {
  /** True for 1.0, whose map stands before the data in the body. */
  readonly mapInBody: boolean;
  readonly extents?: Extent[];
  readonly name?: Buffer;
  readonly realSize?: number;
}

/** @returns `undefined` where the entry is not sparse, 'malformed' where it claims to be but makes no sense. */
export function readPaxSparse(records: PaxRecords): PaxSparse | 'malformed' | undefined {
  let major: string | undefined;
  let map: string | undefined;
  let name: Buffer | undefined;
  let realSize: number | undefined;
  let sparse = false;
  const pairs: number[] = [];
  for (const [key, value] of records) {
    if (!key.startsWith('GNU.sparse.')) continue;
    sparse = true;
    const text = value.toString('latin1', 0, value.length);
    switch (key) {
      case 'GNU.sparse.major':
        major = text;
        break;
      case 'GNU.sparse.map':
        map = text;
        break;
      case 'GNU.sparse.name':
        name = value;
        break;
      case 'GNU.sparse.size':
      case 'GNU.sparse.realsize': {
        realSize = parsePaxInteger(text);
        if (realSize === undefined || realSize < 0) return 'malformed';
        break;
      }
      case 'GNU.sparse.offset':
      case 'GNU.sparse.numbytes': {
        const number = parsePaxInteger(text);
        if (number === undefined || pairs.length % 2 !== (key === 'GNU.sparse.offset' ? 0 : 1)) return 'malformed';
        pairs.push(number);
        break;
      }
    }
  }
  if (!sparse) return undefined;
  const rest = { ...(name === undefined ? {} : { name }), ...(realSize === undefined ? {} : { realSize }) };
  if (major !== undefined && major !== '0') return major === '1' ? { mapInBody: true, ...rest } : 'malformed';
  if (map !== undefined && map !== '') {
    pairs.length = 0;
    for (const part of map.split(',')) {
      const number = parsePaxInteger(part);
      if (number === undefined) return 'malformed';
      pairs.push(number);
    }
  }
  const extents = toExtents(pairs);
  return extents === undefined ? 'malformed' : { mapInBody: false, extents, ...rest };
}

function toExtents(pairs: readonly number[]): Extent[] | undefined {
  if (pairs.length % 2 !== 0 || pairs.length / 2 > MAX_EXTENTS) return undefined;
  const extents: Extent[] = [];
  for (let i = 0; i < pairs.length; i += 2) extents.push({ offset: pairs[i]!, length: pairs[i + 1]! });
  return extents;
}

/** Reads the map of dialect 1.0 (decimal numbers, one a line) from body bytes that come block by block. */
export class BodyMapReader {
  readonly extents: Extent[] = [];
  private expected = -1;
  private digits = 0;
  private value = 0;
  private pending = -1;

  /** @returns 'more' when another block is needed, 'done' when the map ended in this one (data starts at the next), else 'malformed'. */
  block(block: Buffer): 'more' | 'done' | 'malformed' {
    for (let i = 0; i < block.length; i++) {
      const byte = block[i]!;
      if (byte === 0x0a) {
        if (this.digits === 0 || !this.number(this.value)) return 'malformed';
        if (this.complete()) return 'done';
        this.digits = 0;
        this.value = 0;
        continue;
      }
      const digit = byte - 0x30;
      if (digit < 0 || digit > 9 || ++this.digits > 15) return 'malformed';
      this.value = this.value * 10 + digit;
    }
    return 'more';
  }

  private number(value: number): boolean {
    if (this.expected < 0) {
      this.expected = value;
      return value <= MAX_EXTENTS;
    }
    if (this.pending < 0) this.pending = value;
    else {
      this.extents.push({ offset: this.pending, length: value });
      this.pending = -1;
    }
    return true;
  }

  private complete(): boolean {
    return this.pending < 0 && this.extents.length === this.expected;
  }
}

/** Whether a map ascends without overlap, stays within the file and accounts for exactly `stored` bytes. */
export function isSoundMap(extents: readonly Extent[], size: number, stored: number): boolean {
  let end = 0;
  let sum = 0;
  for (const { offset, length } of extents) {
    if (offset < end || length < 0 || offset + length > size) return false;
    end = offset + length;
    sum += length;
  }
  return sum === stored;
}
