// Paths inside a root directory that nobody trusts: links are followed as the root's own processes would see them and never
// lead out of it. The host's file system beyond the root is never touched.
import { lstatSync, mkdirSync, readlinkSync, type Stats } from 'node:fs';
import { SlipwayError } from '../../model/index.ts';

const MAX_LINKS = 255;

/** lstat that answers undefined for what is not there (ENOENT and ENOTDIR). */
export function lstatOrNone(path: string | Buffer): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw e;
  }
}

/** The words of a path without empty ones, `.` and `..`; `..` at the top stays at the top. */
export function cleanWords(path: string): string[] {
  const out: string[] = [];
  for (const word of path.split('/')) {
    if (word === '..') out.pop();
    else if (word !== '' && word !== '.') out.push(word);
  }
  return out;
}

/**
 * The path below `root` (words joined, no leading slash; '' is the root) that `path` leads to. Missing parts stay as they are written.
 * With `keepLast` the last word is not followed when it is a link. Throws invalid-argument 'path.too-many-links'.
 */
export function followInside(root: string, path: string, keepLast = false): string {
  const rest = path.split('/').reverse();
  const done: string[] = [];
  let links = 0;
  while (rest.length > 0) {
    const word = rest.pop()!;
    if (word === '' || word === '.') continue;
    if (word === '..') {
      done.pop();
      continue;
    }
    done.push(word);
    if (keepLast && rest.every((w) => w === '' || w === '.')) break;
    const at = `${root}/${done.join('/')}`;
    const stat = lstatOrNone(at);
    if (!stat?.isSymbolicLink()) continue;
    if (++links > MAX_LINKS)
      throw new SlipwayError('invalid-argument', 'path.too-many-links', `too many levels of symbolic links: /${path.replace(/^\/+/, '')}`);
    const target = readlinkSync(at);
    done.pop();
    if (target.startsWith('/')) done.length = 0;
    rest.push(...target.split('/').reverse());
  }
  return done.join('/');
}

/** The absolute path on the host of `path` inside `root`; see `followInside`. */
export function resolveInside(root: string, path: string, keepLast = false): string {
  const inside = followInside(root, path, keepLast);
  return inside === '' ? root : `${root}/${inside}`;
}

/**
 * Makes the directories of `inside` (already followed) below `root` that are missing, calling `made` for each.
 * Throws the system's ENOTDIR when something else is in the way.
 */
export function makeDirectories(root: string, inside: string, mode: number, made?: (path: string) => void): void {
  const words = inside === '' ? [] : inside.split('/');
  // most of the way is there: look from the end
  let have = words.length;
  for (; have > 0; have--) {
    const stat = lstatOrNone(`${root}/${words.slice(0, have).join('/')}`);
    if (!stat) continue;
    if (!stat.isDirectory()) {
      throw Object.assign(new Error(`ENOTDIR: not a directory, mkdir '/${words.slice(0, have).join('/')}'`), {
        code: 'ENOTDIR',
        syscall: 'mkdir',
        path: `/${words.slice(0, have).join('/')}`,
      });
    }
    break;
  }
  for (let n = have + 1; n <= words.length; n++) {
    const path = `${root}/${words.slice(0, n).join('/')}`;
    mkdirSync(path, mode);
    made?.(path);
  }
}
