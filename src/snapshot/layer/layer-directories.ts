// The directories of a layer that is being unpacked, below a root that only this process changes (where others may change it, there is
// RootedTree of src/sys), resolved so that no symbolic link ever leads out: links are followed by hand, with the root as `/`. What was
// resolved once is remembered until something on the way is replaced.
import fs from 'node:fs';
import { decodeName, nativePath } from '../../archive/index.ts';
import { invalidLayer } from './errors.ts';
import { joinRelative, splitRelative } from './paths.ts';

/** A real directory, all links on the way to it followed. */
export interface Directory {
  readonly path: string;
  /** Its path relative to the root, '' for the root. */
  readonly rel: string;
  readonly parent: Directory | undefined;
  /** New files in it take its group. */
  readonly setgid: boolean;
}

const MAX_REMEMBERED = 8192;
const MAX_LINKS = 40;

export class LayerDirectories {
  readonly root: Directory;
  private readonly known = new Map<string, Directory>();
  private readonly make: (path: string, rel: string) => void;
  private readonly replaceable: (stats: fs.Stats) => boolean;

  /**
   * @param make creates a missing directory at `path`
   * @param replaceable says that something which is no directory gives way to one (a whiteout does); `make` replaces it
   */
  constructor(root: string, make: (path: string, rel: string) => void, replaceable: (stats: fs.Stats) => boolean) {
    this.root = { path: root, rel: '', parent: undefined, setgid: (fs.lstatSync(root).mode & 0o2000) !== 0 };
    this.make = make;
    this.replaceable = replaceable;
  }

  /** The directory at a clean relative path, made where it is missing. @throws `layer.invalid` where the path leads through a file. */
  directory(rel: string): Directory {
    if (rel === '') return this.root;
    const known = this.known.get(rel);
    if (known !== undefined) return known;
    const [above, name] = splitRelative(rel);
    const found = this.step(this.directory(above), name, rel, { left: MAX_LINKS });
    if (this.known.size >= MAX_REMEMBERED) this.known.clear();
    this.known.set(rel, found);
    return found;
  }

  /** A directory or link was removed or replaced: nothing that was resolved can be relied on. */
  forget(): void {
    this.known.clear();
  }

  private step(from: Directory, name: string, asked: string, links: { left: number }): Directory {
    const path = `${from.path}/${name}`;
    const rel = joinRelative(from.rel, name);
    const stats = fs.lstatSync(nativePath(path), { throwIfNoEntry: false });
    if (stats?.isDirectory() === true) return { path, rel, parent: from, setgid: (stats.mode & 0o2000) !== 0 };
    if (stats?.isSymbolicLink() === true) {
      if (--links.left < 0) throw invalidLayer(asked, 'too many symbolic links');
      return this.follow(from, decodeName(fs.readlinkSync(nativePath(path), { encoding: 'buffer' })), asked, links);
    }
    if (stats !== undefined && !this.replaceable(stats)) throw invalidLayer(asked, `${rel} is not a directory`);
    this.make(path, rel);
    const made = fs.lstatSync(nativePath(path));
    return { path, rel, parent: from, setgid: (made.mode & 0o2000) !== 0 };
  }

  private follow(from: Directory, target: string, asked: string, links: { left: number }): Directory {
    let at = target.startsWith('/') ? this.root : from;
    for (const part of target.split('/')) {
      if (part === '' || part === '.') continue;
      at = part === '..' ? (at.parent ?? this.root) : this.step(at, part, asked, links);
    }
    return at;
  }
}
