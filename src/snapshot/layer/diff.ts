// The tar of what one snapshot changed relative to those below: a walk over its upper directory, and no further. The same directory
// gives the same bytes, whenever and wherever: names sorted, ids numeric, whole seconds, no host-specific attributes.
import fs from 'node:fs';
import {
  contentBytes,
  END_OF_ARCHIVE,
  OPAQUE_WHITEOUT,
  WHITEOUT_PREFIX,
  decodeName,
  encodeHeader,
  nativePath,
  padding,
} from '../../archive/index.ts';
import type { TarEntry } from '../../archive/index.ts';
import { deviceMajor, deviceMinor, getXattr, listXattrs } from '../../sys/index.ts';
import { isOpaque, isOverlayXattr, isWhiteout } from './overlay.ts';
import { ChunkedOutput } from './output.ts';
import { joinRelative } from './paths.ts';

export interface DiffOptions {
  /** Called now and then with the bytes made so far. */
  readonly onProgress?: (bytes: number) => void;
}

export interface DiffResult {
  /** Bytes of the tar. */
  readonly size: number;
  /** Entries, deletions included; 0 says that nothing changed. */
  readonly files: number;
  /** Bytes of the files in it. */
  readonly content: number;
}

/**
 * Writes the tar of `upper`, an overlay's upper directory.
 * @param lowers directories below it, topmost first; they decide which directories are mere copies and which opaque ones hide anything
 * @param sink gets the tar in chunks that are valid only during the call
 */
export function diffTar(upper: string, lowers: readonly string[], sink: (chunk: Buffer) => void, options: DiffOptions = {}): DiffResult {
  const walk = new DiffWalk(
    upper,
    new ChunkedOutput((chunk) => {
      sink(chunk);
      options.onProgress?.(walk.output.size);
    }),
  );
  walk.directory('', lowers);
  walk.output.bytes(END_OF_ARCHIVE);
  walk.output.flush();
  return { size: walk.output.size, files: walk.files, content: walk.content };
}

/** Attributes of the machine rather than of the file: labels and signatures that another host would refuse or replace. */
const HOST_XATTRS = new Set(['security.selinux', 'security.ima', 'security.evm', 'security.apparmor']);
const DELETION = { type: 'file', mode: 0o600, uid: 0, gid: 0, size: 0, mtimeNs: 0n } as const;

class DiffWalk {
  files = 0;
  content = 0;
  readonly output: ChunkedOutput;
  private readonly upper: string;
  /** First path of each inode that has several names. */
  private readonly links = new Map<string, string>();
  /** Unchanged directories on the way to where the walk is, not written yet. */
  private readonly pending: TarEntry[] = [];

  constructor(upper: string, output: ChunkedOutput) {
    this.upper = upper;
    this.output = output;
  }

  directory(rel: string, lowers: readonly string[]): void {
    const path = rel === '' ? this.upper : `${this.upper}/${rel}`;
    for (const name of sortedNames(nativePath(path))) {
      const child = joinRelative(rel, name);
      const native = nativePath(`${path}/${name}`);
      const stats = fs.lstatSync(native);
      if (stats.isDirectory()) this.subdirectory(child, native, stats, lowers, name);
      else if (isWhiteout(stats)) this.header({ ...DELETION, path: joinRelative(rel, WHITEOUT_PREFIX + name) });
      else if (!stats.isSocket()) this.leaf(child, native, stats);
    }
  }

  private subdirectory(rel: string, native: string | Buffer, stats: fs.Stats, lowers: readonly string[], name: string): void {
    const below = directoriesBelow(lowers, name);
    const opaque = isOpaque(native);
    const xattrs = readXattrs(native);
    const entry: TarEntry = {
      path: rel,
      type: 'dir',
      mode: stats.mode & 0o7777,
      uid: stats.uid,
      gid: stats.gid,
      size: 0,
      mtimeNs: wholeSeconds(native, stats),
    };
    if (xattrs !== undefined) entry.xattrs = xattrs;
    // Overlayfs copies a directory up before it changes anything in it; such a copy is only worth an entry if something follows.
    const copy = below.length > 0 && !opaque && isCopy(stats, xattrs, below[0]!);
    if (copy) this.pending.push(entry);
    else this.header(entry);
    if (opaque && below.length > 0) this.header({ ...DELETION, path: `${rel}/${OPAQUE_WHITEOUT}` });
    this.directory(rel, opaque ? [] : below);
    if (copy && this.pending.at(-1) === entry) this.pending.pop();
  }

  private leaf(rel: string, native: string | Buffer, stats: fs.Stats): void {
    const entry: TarEntry = {
      path: rel,
      type: 'file',
      mode: stats.mode & 0o7777,
      uid: stats.uid,
      gid: stats.gid,
      size: 0,
      mtimeNs: wholeSeconds(native, stats),
    };
    if (stats.nlink > 1) {
      const key = `${stats.dev}:${stats.ino}`;
      const first = this.links.get(key);
      if (first !== undefined) {
        entry.type = 'link';
        entry.link = first;
        this.header(entry);
        return;
      }
      this.links.set(key, rel);
    }
    if (stats.isSymbolicLink()) {
      entry.type = 'symlink';
      entry.mode = 0o777;
      entry.link = decodeName(fs.readlinkSync(native, { encoding: 'buffer' }));
    } else if (stats.isFIFO()) entry.type = 'fifo';
    else if (!stats.isFile()) {
      entry.type = stats.isCharacterDevice() ? 'char' : 'block';
      entry.major = deviceMajor(stats.rdev);
      entry.minor = deviceMinor(stats.rdev);
    } else entry.size = stats.size;
    const xattrs = readXattrs(native);
    if (xattrs !== undefined) entry.xattrs = xattrs;
    this.header(entry);
    this.content += contentBytes(entry);
    if (entry.size === 0) return;
    this.output.file(native, entry.size);
    this.output.bytes(padding(entry.size));
  }

  private header(entry: TarEntry): void {
    for (const directory of this.pending.splice(0)) this.header(directory);
    this.output.bytes(encodeHeader(entry));
    this.files++;
  }
}

/** The lower directories that merge with an upper one of this name, topmost first. */
function directoriesBelow(lowers: readonly string[], name: string): string[] {
  const found: string[] = [];
  for (const lower of lowers) {
    const path = `${lower}/${name}`;
    const stats = fs.lstatSync(nativePath(path), { throwIfNoEntry: false });
    if (stats === undefined) continue;
    if (!stats.isDirectory()) break;
    found.push(path);
    if (isOpaque(nativePath(path))) break;
  }
  return found;
}

function isCopy(stats: fs.Stats, xattrs: ReadonlyMap<string, Buffer> | undefined, lower: string): boolean {
  const native = nativePath(lower);
  const before = fs.lstatSync(native);
  if (before.mode !== stats.mode || before.uid !== stats.uid || before.gid !== stats.gid || before.mtimeMs !== stats.mtimeMs) return false;
  const theirs = readXattrs(native) ?? new Map<string, Buffer>();
  if (theirs.size !== (xattrs?.size ?? 0)) return false;
  return [...theirs].every(([name, value]) => xattrs?.get(name)?.equals(value) === true);
}

function sortedNames(directory: string | Buffer): string[] {
  const names = fs.readdirSync(directory, 'utf8');
  // A replacement character may stand for a byte that is not UTF-8: read those again as they are.
  const exact = names.some((name) => name.includes('\ufffd')) ? fs.readdirSync(directory, 'buffer').map(decodeName) : names;
  return exact.sort();
}

function readXattrs(path: string | Buffer): Map<string, Buffer> | undefined {
  let found: Map<string, Buffer> | undefined;
  for (const name of listXattrs(path)) {
    if (isOverlayXattr(name) || HOST_XATTRS.has(name)) continue;
    const value = getXattr(path, name);
    if (value !== undefined) (found ??= new Map()).set(name, value);
  }
  return found;
}

/** The time of last change, cut to the second (towards the past). */
function wholeSeconds(path: string | Buffer, stats: fs.Stats): bigint {
  let seconds = Math.floor(stats.mtimeMs / 1000);
  // The milliseconds are a double, too coarse for the last nanoseconds of a second, which may have been rounded up to the next.
  if (stats.mtimeMs === seconds * 1000) {
    const exact = fs.lstatSync(path, { bigint: true }).mtimeNs;
    seconds = Number(exact / 1_000_000_000n) - (exact < 0n && exact % 1_000_000_000n !== 0n ? 1 : 0);
  }
  return BigInt(seconds) * 1_000_000_000n;
}
