// Mount points that an image lacks. A runtime makes them, and they must not end up in the layer: they are made here before the
// run, without touching the times of the directories they lie in, and taken away after it unless the command has made use of them.
import { closeSync, lstatSync, mkdirSync, openSync, rmdirSync, unlinkSync } from 'node:fs';
import { lutimesNs } from '../../../sys/index.ts';
import { followInside, lstatOrNone } from '../inside.ts';

interface Stub {
  readonly path: string;
  readonly directory: boolean;
}

export class Stubs {
  readonly #root: string;
  /** In the order in which they were made: outer ones first. */
  readonly #made: Stub[] = [];
  /** Directories that were there before, and their times in ns: exactly, or they would differ from the layer below. */
  readonly #parents = new Map<string, { readonly atimeNs: bigint; readonly mtimeNs: bigint }>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Makes `target` (absolute in the image, links followed) a directory or an empty file unless something is there. */
  make(target: string, directory: boolean): void {
    const inside = followInside(this.#root, target);
    const words = inside === '' ? [] : inside.split('/');
    let path = this.#root;
    words.forEach((word, i) => {
      const parent = path;
      path = `${path}/${word}`;
      if (lstatOrNone(path)) return;
      this.#remember(parent);
      const asDirectory = directory || i < words.length - 1;
      if (asDirectory) mkdirSync(path, 0o755);
      else closeSync(openSync(path, 'wx', 0o644));
      this.#made.push({ path, directory: asDirectory });
      this.#restore(parent);
    });
  }

  #remember(parent: string): void {
    if (this.#parents.has(parent) || this.#made.some((stub) => stub.path === parent)) return;
    this.#parents.set(parent, lstatSync(parent, { bigint: true }));
  }

  #restore(parent: string): void {
    const times = this.#parents.get(parent);
    if (times) lutimesNs(parent, times.atimeNs, times.mtimeNs);
  }

  /** Takes away what is still as it was made. */
  remove(): void {
    const untouched = new Set<string>();
    for (const [parent, times] of this.#parents) {
      if (lstatSync(parent, { bigint: true, throwIfNoEntry: false })?.mtimeNs === times.mtimeNs) untouched.add(parent);
    }
    for (const stub of this.#made.reverse()) {
      const stat = lstatOrNone(stub.path);
      if (!stat) continue;
      try {
        if (stub.directory && stat.isDirectory()) rmdirSync(stub.path);
        else if (!stub.directory && stat.isFile() && stat.size === 0) unlinkSync(stub.path);
      } catch (e) {
        if ((e as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw e;
      }
    }
    for (const parent of untouched) this.#restore(parent);
  }
}
