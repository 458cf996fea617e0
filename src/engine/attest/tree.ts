// A mounted root file system, read as somebody within it would: no symbolic link leads out.
import { lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { resolveInside } from '../../sys/index.ts';
import type { Tree } from './types.ts';

/** Bytes of a file that is read, when nothing else is said. */
const LARGEST = 64 << 20;
const LEFT_OUT = new Set(['/proc', '/sys', '/dev']);

export function openTree(root: string): Tree {
  const at = (path: string): string | undefined => {
    try {
      return resolveInside(root, path);
    } catch {
      return undefined;
    }
  };
  return {
    read(path, limit = LARGEST) {
      const real = at(path);
      try {
        if (real === undefined) return undefined;
        const stat = statSync(real);
        return stat.isFile() && stat.size <= limit ? readFileSync(real) : undefined;
      } catch {
        return undefined;
      }
    },
    list(path) {
      const real = at(path);
      try {
        return real === undefined ? [] : readdirSync(real).sort();
      } catch {
        return [];
      }
    },
    find(names) {
      const found: string[] = [];
      const folders = [''];
      for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
        let entries: string[];
        try {
          entries = readdirSync(join(root, folder));
        } catch {
          continue;
        }
        for (const name of entries) {
          const path = `${folder}/${name}`;
          const stat = lstatSync(join(root, path), { throwIfNoEntry: false });
          if (stat?.isDirectory() && !LEFT_OUT.has(path)) folders.push(path);
          else if (stat?.isFile() && names.has(name)) found.push(path);
        }
      }
      return found.sort();
    },
    path: (path) => at(path) ?? join(root, path),
  };
}
