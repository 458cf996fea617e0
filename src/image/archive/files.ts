// The members of an archive of images, wherever it is: a tar on disk, a stream, or a directory. Names are as documents inside the archive
// write them, made clean; nothing outside of the archive can be named.
import { SlipwayError } from '../../model/index.ts';
import type { Digest } from '../../model/index.ts';
import type { StoredBlob } from './blob-writer.ts';
import { malformed } from './errors.ts';

/** A manifest, index or configuration may be this large (bytes). */
export const MAX_DOCUMENT = 8 << 20;
/** An archive of images has at most this many members, and deeper ones belong to something else. */
export const MAX_MEMBERS = 100_000;
export const MAX_DEPTH = 3;

export interface ArchiveFiles {
  has(name: string): boolean;
  /** A small member. @throws SlipwayError `archive.incomplete`, `archive.malformed` where it is absurdly large. */
  document(name: string): Buffer;
  /**
   * Makes a member a blob of the store.
   * @param expected its digest, where the archive says it; a blob that is in the store already is then not read at all
   * @param onBytes hears how much of the member is done
   */
  blob(name: string, expected: Digest | undefined, onBytes: (current: number, total: number) => void): Promise<StoredBlob>;
  close(): void;
}

/** A member's name without '.', '..' or empty parts; `undefined` where it leads out of the archive. */
export function cleanName(name: string): string | undefined {
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.length === 0 ? undefined : parts.join('/');
}

/** The member that a link inside an archive means. */
function linkTarget(name: string, target: string): string | undefined {
  return target.startsWith('/') ? undefined : cleanName(`${name}/../${target}`);
}

/** Archives of older engines share layers by links between members. */
export function followLinks<T>(name: string, members: ReadonlyMap<string, T>, target: (member: T) => string | undefined): T | undefined {
  let at = cleanName(name);
  for (let hops = 0; hops < 16 && at !== undefined; hops++) {
    const member = members.get(at);
    if (member === undefined) return undefined;
    const link = target(member);
    if (link === undefined) return member;
    at = linkTarget(at, link);
  }
  return undefined;
}

export function tooLarge(name: string): SlipwayError {
  return malformed(`${JSON.stringify(name)} is too large for what it is`);
}

export function tooManyMembers(): SlipwayError {
  return malformed(`it has more than ${MAX_MEMBERS} members`);
}
