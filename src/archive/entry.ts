// What one member of a tar archive is, independent of the dialect it was written in.
// Only data: nothing here reads, writes or interprets a path.

export type EntryType = 'file' | 'link' | 'symlink' | 'char' | 'block' | 'dir' | 'fifo';

/** A stretch of real data in a sparse file; what lies between stretches reads as zeros. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

/**
 * A member of a tar archive. Paths are as they stand in the archive: they may be absolute, hold `..` or end in a slash.
 * Names that are not UTF-8 are carried as `names.ts` of sys/ explains.
 */
export interface TarEntry {
  path: string;
  type: EntryType;
  /** Permission bits with setuid, setgid and sticky; never the file type. */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes of the file once it is unpacked (with its holes); 0 for what has no content. */
  size: number;
  /** Nanoseconds since the epoch. */
  mtimeNs: bigint;
  /** Target of a symlink, or the archive path that a hard link refers to. */
  link?: string;
  major?: number;
  minor?: number;
  uname?: string;
  gname?: string;
  xattrs?: ReadonlyMap<string, Buffer>;
  /** Present for sparse files: the stretches whose bytes follow, one after another, in ascending order. */
  sparse?: readonly Extent[];
}

/** Bytes of an entry that stand in the archive: the size, or for a sparse file the sum of its stretches. */
export function storedSize(entry: TarEntry): number {
  if (entry.sparse === undefined) return entry.size;
  let sum = 0;
  for (const extent of entry.sparse) sum += extent.length;
  return sum;
}
