// The directories of a tree that something is unpacked into, kept open, so that each is resolved once and not for every file in it.
// It is for one writer at a time: what that one replaces, it says.
import type { Stats } from 'node:fs';
import type { Directory, RootedTree } from './rooted-tree.ts';

/** A process may hold 1024 files open where nothing else is said. */
const MOST_OPEN = 128;

export class OpenDirectories implements Disposable {
  readonly #tree: RootedTree;
  readonly #make: (parent: Directory, name: string, there: Stats | undefined) => void;
  /** By the path asked for. */
  readonly #known = new Map<string, Directory>();
  /** Forgotten, and perhaps still in use. */
  #closing: Directory[] = [];

  /**
   * @param make creates the directory `name`, which is missing, or where `there` stands, which is neither a directory nor a link; it
   *   throws where that may not be replaced
   */
  constructor(tree: RootedTree, make: (parent: Directory, name: string, there: Stats | undefined) => void) {
    this.#tree = tree;
    this.#make = make;
  }

  /**
   * The directory that a path without `.` and `..` leads to, links followed inside the root, created where it is missing. It stays open
   * until `trim` or the end; the caller does not close it. @throws system errors, and what `make` throws
   */
  directory(path: string): Directory {
    let found = this.#known.get(path);
    if (found === undefined) {
      found = path === '' ? this.#tree.directory('') : this.#resolve(path);
      this.#known.set(path, found);
    }
    return found;
  }

  #resolve(path: string): Directory {
    const slash = path.lastIndexOf('/');
    const parent = this.directory(slash < 0 ? '' : path.slice(0, slash));
    const name = path.slice(slash + 1);
    const there = parent.stat(name);
    if (there?.isSymbolicLink() === true)
      return this.directory(this.#tree.locate(parent.inside === '' ? name : `${parent.inside}/${name}`));
    if (there?.isDirectory() !== true) this.#make(parent, name, there);
    return parent.directory(name);
  }

  /** A directory or a link was removed or replaced: what was resolved does not hold. What was handed out stays open until `trim`. */
  forget(): void {
    this.#closing.push(...this.#known.values());
    this.#known.clear();
  }

  /** Closes what was forgotten, and all when there is much: to be called where nothing that was handed out is used any more. */
  trim(): void {
    if (this.#known.size > MOST_OPEN) this.forget();
    if (this.#closing.length === 0) return;
    // one directory can be known by several paths
    for (const directory of new Set(this.#closing)) directory.close();
    this.#closing = [];
  }

  [Symbol.dispose](): void {
    this.forget();
    this.trim();
  }
}
