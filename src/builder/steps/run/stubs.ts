// Mount points that an image lacks. They must not end up in the layer: they are made before the run, without touching the times
// of the directories they lie in, and removed after it unless the command has made use of them. All of it goes through
// descriptors from before the run: the command may have put links in place of any directory on the way.
import { closeSync, constants, fstatSync, mkdirSync, rmdirSync, unlinkSync, type BigIntStats } from 'node:fs';
import { type Directory, lutimesNs } from '../../../sys/index.ts';

interface Stub {
  readonly parent: Directory;
  readonly name: string;
  readonly directory: boolean;
}

/** A directory that was there before, and its times in ns: exactly, or it would differ from the layer below. */
interface Parent {
  readonly directory: Directory;
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
}

const keyOf = ({ dev, ino }: BigIntStats): string => `${dev}:${ino}`;
const statOf = (directory: Directory): BigIntStats => fstatSync(directory.fd, { bigint: true });

export class Stubs {
  /** In the order in which they were made: outer ones first. */
  readonly #made: Stub[] = [];
  readonly #parents = new Map<string, Parent>();
  readonly #own = new Set<string>();

  /** Makes a directory or an empty file. */
  make(above: Directory, name: string, directory: boolean): void {
    const parent = above.directory('.');
    this.#made.push({ parent, name, directory });
    const stat = statOf(parent);
    const key = keyOf(stat);
    if (!this.#own.has(key) && !this.#parents.has(key))
      this.#parents.set(key, { directory: parent, atimeNs: stat.atimeNs, mtimeNs: stat.mtimeNs });
    if (directory) {
      mkdirSync(parent.at(name), 0o755);
      using made = parent.directory(name);
      this.#own.add(keyOf(statOf(made)));
    } else closeSync(parent.open(name, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o644));
    const before = this.#parents.get(key);
    if (before) restore(before);
  }

  /** Removes what is still as it was made. */
  remove(): void {
    try {
      const untouched = [...this.#parents.values()].filter((parent) => statOf(parent.directory).mtimeNs === parent.mtimeNs);
      for (const { parent, name, directory } of this.#made.toReversed()) {
        const stat = parent.stat(name);
        try {
          if (directory && stat?.isDirectory()) rmdirSync(parent.at(name));
          else if (!directory && stat?.isFile() && stat.size === 0) unlinkSync(parent.at(name));
        } catch (e) {
          if ((e as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw e;
        }
      }
      for (const parent of untouched) restore(parent);
    } finally {
      for (const { parent } of this.#made.splice(0)) parent.close();
    }
  }
}

function restore({ directory, atimeNs, mtimeNs }: Parent): void {
  lutimesNs(directory.self, atimeNs, mtimeNs);
}
