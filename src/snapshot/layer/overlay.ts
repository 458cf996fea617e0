// How overlayfs records deletions in an upper directory (kernel documentation, filesystems/overlayfs, "whiteouts and opaque directories").
import fs from 'node:fs';
import { getXattr, mknod, setXattr } from '../../sys/index.ts';

export const OPAQUE_XATTR = 'trusted.overlay.opaque';

/** A character device 0/0: the name does not exist, whatever lower directories hold. */
export function isWhiteout(stats: fs.Stats): boolean {
  return stats.rdev === 0 && (stats.mode & fs.constants.S_IFMT) === fs.constants.S_IFCHR;
}

export function makeWhiteout(path: string | Buffer): void {
  mknod(path, fs.constants.S_IFCHR, 0, 0);
}

/** Whether nothing of lower directories shows through this one. */
export function isOpaque(directory: string | Buffer): boolean {
  const value = getXattr(directory, OPAQUE_XATTR);
  return value !== undefined && value.length === 1 && value[0] === 0x79;
}

export function makeOpaque(directory: string | Buffer): void {
  setXattr(directory, OPAQUE_XATTR, Buffer.from('y'));
}

/** Attributes by which overlayfs keeps its books; they are never part of a layer. */
export function isOverlayXattr(name: string): boolean {
  return name.startsWith('trusted.overlay.') || name.startsWith('user.overlay.');
}
