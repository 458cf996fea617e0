// A volume that is still empty begins with what the image has at its place, owner and mode of the folder included, as in
// Docker. Below a mount everything is synchronous; only the lock is waited for.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { type Directory, FileLock, removeTree, RootedTree } from '../sys/index.ts';
import { crashPoint } from '../util/index.ts';
import type { MountPoint } from './types.ts';

/** `rootfs` is the mounted file system of the container, not started yet; `locks` a folder for locks between processes. */
export async function seedVolume(point: MountPoint, rootfs: string, locks: string): Promise<void> {
  if (point.noCopy === true || !isUnseeded(point)) return;
  using _lock = await FileLock.acquire(join(locks, `volume-${point.name ?? ''}`), 'exclusive', { remove: true });
  if (!isUnseeded(point)) return; // another container was faster
  using tree = new RootedTree(rootfs);
  const inside = tree.locate(point.destination);
  const stat = tree.stat(inside);
  if (stat?.isDirectory() !== true) return;
  using from = tree.directory(inside);
  const ready = seedFolder(point);
  if (!existsSync(ready) && from.list().length > 0) copyAside(from, point, ready);
  chownSync(point.source, stat.uid, stat.gid);
  chmodSync(point.source, stat.mode & 0o7777);
  if (!existsSync(ready)) return;
  crashPoint('volume.seed-copied');
  for (const name of readdirSync(ready, { encoding: 'buffer' })) {
    if (!existsSync(under(point.source, name))) renameSync(under(ready, name), under(point.source, name));
    crashPoint('volume.seeded');
  }
  removeTree(ready);
}

/** Of a volume that is mounted from elsewhere: there is no place beside it from which files could move in at once. */
export function fillMounted(point: MountPoint, rootfs: string): void {
  if (point.noCopy === true || readdirSync(point.source).length > 0) return;
  using tree = new RootedTree(rootfs);
  const inside = tree.locate(point.destination);
  if (tree.stat(inside)?.isDirectory() !== true) return;
  using from = tree.directory(inside);
  if (from.list().length > 0) copyTree(from, point, point.source);
}

function copyTree(from: Directory, point: MountPoint, to: string): void {
  const copy = spawnSync('/bin/cp', ['-a', '--', '.', to], { cwd: from.self, encoding: 'utf8' });
  if (copy.status === 0) return;
  throw new SlipwayError(
    'internal',
    'volume.not-seeded',
    `cannot fill volume ${point.name ?? ''} from the image: ${copy.error?.message ?? copy.stderr.trim()}`,
  );
}

/** Empty, or filled half way by a command that was killed: then its copy still lies beside it, and the rest of it follows. */
function isUnseeded(point: MountPoint): boolean {
  return readdirSync(point.source).length === 0 || existsSync(seedFolder(point));
}

/** Holds a whole copy as soon as it exists. */
function seedFolder(point: MountPoint): string {
  return join(dirname(point.source), '_seed');
}

function copyAside(from: Directory, point: MountPoint, ready: string): void {
  const growing = `${ready}.part`;
  removeTree(growing); // of a command that was killed
  mkdirSync(growing, { mode: 0o700 });
  try {
    copyTree(from, point, growing);
  } catch (error) {
    removeTree(growing);
    throw error;
  }
  renameSync(growing, ready);
}

function under(folder: string, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), name]);
}
