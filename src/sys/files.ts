// Files that must survive a crash, and trees that must go whatever is in them.
import {
  chmodSync,
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
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

function* counts(path: string, count: (stat: Stats) => number): Generator<number> {
  const counted = new Set<string>();
  const top = lstatSync(path, { throwIfNoEntry: false });
  if (!top?.isDirectory()) return;
  yield count(top);
  const folders = [Buffer.from(path)];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const name of namesIn(folder)) {
      const at = Buffer.concat([folder, Buffer.from('/'), name]);
      const stat = lstatSync(at, { throwIfNoEntry: false });
      if (stat === undefined) continue; // somebody is at work here
      if (!stat.isDirectory() && stat.nlink > 1) {
        const key = `${stat.dev}:${stat.ino}`;
        if (counted.has(key)) continue;
        counted.add(key);
      }
      yield count(stat);
      if (stat.isDirectory()) folders.push(at);
    }
  }
}

/** For folders without permissions, immutable files and names that are no UTF-8. No link that comes in meanwhile leads elsewhere. */
function removeStubborn(parent: Directory, name: string): void {
  const stat = parent.stat(name);
  if (stat === undefined) return; // another process removes the same tree
  if (!stat.isDirectory()) return stubbornly(parent, name, () => unlinkSync(parent.at(name)));
  try {
    using directory = parent.directory(name);
    // by its magic link: with `/.` behind it, the right to search the directory would be needed
    stubbornly(parent, name, () => chmodSync(`/proc/self/fd/${directory.fd}`, 0o700));
    for (const below of directory.list()) removeStubborn(directory, below);
  } catch (error) {
    if (reasonOf(error, 'ENOENT', 'ENOTDIR') === undefined) throw error; // the other process was faster
  }
  stubbornly(parent, name, () => rmdirSync(parent.at(name)));
}

function namesIn(path: Buffer): Buffer[] {
  try {
    return readdirSync(path, { encoding: 'buffer' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Immutable and append-only files let nobody remove them, root neither, until the flag is taken off. */
function stubbornly(parent: Directory, name: string, fn: () => void): void {
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
