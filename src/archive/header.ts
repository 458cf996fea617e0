// One 512-byte header block of a tar archive as plain values, in whichever dialect it is: v7, ustar, GNU or star.
// Extended headers are not known here; the parser lays them over what this returns.
import { BLOCK, checksumMatches, isZeroBlock, readNumber, readString } from './fields.ts';

export interface RawHeader {
  /** The type flag as a character; a NUL of old archives reads as '0'. */
  readonly flag: string;
  readonly name: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Seconds since the epoch. */
  readonly mtime: number;
  readonly link: string;
  readonly uname: string;
  readonly gname: string;
  readonly major: number;
  readonly minor: number;
}

/** Reads a block that is not all zeros; returns the name of the first field that is wrong. */
export function readHeader(block: Buffer): RawHeader | string {
  if (!checksumMatches(block)) return 'wrong header checksum';
  const mode = readNumber(block, 100, 8);
  const uid = readNumber(block, 108, 8);
  const gid = readNumber(block, 116, 8);
  const size = readNumber(block, 124, 12);
  const mtime = readNumber(block, 136, 12);
  if (size === undefined || size < 0) return 'impossible size';
  if (mode === undefined || uid === undefined || gid === undefined || mtime === undefined) return 'malformed number in a header';
  const flagByte = block[156]!;
  const flag = flagByte === 0 ? '0' : String.fromCharCode(flagByte);
  let name = readString(block, 0, 100);
  let uname = '';
  let gname = '';
  let major = 0;
  let minor = 0;
  if (hasMagic(block)) {
    uname = readString(block, 265, 32);
    gname = readString(block, 297, 32);
    if (flag === '3' || flag === '4') {
      const a = readNumber(block, 329, 8);
      const b = readNumber(block, 337, 8);
      if (a === undefined || b === undefined || a < 0 || b < 0) return 'malformed device number';
      major = a;
      minor = b;
    }
    // GNU's magic ends in a space where POSIX has a NUL, and has times where POSIX keeps the front part of a long name.
    if (block[262] === 0 && block[345] !== 0) {
      const star = block.toString('latin1', 508, 512) === 'tar\0';
      name = `${readString(block, 345, star ? 131 : 155)}/${name}`;
    }
  }
  return { flag, name, mode, uid, gid, size, mtime, link: readString(block, 157, 100), uname, gname, major, minor };
}

/** Whether these first bytes can begin a tar archive: a header with a right checksum, or the zeros that end an empty one. */
export function looksLikeTar(head: Buffer): boolean {
  if (head.length < BLOCK) return false;
  const block = head.subarray(0, BLOCK);
  return isZeroBlock(block) || checksumMatches(block);
}

function hasMagic(block: Buffer): boolean {
  return block[257] === 0x75 && block[258] === 0x73 && block[259] === 0x74 && block[260] === 0x61 && block[261] === 0x72;
}
