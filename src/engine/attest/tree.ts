// A mounted root file system, read as somebody within it would: no symbolic link leads out.
import { type Directory, RootedTree } from '../../sys/index.ts';
import type { Tree } from './types.ts';

/** Bytes of a file that is read, when nothing else is said. */
const LARGEST = 64 << 20;
const LEFT_OUT = new Set(['proc', 'sys', 'dev']);

/** The caller disposes of it before the file system is unmounted. */
export function openTree(root: string): Tree & Disposable {
  const tree = new RootedTree(root);
  const orElse = <T>(otherwise: T, fn: () => T): T => {
    try {
      return fn();
    } catch {
      return otherwise;
    }
  };
  return {
    read: (path, limit = LARGEST) => orElse(undefined, () => tree.readFile(path, limit)),
    list: (path) => orElse([], () => tree.list(path)),
    find(names) {
      const found: string[] = [];
      const walk = (folder: Directory): void => {
        for (const name of folder.list()) {
          const stat = folder.stat(name);
          const path = `${folder.inside}/${name}`;
          if (stat?.isFile() && names.has(name)) found.push(folder.inside === '' ? path : `/${path}`);
          if (!stat?.isDirectory() || (folder.inside === '' && LEFT_OUT.has(name))) continue;
          using below = folder.directory(name);
          walk(below);
        }
      };
      using top = tree.directory('');
      walk(top);
      return found.sort();
    },
    [Symbol.dispose]: () => tree[Symbol.dispose](),
  };
}
