// A volume that is still empty begins with what the image has at its place, owner and mode of the folder included, as in
// Docker. Everything here happens below a mount and is therefore synchronous.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { type Directory, removeTree, RootedTree } from '../sys/index.ts';
import type { MountPoint } from './types.ts';

/** `rootfs` is the mounted file system of the container, not started yet. */
export function seedVolume(point: MountPoint, rootfs: string): void {
  if (point.noCopy === true || readdirSync(point.source).length > 0) return;
  using tree = new RootedTree(rootfs);
  const inside = tree.locate(point.destination);
  const stat = tree.stat(inside);
  if (stat?.isDirectory() !== true) return;
  using from = tree.directory(inside);
  if (from.list().length > 0) copyInto(from, point);
  chownSync(point.source, stat.uid, stat.gid);
  chmodSync(point.source, stat.mode & 0o7777);
}

/** Copied aside first: a volume that was half filled when somebody pulled the plug would be taken for a used one. */
function copyInto(from: Directory, point: MountPoint): void {
  const aside = join(dirname(point.source), `_seed-${process.pid}`);
  removeTree(aside);
  mkdirSync(aside, { mode: 0o700 });
  const copy = spawnSync('/bin/cp', ['-a', '--', '.', aside], { cwd: from.self, encoding: 'utf8' });
  if (copy.status !== 0)
    throw new SlipwayError(
      'internal',
      'volume.not-seeded',
      `cannot fill volume ${point.name ?? ''} from the image: ${copy.error?.message ?? copy.stderr.trim()}`,
    );
  for (const name of readdirSync(aside, { encoding: 'buffer' })) renameSync(under(aside, name), under(point.source, name));
  removeTree(aside);
}

function under(folder: string, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), name]);
}
