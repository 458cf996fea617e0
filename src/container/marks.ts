// What Docker puts into the layer of every container besides the places of its mounts. It is no change of anybody's (`changes.ts`).
import { chmodSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { type Directory, reasonOf, RootedTree } from '../sys/index.ts';

/** Programs read there what is mounted. */
export const MTAB = { path: 'etc/mtab', link: '/proc/mounts' } as const;
/** Programs look for it to find out that they are in a container. */
const DOCKERENV = '.dockerenv';

/** Creates both; where `/etc/mtab` is something else than a folder, the link takes its place. */
export function leaveMarks(tree: RootedTree): void {
  {
    using root = tree.directory('/');
    if (root.stat(DOCKERENV) === undefined) {
      writeFileSync(root.at(DOCKERENV), '', { flag: 'wx' });
      chmodSync(root.at(DOCKERENV), 0o755);
    }
  }
  if (tree.readLink(MTAB.path) === MTAB.link) return;
  let folder: Directory;
  try {
    folder = tree.makeDirectories('/etc', 0o755);
  } catch (e) {
    if (reasonOf(e, 'ENOTDIR', 'EEXIST', 'ELOOP') !== undefined) return; // the image has no such folder, and cannot get one
    throw e;
  }
  using etc = folder;
  const found = etc.stat('mtab');
  if (found?.isDirectory()) return;
  if (found !== undefined) unlinkSync(etc.at('mtab'));
  symlinkSync(MTAB.link, etc.at('mtab'));
}

/** Bytes of what `leaveMarks` leaves in a snapshot's own folder: nobody wrote them. */
export function marksSize(folder: string): number {
  using tree = new RootedTree(folder);
  return tree.readLink(MTAB.path) === MTAB.link ? MTAB.link.length : 0;
}
