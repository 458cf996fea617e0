// The entries of a layer's tar, whoever finds out what they are. The same files give the same bytes, whenever and wherever: ids
// numeric, whole seconds, no host-specific attributes.
import fs from 'node:fs';
import { contentBytes, decodeName, encodeHeader, END_OF_ARCHIVE, OPAQUE_WHITEOUT, padding, WHITEOUT_PREFIX } from '../../archive/index.ts';
import type { TarEntry } from '../../archive/index.ts';
import { deviceMajor, deviceMinor, getXattr, listXattrs, reasonOf } from '../../sys/index.ts';
import { isOverlayXattr } from './overlay.ts';
import { ChunkedOutput } from './output.ts';
import { joinRelative } from './paths.ts';

export interface DiffResult {
  /** Bytes of the tar. */
  readonly size: number;
  /** Entries, deletions included; 0 says that nothing changed. */
  readonly files: number;
  /** Bytes of the files in it. */
  readonly content: number;
}

/** Attributes of the machine rather than of the file: labels and signatures that another host would refuse or replace. */
const HOST_XATTRS = new Set(['security.selinux', 'security.ima', 'security.evm', 'security.apparmor']);
const SECOND = 1_000_000_000n;
const DELETION = { type: 'file', mode: 0o600, uid: 0, gid: 0, size: 0, mtimeNs: 0n } as const;

export interface WriterOptions {
  /** Times after this (ns since the epoch) are written as this: reproducible-builds.org/docs/source-date-epoch. */
  readonly latest?: bigint | undefined;
  /** ns since the epoch: the time of every entry. */
  readonly time?: bigint | undefined;
  /** Where the files lie in the archive: `folder/`. */
  readonly prefix?: string;
  /** Somebody may change the files meanwhile: what is gone, or another thing than it was, is left out. */
  readonly live?: boolean;
  /** More entries follow; the end of the archive is not written. */
  readonly open?: boolean;
  /** Gets each entry, with its time to the nanosecond where that is known, and where in the tar its bytes begin. */
  readonly onEntry?: (entry: TarEntry, offset: number) => void;
}

/** Takes the entries of a layer from somebody who knows what they are, in their order. */
export interface EntrySink {
  /** A directory with all that `walk` puts into it; an `unchanged` one is only worth an entry if something within follows. */
  putDirectory(entry: TarEntry, unchanged: boolean, walk: () => void): void;
  /** Anything else. `fd` gives the bytes of a file; those that it has no more, since somebody made it shorter, are zeros. */
  putLeaf(entry: TarEntry, fd?: number): void;
}

export class LayerWriter implements EntrySink {
  #files = 0;
  #content = 0;
  readonly #output: ChunkedOutput;
  /** First path of each inode that has several names. */
  readonly #links = new Map<string, string>();
  /** Unchanged directories on the way to where the walk is, not written yet. */
  readonly #pending: TarEntry[] = [];

  readonly #o: WriterOptions;

  /** `sink` gets the tar in chunks that are valid only during the call. */
  constructor(sink: (chunk: Buffer) => void, o: WriterOptions = {}) {
    this.#o = o;
    this.#output = new ChunkedOutput(sink);
  }

  /** A directory; an `unchanged` one is only worth an entry if something within follows, which `walk` tells. */
  directory(rel: string, native: string | Buffer, stats: fs.Stats, unchanged: boolean, walk: () => void): void {
    const xattrs = readXattrs(native);
    this.putDirectory({ ...attributes(rel, native, stats), type: 'dir', ...(xattrs !== undefined && { xattrs }) }, unchanged, walk);
  }

  putDirectory(entry: TarEntry, unchanged: boolean, walk: () => void): void {
    if (unchanged) this.#pending.push(entry);
    else this.#header(entry);
    walk();
    if (unchanged && this.#pending.at(-1) === entry) this.#pending.pop();
  }

  putLeaf(entry: TarEntry, fd?: number): void {
    this.#header(entry);
    this.#content += contentBytes(entry);
    if (fd === undefined) return;
    this.#output.file(fd, entry.size, entry.path, true);
    this.#output.bytes(padding(entry.size));
  }

  /** What the layers below have of this name is gone. */
  deletion(rel: string, name: string): void {
    this.#header({ ...DELETION, path: joinRelative(rel, WHITEOUT_PREFIX + name) });
  }

  /** Nothing that the layers below have in this directory is there any more. */
  opaque(rel: string): void {
    this.#header({ ...DELETION, path: `${rel}/${OPAQUE_WHITEOUT}` });
  }

  /** Anything but a directory; sockets have no place in a tar. */
  leaf(rel: string, native: string | Buffer, stats: fs.Stats): void {
    if (stats.isSocket()) return;
    const key = `${stats.dev}:${stats.ino}`;
    const first = stats.nlink > 1 ? this.#links.get(key) : undefined;
    if (first !== undefined) {
      this.#header({ ...attributes(rel, native, stats), type: 'link', link: first });
      return;
    }
    const fd = stats.isFile() && stats.size > 0 ? this.#open(native) : undefined;
    if (fd === 'gone') return;
    try {
      this.#leaf(rel, native, stats, fd);
    } finally {
      if (fd !== undefined) fs.closeSync(fd);
    }
    if (stats.nlink > 1) this.#links.set(key, rel);
  }

  #open(native: string | Buffer): number | 'gone' {
    let fd: number;
    try {
      fd = fs.openSync(native, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
    } catch (e) {
      if (this.#o.live !== true || !isGone(e)) throw e;
      return 'gone';
    }
    if (this.#o.live !== true || fs.fstatSync(fd).isFile()) return fd;
    fs.closeSync(fd);
    return 'gone';
  }

  #leaf(rel: string, native: string | Buffer, stats: fs.Stats, fd: number | undefined): void {
    const entry: TarEntry = attributes(rel, native, stats);
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
    this.#header(entry);
    this.#content += contentBytes(entry);
    if (fd === undefined) return;
    this.#output.file(fd, entry.size, rel);
    this.#output.bytes(padding(entry.size));
  }

  #header(entry: TarEntry): void {
    for (const directory of this.#pending.splice(0)) this.#header(directory);
    const { latest, time, prefix } = this.#o;
    if (latest !== undefined && entry.mtimeNs > latest) entry.mtimeNs = latest;
    if (time !== undefined) entry.mtimeNs = time;
    if (prefix !== undefined) {
      entry.path = prefix + entry.path;
      if (entry.type === 'link') entry.link = prefix + entry.link;
    }
    this.#output.bytes(encodeHeader({ ...entry, mtimeNs: floorSeconds(entry.mtimeNs) }));
    this.#o.onEntry?.(entry, this.#output.size);
    this.#files++;
  }

  finish(): DiffResult {
    if (this.#o.open !== true) this.#output.bytes(END_OF_ARCHIVE);
    this.#output.flush();
    return { size: this.#output.size, files: this.#files, content: this.#content };
  }
}

/** Whether an error says that something is not there, or another thing than a look at it found. */
export const isGone = (e: unknown): boolean => reasonOf(e, 'ENOENT', 'ENOTDIR', 'ELOOP') !== undefined;

function attributes(path: string, native: string | Buffer, stats: fs.Stats): TarEntry {
  return { path, type: 'file', mode: stats.mode & 0o7777, uid: stats.uid, gid: stats.gid, size: 0, mtimeNs: wholeSeconds(native, stats) };
}

/** In the order of a layer. */
export function sortedNames(directory: string | Buffer): string[] {
  const names = fs.readdirSync(directory, 'utf8');
  // A replacement character may stand for a byte that is not UTF-8: read those again as they are.
  const exact = names.some((name) => name.includes('\ufffd')) ? fs.readdirSync(directory, 'buffer').map(decodeName) : names;
  return exact.sort();
}

/** The attributes that a layer keeps. */
export function readXattrs(path: string | Buffer): Map<string, Buffer> | undefined {
  let found: Map<string, Buffer> | undefined;
  for (const name of listXattrs(path)) {
    if (isOverlayXattr(name) || HOST_XATTRS.has(name)) continue;
    const value = getXattr(path, name);
    if (value !== undefined) (found ??= new Map()).set(name, value);
  }
  return found;
}

function floorSeconds(ns: bigint): bigint {
  const rest = ns % SECOND;
  return ns - (rest < 0n ? rest + SECOND : rest);
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
