// Looking into the layers below one that is being unpacked, as overlayfs would: needed where an entry refers to something that only they hold.
import fs from 'node:fs';
import { nativePath } from '../../archive/index.ts';
import { deviceMajor, deviceMinor, getXattr, listXattrs, lutimesNs, mknod, setXattr } from '../../sys/index.ts';
import { isOpaque, isOverlayXattr, isWhiteout } from './overlay.ts';

export interface LowerNode {
  readonly path: string;
  readonly stats: fs.BigIntStats;
}

/** What stands at `rel` in a stack of directories (topmost first), minding whiteouts and opaque directories. Links are not followed. */
export function findLower(lowers: readonly string[], rel: string): LowerNode | undefined {
  const parts = rel === '' ? [] : rel.split('/');
  for (const lower of lowers) {
    let path = lower;
    let opaque = false;
    let missing = false;
    for (let i = 0; i < parts.length; i++) {
      path += `/${parts[i]!}`;
      const stats = fs.lstatSync(nativePath(path), { throwIfNoEntry: false });
      if (stats === undefined) {
        missing = true;
        break;
      }
      if (isWhiteout(stats)) return undefined;
      if (i === parts.length - 1) break;
      if (!stats.isDirectory()) return undefined;
      opaque ||= isOpaque(nativePath(path));
    }
    if (!missing) return { path, stats: fs.lstatSync(nativePath(path), { bigint: true }) };
    if (opaque) return undefined;
  }
  return undefined;
}

/** Copies a file, link or device of a lower directory to a new path, with everything that belongs to it. */
export function copyUp(node: LowerNode, to: string | Buffer): void {
  const { path, stats } = node;
  const from = nativePath(path);
  if (stats.isFile()) fs.copyFileSync(from, to, fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE);
  else if (stats.isSymbolicLink()) fs.symlinkSync(fs.readlinkSync(from, { encoding: 'buffer' }), to);
  else mknod(to, Number(stats.mode), deviceMajor(stats.rdev), deviceMinor(stats.rdev));
  copyAttributes(node, to);
}

/** Gives an existing path the owner, mode, extended attributes and time of a lower one. */
export function copyAttributes({ path, stats }: LowerNode, to: string | Buffer): void {
  fs.lchownSync(to, Number(stats.uid), Number(stats.gid));
  if (!stats.isSymbolicLink()) fs.chmodSync(to, Number(stats.mode & 0o7777n));
  const from = nativePath(path);
  for (const name of listXattrs(from)) {
    if (isOverlayXattr(name)) continue;
    const value = getXattr(from, name);
    if (value !== undefined) setXattr(to, name, value);
  }
  lutimesNs(to, stats.atimeNs, stats.mtimeNs);
}
