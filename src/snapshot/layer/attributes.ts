// Owners, times and extended attributes of what is unpacked.
import fs from 'node:fs';
import { setXattr } from '../../sys/index.ts';
import { isOverlayXattr } from './overlay.ts';

const SECOND = 1_000_000_000n;
const LATEST = (1n << 34n) * SECOND;

/** A time that every file system and system call takes; absurd ones are brought to the nearest such. */
export function clampTime(ns: bigint): bigint {
  const earliest = -(1n << 31n) * SECOND;
  return ns < earliest ? earliest : ns > LATEST ? LATEST : ns;
}

/** Sets extended attributes of a path or an open file, without overlayfs's own. Ones that this file system or process cannot hold are left out, as other engines do. */
export function applyXattrs(path: string | Buffer | number, xattrs: ReadonlyMap<string, Buffer>): void {
  for (const [name, value] of xattrs) {
    if (isOverlayXattr(name)) continue;
    try {
      setXattr(path, name, value);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'EPERM') throw error;
    }
  }
}

/** The process's umask, read without changing it for a moment as umask(2) would. */
export function currentUmask(): number {
  const match = /^Umask:\s*([0-7]+)$/m.exec(fs.readFileSync('/proc/self/status', 'latin1'));
  return match === null ? 0o777 : Number.parseInt(match[1]!, 8);
}
