// The tar of what one copied tree changed relative to the tree that it was copied from: a walk over both.
import fs from 'node:fs';
import { nativePath } from '../../archive/index.ts';
import { type Directory, RootedTree } from '../../sys/index.ts';
import { sameAttributes } from './attributes-compare.ts';
import { type DiffResult, isGone, LayerWriter, sortedNames, type WriterOptions } from './layer-writer.ts';
import { joinRelative } from './paths.ts';

export interface CopyDiffOptions {
  /** The tree that it was copied from; undefined when it began empty. */
  readonly parent: string | undefined;
  /** ms: what was last changed before then (ctime, inode(7)) is as it was copied. */
  readonly copiedAt: number;
}

/** Writes the tar of what `own` has, and has not, against its parent; `sink` gets chunks that are valid only during the call. */
export function diffCopy(own: string, o: CopyDiffOptions, sink: (chunk: Buffer) => void, latest?: bigint): DiffResult {
  const writer = new LayerWriter(sink, { latest });
  walk(writer, own, o.parent, '', o.copiedAt);
  return writer.finish();
}

/**
 * Writes the tar of a whole tree, of which a program may be at work: what it removes or replaces meanwhile is left out, and no link leads
 * out of the tree.
 */
export function tarTree(root: string, sink: (chunk: Buffer) => void, o: WriterOptions = {}): DiffResult {
  const writer = new LayerWriter(sink, { ...o, live: true });
  using tree = new RootedTree(root);
  using top = tree.directory('');
  walkLive(writer, top);
  return writer.finish();
}

/**
 * As `tarTree`, of what stands under `name` in an open directory, which the archive calls `as`; of the directory itself, without an entry
 * for it, when there is no name.
 */
export function tarEntry(parent: Directory, name: string | undefined, as: string, sink: (chunk: Buffer) => void): DiffResult {
  const writer = new LayerWriter(sink, { live: true });
  const stats = name === undefined ? undefined : parent.stat(name);
  if (name === undefined) walkLive(writer, parent, as);
  else if (stats?.isDirectory() === true) {
    using below = parent.directory(name);
    writer.directory(as, below.self, stats, false, () => walkLive(writer, below, as));
  } else if (stats !== undefined) writer.leaf(as, parent.at(name), stats);
  return writer.finish();
}

function walkLive(writer: LayerWriter, directory: Directory, as = directory.inside): void {
  for (const name of directory.list()) {
    const stats = directory.stat(name);
    if (stats === undefined) continue;
    const child = joinRelative(as, name);
    try {
      if (!stats.isDirectory()) writer.leaf(child, directory.at(name), stats);
      else {
        using below = directory.directory(name);
        writer.directory(child, below.self, stats, false, () => walkLive(writer, below, child));
      }
    } catch (e) {
      if (!isGone(e)) throw e;
    }
  }
}

function walk(writer: LayerWriter, own: string, parent: string | undefined, rel: string, copiedAt: number): void {
  const at = (root: string): string => (rel === '' ? root : `${root}/${rel}`);
  const ours = sortedNames(nativePath(at(own)));
  const theirs = parent === undefined ? [] : sortedNames(nativePath(at(parent)));
  const [mine, before] = [new Set(ours), new Set(theirs)];
  for (const name of theirs.length === 0 ? ours : [...new Set([...ours, ...theirs])].sort()) {
    if (!mine.has(name)) {
      writer.deletion(rel, name);
      continue;
    }
    const child = joinRelative(rel, name);
    const native = nativePath(`${at(own)}/${name}`);
    const lower = parent === undefined || !before.has(name) ? undefined : nativePath(`${at(parent)}/${name}`);
    const stats = fs.lstatSync(native);
    const old = lower === undefined ? undefined : fs.lstatSync(lower);
    if (stats.isDirectory()) {
      const merges = lower !== undefined && old?.isDirectory() === true;
      const unchanged = merges && sameAttributes(native, stats, lower, old);
      writer.directory(child, native, stats, unchanged, () => walk(writer, own, merges ? parent : undefined, child, copiedAt));
    } else if (lower === undefined || old === undefined || !sameLeaf(native, stats, lower, old, copiedAt))
      writer.leaf(child, native, stats);
  }
}

function sameLeaf(native: string | Buffer, stats: fs.Stats, lower: string | Buffer, old: fs.Stats, copiedAt: number): boolean {
  if (stats.size !== old.size || stats.nlink !== old.nlink || stats.rdev !== old.rdev) return false;
  if (!sameAttributes(native, stats, lower, old)) return false;
  if (stats.isSymbolicLink()) return fs.readlinkSync(native, 'buffer').equals(fs.readlinkSync(lower, 'buffer'));
  return !stats.isFile() || stats.ctimeMs <= copiedAt || sameBytes(native, lower);
}

const CHUNK = 1 << 20;

function sameBytes(a: string | Buffer, b: string | Buffer): boolean {
  const files = [fs.openSync(a, 'r'), fs.openSync(b, 'r')] as const;
  try {
    const [one, two] = [Buffer.allocUnsafe(CHUNK), Buffer.allocUnsafe(CHUNK)];
    for (;;) {
      const n = fs.readSync(files[0], one, 0, CHUNK, null);
      if (fs.readSync(files[1], two, 0, CHUNK, null) !== n || one.compare(two, 0, n, 0, n) !== 0) return false;
      if (n === 0) return true;
    }
  } finally {
    for (const fd of files) fs.closeSync(fd);
  }
}
