// The errors of this folder, so that each has one spelling of its code and always says where in the archive it happened.
import { SlipwayError } from '../model/index.ts';

/** The archive's bytes make no sense at `offset` (bytes from the start of the uncompressed tar). */
export function invalidArchive(offset: number, what: string): SlipwayError {
  return new SlipwayError('data-loss', 'archive.invalid', `invalid tar archive: ${what} (at byte ${offset})`);
}

/** The archive ends in the middle of something. */
export function truncatedArchive(offset: number): SlipwayError {
  return new SlipwayError('data-loss', 'archive.truncated', `invalid tar archive: unexpected EOF (at byte ${offset})`);
}

/** A header wants more memory than any honest archive does. */
export function oversizedHeader(offset: number, what: string): SlipwayError {
  return new SlipwayError('data-loss', 'archive.too-large', `invalid tar archive: ${what} (at byte ${offset})`);
}

/** It unpacks to so much that it is hardly meant to. */
export function tooMuch(what: string): SlipwayError {
  return new SlipwayError('data-loss', 'archive.too-large', `${what} unpacks to more than 100 times its size: file too large`, {
    hints: ['if it is meant to be so large, set SLIPWAY_LAYER_LIMIT to more, such as 500g'],
  });
}

/** A path that no file can have. */
export function nameTooLong(offset: number | undefined, name: string): SlipwayError {
  const shown = JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name);
  return new SlipwayError(
    'data-loss',
    'archive.name-too-long',
    `invalid tar archive: file name too long: ${shown}${offset === undefined ? '' : ` (at byte ${offset})`}`,
  );
}

/** A valid member of a kind that cannot be unpacked here. */
export function unsupportedMember(offset: number, what: string): SlipwayError {
  return new SlipwayError('unsupported', 'archive.unsupported', `unsupported tar archive: ${what} (at byte ${offset})`);
}

/** The compressed stream around a tar is broken. */
export function brokenCompression(name: string, cause: unknown): SlipwayError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new SlipwayError('data-loss', 'archive.compression', `cannot decompress the archive (${name}): ${detail}`, { cause });
}
