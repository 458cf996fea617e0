// Writes tar headers: plain ustar, with a PAX extended header before it where ustar cannot say something. The same entry always
// gives the same bytes, since layers are named by the digest of their tar.
import type { EntryType, TarEntry } from './entry.ts';
import { BLOCK, writeChecksum, writeOctal } from './fields.ts';
import { XATTR_PREFIX } from './overrides.ts';
import { encodePaxRecord, formatPaxTime } from './pax.ts';
import { storedSize } from './entry.ts';

const FLAGS: Readonly<Record<EntryType, number>> = {
  file: 0x30,
  link: 0x31,
  symlink: 0x32,
  char: 0x33,
  block: 0x34,
  dir: 0x35,
  fifo: 0x36,
};
const MAX_OCTAL_7 = 0o7777777;
const MAX_OCTAL_11 = 0o77777777777;
const SECOND = 1_000_000_000n;
const NON_ASCII = /[^\x20-\x7e]/;

/** Two blocks of zeros. */
export const END_OF_ARCHIVE: Buffer = Buffer.alloc(2 * BLOCK);

/** The zeros that fill the last block of `size` bytes of content. */
export function padding(size: number): Buffer {
  return END_OF_ARCHIVE.subarray(0, (BLOCK - (size % BLOCK)) % BLOCK);
}

/**
 * The header of an entry; its content, `padding(size)` and the next header follow. A sparse entry is not encoded as one: write
 * its content with the holes as zeros.
 * @throws RangeError where an entry cannot be expressed at all (a programming error: sizes and device numbers come from the kernel).
 */
export function encodeHeader(entry: TarEntry): Buffer {
  if (entry.sparse !== undefined) throw new RangeError(`sparse entries are not encoded (${storedSize(entry)} of ${entry.size} bytes)`);
  const path = entry.type === 'dir' && !entry.path.endsWith('/') ? `${entry.path}/` : entry.path;
  const link = entry.link ?? '';
  const size = entry.type === 'file' ? entry.size : 0;
  const seconds = floorSeconds(entry.mtimeNs);
  const records: Buffer[] = [];

  const split = NON_ASCII.test(path) ? undefined : splitPath(path);
  if (split === undefined) records.push(encodePaxRecord('path', path));
  const linkFits = link.length <= 100 && !NON_ASCII.test(link);
  if (!linkFits) records.push(encodePaxRecord('linkpath', link));
  if (size > MAX_OCTAL_11) records.push(encodePaxRecord('size', String(size)));
  if (entry.uid > MAX_OCTAL_7) records.push(encodePaxRecord('uid', String(entry.uid)));
  if (entry.gid > MAX_OCTAL_7) records.push(encodePaxRecord('gid', String(entry.gid)));
  const timeFits = seconds >= 0 && seconds <= MAX_OCTAL_11 && BigInt(seconds) * SECOND === entry.mtimeNs;
  if (!timeFits) records.push(encodePaxRecord('mtime', formatPaxTime(entry.mtimeNs)));
  if (entry.xattrs !== undefined) {
    for (const name of [...entry.xattrs.keys()].sort()) records.push(encodePaxRecord(XATTR_PREFIX + name, entry.xattrs.get(name)!));
  }

  const header = Buffer.alloc(BLOCK);
  if (split === undefined) writeTruncated(header, 0, 100, path);
  else {
    header.write(split.name, 0, 100, 'latin1');
    header.write(split.prefix, 345, 155, 'latin1');
  }
  if (linkFits) header.write(link, 157, 100, 'latin1');
  else writeTruncated(header, 157, 100, link);
  writeOctal(header, 100, 8, entry.mode & 0o7777);
  writeOctal(header, 108, 8, entry.uid > MAX_OCTAL_7 ? 0 : entry.uid);
  writeOctal(header, 116, 8, entry.gid > MAX_OCTAL_7 ? 0 : entry.gid);
  writeOctal(header, 124, 12, size > MAX_OCTAL_11 ? 0 : size);
  writeOctal(header, 136, 12, seconds < 0 || seconds > MAX_OCTAL_11 ? 0 : seconds);
  header[156] = FLAGS[entry.type];
  writeMagic(header);
  header.write(entry.uname ?? '', 265, 31, 'utf8');
  header.write(entry.gname ?? '', 297, 31, 'utf8');
  if (entry.type === 'char' || entry.type === 'block') {
    const { major = 0, minor = 0 } = entry;
    if (major > MAX_OCTAL_7 || minor > MAX_OCTAL_7) throw new RangeError(`device number ${major}:${minor} does not fit a tar header`);
    writeOctal(header, 329, 8, major);
    writeOctal(header, 337, 8, minor);
  }
  writeChecksum(header);
  return records.length === 0 ? header : Buffer.concat([extendedHeader(path, records), header]);
}

function extendedHeader(path: string, records: readonly Buffer[]): Buffer {
  const data = Buffer.concat(records);
  const header = Buffer.alloc(BLOCK);
  const base = path.replace(/\/$/, '').split('/').pop() ?? '';
  writeTruncated(header, 0, 100, `PaxHeaders.0/${base}`);
  writeOctal(header, 100, 8, 0o644);
  for (const [start, length] of [
    [108, 8],
    [116, 8],
    [136, 12],
  ] as const)
    writeOctal(header, start, length, 0);
  writeOctal(header, 124, 12, data.length);
  header[156] = 0x78;
  writeMagic(header);
  writeChecksum(header);
  return Buffer.concat([header, data, padding(data.length)]);
}

function writeMagic(header: Buffer): void {
  header.write('ustar\u000000', 257, 8, 'latin1');
}

/** Splits a path over the fields `name` (100 bytes) and `prefix` (155) at a slash; `undefined` where it does not fit. */
function splitPath(path: string): { name: string; prefix: string } | undefined {
  if (path.length <= 100) return { name: path, prefix: '' };
  // The slash of a directory's own end must stay in the name.
  const slash = path.indexOf('/', Math.max(path.length - 101, 1));
  if (slash < 0 || slash > 155 || slash >= path.length - 1) return undefined;
  return { name: path.slice(slash + 1), prefix: path.slice(0, slash) };
}

/** A rough rendering for readers that do not know PAX: cut to the field, with underscores where it is not ASCII. */
function writeTruncated(header: Buffer, start: number, length: number, text: string): void {
  header.write(text.replace(/[^\x20-\x7e]/g, '_').slice(0, length), start, length, 'latin1');
}

function floorSeconds(ns: bigint): number {
  const seconds = ns / SECOND;
  return Number(ns < 0n && seconds * SECOND !== ns ? seconds - 1n : seconds);
}
