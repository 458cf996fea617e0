// Paths as a process with another root directory sees them: no link, absolute or full of `..`, leads out of that root.
import { lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

const MOST_LINKS = 40; // the kernel's own bound (path_resolution(7))

/**
 * Where `path` lies on the host when `root` is taken for `/`, all symbolic links followed. What is missing is appended as it
 * stands. Only right while nobody else changes the tree. Throws ELOOP.
 */
export function resolveInside(root: string, path: string): string {
  const parts = path.split('/').reverse();
  let done: string[] = [];
  let links = 0;
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      done.pop();
      continue;
    }
    const here = join(root, ...done, part);
    if (!isLink(here)) {
      done.push(part);
      continue;
    }
    if (++links > MOST_LINKS)
      throw Object.assign(new Error(`ELOOP: too many symbolic links encountered, open '${path}'`), {
        code: 'ELOOP',
        syscall: 'open',
        path,
      });
    const target = readlinkSync(here);
    if (target.startsWith('/')) done = [];
    parts.push(...target.split('/').reverse());
  }
  return join(root, ...done);
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw error;
  }
}
