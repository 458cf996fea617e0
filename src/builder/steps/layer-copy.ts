// Copies a tree straight into the tar of a layer: the entries of what `TreeWriter` would make of it in the graph engine, without making it.
import { closeSync, constants, readlinkSync, type Stats } from 'node:fs';
import type { TarEntry } from '../../archive/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { type EntrySink, layerXattrs } from '../../snapshot/index.ts';
import { decodeName, deviceMajor, deviceMinor, type Directory } from '../../sys/index.ts';
import { join } from './words.ts';
import type { WriterOptions } from './writer.ts';
import { readXattrs } from './xattrs.ts';

const { O_NONBLOCK, O_RDONLY } = constants;

export class LayerCopy {
  readonly #o: WriterOptions;
  readonly #to: EntrySink;
  /** Where the first copy of each inode with more names than one is. */
  readonly #links = new Map<string, string>();

  constructor(options: WriterOptions, to: EntrySink) {
    this.#o = options;
    this.#to = to;
  }

  /** Copies what is in the directory `path` of the tree to `inside` of the root; `below` is what is there already. */
  contents(path: string, inside: string, below: Directory | undefined): void {
    using from = this.#o.tree.directory(path);
    this.#children(from, '', inside, below);
  }

  #children(from: Directory, inSource: string, inside: string, below: Directory | undefined): void {
    // sorted, as the entries of a layer are
    for (const name of from.list()) {
      const stat = from.stat(name);
      if (stat === undefined) continue;
      const path = join(inSource, name);
      const directory = stat.isDirectory();
      const verdict = this.#o.selection.everything ? 'yes' : this.#o.selection.verdict(join(from.inside, name), path, directory);
      if (verdict === 'no') continue;
      const to = join(inside, name);
      const there = below?.stat(name);
      if (directory) {
        if (there?.isDirectory() === false) throw inTheWay('copy.onto-non-directory', `cannot copy to non-directory: /${to}`);
        this.#directory(from, name, path, stat, to, there && below, verdict === 'yes');
      } else {
        if (there?.isDirectory() === true) throw inTheWay('copy.onto-directory', `cannot replace to directory /${to} with file`);
        this.#leaf(from, name, to, stat);
      }
    }
  }

  /** `above` is where the directory is already, if it is. One that is left out itself is there only when something below is taken. */
  #directory(from: Directory, name: string, path: string, stat: Stats, to: string, above: Directory | undefined, taken: boolean): void {
    using source = from.directory(name);
    using there = above?.directory(name);
    const own = readXattrs(source.self);
    const before = there && layerXattrs(there.self);
    const xattrs = new Map([...(before ?? []), ...own]);
    const entry: TarEntry = { ...this.#attributes(to, stat), type: 'dir', ...(xattrs.size > 0 && { xattrs }) };
    const old = above?.stat(name);
    const same =
      old !== undefined &&
      own.length === 0 &&
      (old.mode & 0o7777) === entry.mode &&
      old.uid === entry.uid &&
      old.gid === entry.gid &&
      old.mtimeMs === stat.mtimeMs;
    this.#to.putDirectory(entry, same || !taken, () => this.#children(source, path, to, there));
  }

  #leaf(from: Directory, name: string, to: string, stat: Stats): void {
    const entry = this.#attributes(to, stat);
    if (stat.isSymbolicLink())
      this.#to.putLeaf({ ...entry, type: 'symlink', mode: 0o777, link: decodeName(readlinkSync(from.at(name), 'buffer')) });
    else if (stat.isFile()) this.#file(from, name, entry, stat);
    // a socket without its listener is nothing: the graph engine leaves an empty file in its place
    else if (stat.isSocket()) this.#to.putLeaf(entry);
    else if (stat.isFIFO()) this.#to.putLeaf({ ...entry, type: 'fifo' });
    else {
      const type = stat.isCharacterDevice() ? 'char' : 'block';
      this.#to.putLeaf({ ...entry, type, major: deviceMajor(stat.rdev), minor: deviceMinor(stat.rdev) });
    }
  }

  #file(from: Directory, name: string, entry: TarEntry, stat: Stats): void {
    if (stat.nlink > 1) {
      const key = `${stat.dev}:${stat.ino}`;
      const first = this.#links.get(key);
      if (first !== undefined) return this.#to.putLeaf({ ...entry, type: 'link', link: first });
      this.#links.set(key, entry.path);
    }
    const fd = from.open(name, O_RDONLY | O_NONBLOCK);
    try {
      const plain = this.#o.dropCapabilities === true || this.#o.digests?.known(stat) !== undefined;
      const xattrs = plain ? [] : readXattrs(fd);
      this.#to.putLeaf({ ...entry, size: stat.size, ...(xattrs.length > 0 && { xattrs: new Map(xattrs) }) }, fd);
    } finally {
      closeSync(fd);
    }
  }

  #attributes(path: string, stat: Stats): TarEntry {
    const { uid, gid } = this.#o.owner ?? stat;
    const mode = stat.mode & 0o7777;
    return {
      path,
      type: 'file',
      mode: this.#o.mode ? this.#o.mode.apply(mode, stat.isDirectory()) : mode,
      uid,
      gid,
      size: 0,
      mtimeNs: BigInt(Math.floor(stat.mtimeMs * 1000)) * 1000n,
    };
  }
}

const inTheWay = (code: string, message: string): SlipwayError => new SlipwayError('failed-precondition', code, message);
