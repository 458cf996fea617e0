// Files that must survive a crash, and trees that must go whatever is in them.
import {
  chmodSync,
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { bind, check } from './native.ts';
import { reasonOf } from './reasons.ts';
import { type Directory, RootedTree } from './rooted-tree.ts';

const { O_NONBLOCK, O_RDONLY } = constants;

/** Makes renames and new names in a folder durable. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

const cSyncfs = bind('int syncfs(int fd)');

/** Waits until the disk has all that was written to the file system of `path`. @throws what the disk could not write, as EIO */
export function syncFileSystem(path: string): void {
  const fd = openSync(path, 'r');
  try {
    check(cSyncfs(fd), 'syncfs', path);
  } finally {
    closeSync(fd);
  }
}

const cFallocate = bind('int fallocate(int fd, int mode, long offset, long length)');

/** Gives an open file so many bytes of room on the disk. @throws ENOSPC, EOPNOTSUPP */
export function allocate(fd: number, bytes: number): void {
  check(cFallocate(fd, 0, 0, bytes), 'fallocate');
}

let counter = 0;

/** After a crash there is either the old content or the new one, whole. Default mode 0644 (the umask applies). */
export function writeFileAtomic(path: string, data: Uint8Array | string, o: { mode?: number } = {}): void {
  // the folder may be anybody's: a name that nobody foresees, and never what stands there
  const aside = join(dirname(path), `.${basename(path).slice(0, 200)}.${process.hrtime.bigint().toString(36)}.${counter++}`);
  try {
    const fd = openSync(aside, 'wx', o.mode ?? 0o644);
    try {
      writeFileSync(fd, data);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(aside, path);
  } catch (error) {
    rmSync(aside, { force: true });
    throw error;
  }
  syncDirectory(dirname(path));
}

/** Removes a file or folder with all that is in it; no error when it is not there. Mount points below it are an error (EBUSY). */
export function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBUSY') throw error;
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
    using tree = new RootedTree(dirname(path));
    using parent = tree.directory('');
    removeStubborn(parent, basename(path));
  }
}

/** Bytes of what lies below a folder, as stat(2) says of everything but directories; a file of several names counts once. */
export const treeSize = (path: string): number => sumOf(path, contentBytes);

/** As `treeSize`, for what may hold very many files: timers, signals and other work go on meanwhile. Throws when aborted. */
export async function treeSizeBeside(path: string, signal: AbortSignal): Promise<number> {
  let bytes = 0;
  let files = 0;
  for (const n of counts(path, contentBytes)) {
    bytes += n;
    if (++files % FILES_AT_ONCE === 0) await setImmediate(undefined, { signal });
  }
  return bytes;
}

/** What a folder and all below it take of the disk, as du(1) counts. */
export const diskBytes = (path: string): number => sumOf(path, (stat) => stat.blocks * 512);

/** A few milliseconds' worth. */
const FILES_AT_ONCE = 500;
const contentBytes = (stat: Stats): number => (stat.isDirectory() ? 0 : stat.size);

function sumOf(path: string, count: (stat: Stats) => number): number {
  let bytes = 0;
  for (const n of counts(path, count)) bytes += n;
  return bytes;
}

/** By descriptors: programs may be at work in the tree, and what they swap for a link must not lead out of it. */
function* counts(path: string, count: (stat: Stats) => number): Generator<number> {
  const top = lstatSync(path, { throwIfNoEntry: false });
  if (!top?.isDirectory()) return;
  yield count(top);
  const counted = new Set<string>();
  using tree = treeAt(path);
  const folder = tree === undefined ? undefined : directoryIn(tree, '');
  if (folder === undefined) return;
  const open = [{ folder, names: namesIn(folder) }];
  try {
    for (let at = open.at(-1); at !== undefined; at = open.at(-1)) {
      const name = at.names.pop();
      if (name === undefined) {
        open.pop()?.folder.close();
        continue;
      }
      const stat = at.folder.stat(name);
      if (stat === undefined) continue;
      if (!stat.isDirectory() && stat.nlink > 1) {
        const key = `${stat.dev}:${stat.ino}`;
        if (counted.has(key)) continue;
        counted.add(key);
      }
      yield count(stat);
      const below = stat.isDirectory() ? directoryIn(at.folder, name) : undefined;
      if (below !== undefined) open.push({ folder: below, names: namesIn(below) });
    }
  } finally {
    for (const { folder: left } of open) left.close();
  }
}

/** undefined when another process has removed it, or put something else in its place. */
const treeAt = (path: string): RootedTree | undefined => unlessGone(() => new RootedTree(path));

/** As `treeAt`. */
const directoryIn = (parent: Directory | RootedTree, name: string): Directory | undefined => unlessGone(() => parent.directory(name));

function unlessGone<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (reasonOf(error, 'ENOENT', 'ENOTDIR') === undefined) throw error;
    return undefined;
  }
}

function namesIn(folder: Directory): string[] {
  try {
    return folder.list();
  } catch (error) {
    if (reasonOf(error, 'ENOENT') === undefined) throw error;
    return [];
  }
}

/** For folders without permissions, immutable files and names that are no UTF-8. No link that comes in meanwhile leads elsewhere. */
function removeStubborn(parent: Directory, name: string): void {
  const stat = parent.stat(name);
  if (stat === undefined) return; // another process removes the same tree
  if (!stat.isDirectory()) return retryImmutable(parent, name, () => unlinkSync(parent.at(name)));
  {
    using directory = directoryIn(parent, name);
    if (directory === undefined) return;
    // by its magic link: with `/.` behind it, the right to search the directory would be needed
    retryImmutable(parent, name, () => chmodSync(`/proc/self/fd/${directory.fd}`, 0o700));
    for (const below of namesIn(directory)) removeStubborn(directory, below);
  }
  retryImmutable(parent, name, () => rmdirSync(parent.at(name)));
}

/** Immutable and append-only files let nobody remove them, root neither, until the flag is taken off. */
function retryImmutable(parent: Directory, name: string, fn: () => void): void {
  try {
    fn();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    if (code !== 'EPERM' && code !== 'EACCES') throw error;
    const stat = parent.stat(name);
    if (stat?.isDirectory() === true || stat?.isFile() === true) clearFlags(parent.open(name, O_RDONLY | O_NONBLOCK));
    clearFlags(openSync(parent.self, 'r'));
    fn();
  }
}

const FS_IOC_SETFLAGS = 0x40086602;
const cIoctl = bind('int ioctl(int fd, unsigned long request, void *value)');

function clearFlags(fd: number): void {
  try {
    cIoctl(fd, FS_IOC_SETFLAGS, Buffer.alloc(8));
  } finally {
    closeSync(fd);
  }
}
