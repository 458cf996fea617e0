// Extended attributes of files on their way into an image. Only capabilities go along, as in Docker, whose layers hold no others
// (decision 015): labels and access lists of one machine mean nothing on another.
import { getXattr, setXattr } from '../../sys/index.ts';

const CAPABILITIES = 'security.capability';
export type Xattrs = readonly (readonly [string, Buffer])[];
export const NONE: Xattrs = [];

/** The attributes of `path` (a link itself, not what it leads to) or of an open file that an image holds. */
export function readXattrs(path: string | Buffer | number): Xattrs {
  const value = getXattr(path, CAPABILITIES);
  return value === undefined ? NONE : [[CAPABILITIES, value]];
}

/** Gives `to` the attributes of `from`. */
export function copyXattrs(from: string | Buffer | number, to: string | Buffer | number): void {
  for (const [name, value] of readXattrs(from)) writeXattr(to, name, value);
}

export const isKept = (name: string): boolean => name === CAPABILITIES;

/** Sets one attribute if an image holds it; a file system that has none of that kind does without. */
export function writeXattr(path: string | Buffer | number, name: string, value: Buffer): void {
  if (!isKept(name)) return;
  try {
    setXattr(path, name, value);
  } catch (e) {
    const { code } = e as NodeJS.ErrnoException;
    if (code !== 'ENOTSUP' && code !== 'EOPNOTSUPP') throw e;
  }
}
