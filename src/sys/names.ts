// File names are bytes on Linux, and strings here. Bytes that are not UTF-8 travel as lone surrogates U+DC80–U+DCFF (one each, as
// PEP 383 does it), so every name survives a round trip; no valid UTF-8 decodes to those.
import { isUtf8 } from 'node:buffer';
import { EINVAL, systemError } from './native.ts';

/** Bytes of a path and of a name in it (PATH_MAX without its NUL, NAME_MAX): no file can be called longer. */
export const MAX_PATH = 4095;
const MAX_NAME = 255;

const ESCAPED = /[\udc80-\udcff]/;

/** The string for the bytes of a name. */
export function decodeName(bytes: Buffer): string {
  const text = bytes.toString('utf8', 0, bytes.length);
  return text.includes('\ufffd') && !isUtf8(bytes) ? escapeBytes(bytes) : text;
}

/** The bytes of a name that `decodeName` made, or of any other string as UTF-8. */
export function encodeName(name: string): Buffer {
  if (!hasRawBytes(name)) return Buffer.from(name, 'utf8');
  const parts: Buffer[] = [];
  let start = 0;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (!isEscape(name, i, code)) continue;
    parts.push(Buffer.from(name.slice(start, i), 'utf8'), Buffer.of(code & 0xff));
    start = i + 1;
  }
  parts.push(Buffer.from(name.slice(start), 'utf8'));
  return Buffer.concat(parts);
}

/** Whether a file can be called so: no path over 4095 bytes, and no name in it over 255 (limits.h, PATH_MAX and NAME_MAX). */
export function isUsablePath(path: string): boolean {
  // A character is at most three bytes of UTF-8 for each UTF-16 unit.
  if (path.length * 3 <= MAX_NAME) return true;
  if (path.length > MAX_PATH || encodeName(path).length > MAX_PATH) return false;
  return path.split('/').every((name) => name.length * 3 <= MAX_NAME || encodeName(name).length <= MAX_NAME);
}

/** What to hand to `node:fs` for a name: the string itself nearly always, its bytes where a string would not do. @throws EINVAL for a NUL */
export function nativePath(name: string): string | Buffer {
  if (name.includes('\0')) throw systemError('open', name, EINVAL);
  return hasRawBytes(name) ? encodeName(name) : name;
}

const room = Buffer.allocUnsafeSlow(4096);

/**
 * The bytes of a name with their NUL, for a system call: they hold until the next such name. @throws EINVAL for a NUL in it, where it
 * would be cut
 */
export function callName(name: string): Buffer {
  if (name.includes('\0')) throw systemError('open', name, EINVAL);
  if (name.length * 3 >= room.length || hasRawBytes(name)) return Buffer.concat([encodeName(name), Buffer.of(0)]);
  room[room.write(name)] = 0;
  return room;
}

function hasRawBytes(name: string): boolean {
  return ESCAPED.test(name) && !name.isWellFormed();
}

/** A low surrogate that no high surrogate precedes stands for a raw byte. */
function isEscape(name: string, index: number, code: number): boolean {
  if (code < 0xdc80 || code > 0xdcff) return false;
  const before = index > 0 ? name.charCodeAt(index - 1) : 0;
  return before < 0xd800 || before > 0xdbff;
}

function escapeBytes(bytes: Buffer): string {
  let out = '';
  for (let i = 0; i < bytes.length;) {
    const length = sequenceLength(bytes[i]!);
    if (length > 0 && i + length <= bytes.length && isUtf8(bytes.subarray(i, i + length))) {
      out += bytes.toString('utf8', i, i + length);
      i += length;
    } else {
      out += String.fromCharCode(0xdc00 + bytes[i]!);
      i++;
    }
  }
  return out;
}

/** Length of the UTF-8 sequence that a first byte announces, 0 where it cannot begin one. */
function sequenceLength(first: number): number {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}
