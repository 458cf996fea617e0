// Extended attributes of files on their way into an image. The attributes by which a machine labels and stacks its own file
// systems stay behind: they mean nothing elsewhere.
import { getXattr, listXattrs, setXattr } from '../../sys/index.ts';

const STAYS_BEHIND = /^(?:trusted\.overlay\.|user\.overlay\.|security\.selinux$|system\.nfs4_acl$)/;
export type Xattrs = readonly (readonly [string, Buffer])[];
export const NONE: Xattrs = [];

/** The attributes of `path` (a link itself, not what it leads to) in the order of their names. */
export function readXattrs(path: string | Buffer): Xattrs {
  const names = listXattrs(path);
  if (names.length === 0) return NONE;
  return names
    .filter((name) => !STAYS_BEHIND.test(name))
    .sort()
    .flatMap((name) => {
      const value = getXattr(path, name);
      return value === undefined ? [] : [[name, value] as const];
    });
}

/** Gives `to` the attributes of `from`. A file system that has none of that kind does without, as Docker does. */
export function copyXattrs(from: string | Buffer, to: string | Buffer, wanted: (name: string) => boolean = () => true): void {
  for (const [name, value] of readXattrs(from)) {
    if (wanted(name)) writeXattr(to, name, value);
  }
}

/** Sets one attribute; ENOTSUP is no error. */
export function writeXattr(path: string | Buffer, name: string, value: Buffer): void {
  try {
    setXattr(path, name, value);
  } catch (e) {
    const { code } = e as NodeJS.ErrnoException;
    if (code !== 'ENOTSUP' && code !== 'EOPNOTSUPP') throw e;
  }
}
