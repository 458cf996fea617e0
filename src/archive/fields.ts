// The fixed-width fields of a tar header block: octal and base-256 numbers, NUL-terminated strings, the checksum.
// Reading is strict about digits but tolerant about padding, as every widespread implementation is.
import { decodeName } from '../sys/index.ts';

export const BLOCK = 512;

/** A number field: octal digits, or the base-256 form of GNU tar and star. `undefined` where it is neither or does not fit a double. */
export function readNumber(block: Buffer, start: number, length: number): number | undefined {
  const first = block[start]!;
  if ((first & 0x80) !== 0) return readBase256(block, start, length);
  let at = start;
  const end = start + length;
  while (at < end && (block[at] === 0x20 || block[at] === 0)) at++;
  let value = 0;
  for (; at < end; at++) {
    const digit = block[at]! - 0x30;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  for (; at < end; at++) if (block[at] !== 0x20 && block[at] !== 0) return undefined;
  return value <= Number.MAX_SAFE_INTEGER ? value : undefined;
}

function readBase256(block: Buffer, start: number, length: number): number | undefined {
  // Two's complement, big-endian; bit 7 of the first byte only marks the form, bit 6 is the sign.
  const negative = (block[start]! & 0x40) !== 0;
  const invert = negative ? 0xff : 0;
  let value = (block[start]! ^ invert) & 0x7f;
  for (let i = 1; i < length; i++) {
    value = value * 256 + (block[start + i]! ^ invert);
    if (value > Number.MAX_SAFE_INTEGER) return undefined;
  }
  return negative ? -value - 1 : value;
}

/** A string field: up to its first NUL or its end. */
export function readString(block: Buffer, start: number, length: number): string {
  let end = start;
  const limit = start + length;
  let ascii = true;
  for (; end < limit; end++) {
    const byte = block[end]!;
    if (byte === 0) break;
    if (byte >= 0x80) ascii = false;
  }
  if (end === start) return '';
  return ascii ? block.toString('latin1', start, end) : decodeName(block.subarray(start, end));
}

/** Whether the block's checksum is right, counted with unsigned bytes (POSIX) or signed ones (some old Unixes). */
export function checksumMatches(block: Buffer): boolean {
  const recorded = readNumber(block, 148, 8);
  const unsigned = checksum(block);
  if (recorded === unsigned) return true;
  let high = 0;
  for (let i = 0; i < BLOCK; i++) if ((i < 148 || i >= 156) && block[i]! >= 0x80) high++;
  return high > 0 && recorded === unsigned - high * 256;
}

/** The sum of all bytes, with the checksum's own field taken as spaces. */
function checksum(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let i = 0; i < 148; i++) sum += block[i]!;
  for (let i = 156; i < BLOCK; i++) sum += block[i]!;
  return sum;
}

/** Writes octal digits that fill the field but for its closing NUL. The value must fit. */
export function writeOctal(block: Buffer, start: number, length: number, value: number): void {
  let rest = value;
  for (let at = start + length - 2; at >= start; at--) {
    block[at] = 0x30 + (rest % 8);
    rest = Math.floor(rest / 8);
  }
  block[start + length - 1] = 0;
}

/** Puts the checksum into a finished header block: six digits, NUL, space. */
export function writeChecksum(block: Buffer): void {
  writeOctal(block, 148, 7, checksum(block));
  block[155] = 0x20;
}

export function isZeroBlock(block: Buffer): boolean {
  for (let i = 0; i < BLOCK; i++) if (block[i] !== 0) return false;
  return true;
}
