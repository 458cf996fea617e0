// Unpacks the tar of a layer into a directory: a fresh upper directory of an overlay, or a flat tree that already holds what is below.
// Nothing an archive says makes it touch anything outside that directory: every name is one in an open directory of a `RootedTree`. All
// calls are synchronous; the directory must be this process's own.
import fs from 'node:fs';
import { contentBytes, OPAQUE_WHITEOUT, WHITEOUT_META_PREFIX, WHITEOUT_PREFIX, nativePath } from '../../archive/index.ts';
import type { TarEntry, TarHandler } from '../../archive/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { type Directory, lutimesNs, mknod, OpenDirectories, removeTree, RootedTree } from '../../sys/index.ts';
import { applyXattrs, clampTime, currentUmask } from './attributes.ts';
import { invalidLayer, layerError } from './errors.ts';
import { FileWriter } from './file-writer.ts';
import { copyAttributes, copyUp, findLower } from './lowers.ts';
import { joinRelative, relativePath, splitRelative, whiteoutTarget } from './paths.ts';
import { FlatDeletions, OverlayDeletions } from './deletions.ts';
import type { Deletions } from './deletions.ts';
import { SettledDirectories } from './settled-directories.ts';

export interface ApplyOptions {
  /** True: deletions become overlayfs whiteouts and opaque directories. False: they are carried out in the directory itself. */
  readonly overlay: boolean;
  /** Directories of the layers below, topmost first; hard links into them and attributes of directories that the layer only passes through come from there. */
  readonly lowers?: readonly string[];
  /** The archive is no layer, but files for people: no name in it hides anything, and directories and other things never replace each other. */
  readonly plain?: boolean;
}

export interface Applied {
  /** Entries unpacked, without deletions. */
  readonly files: number;
  /** Bytes of the files unpacked. */
  readonly size: number;
}

const FORMAT: Readonly<Record<'char' | 'block' | 'fifo', number>> = {
  char: fs.constants.S_IFCHR,
  block: fs.constants.S_IFBLK,
  fifo: fs.constants.S_IFIFO,
};

/**
 * Give it to a `TarParser`; after the parser's `finish`, call `finish` here. On any error call `abort` and throw the directory away.
 * @throws SlipwayError `layer.invalid`, `layer.unsafe-path`, `layer.no-space`, `layer.permission`
 */
export class LayerApplier implements TarHandler {
  private readonly root: RootedTree;
  private readonly tree: OpenDirectories;
  private readonly deletions: Deletions;
  private readonly lowers: readonly string[];
  private readonly plain: boolean;
  private readonly umask = currentUmask();
  private readonly writer = new FileWriter();
  /** Modes and times that directories get once nothing is put into them any more, by the path with links followed. */
  private readonly directories = new SettledDirectories<TarEntry>();
  private path = '';
  private files = 0;
  private size = 0;
  private closed = false;

  constructor(directory: string, options: ApplyOptions) {
    this.plain = options.plain === true;
    this.lowers = options.lowers ?? [];
    this.deletions = options.overlay ? new OverlayDeletions(this.lowers) : new FlatDeletions();
    this.root = new RootedTree(directory);
    this.tree = new OpenDirectories(this.root, (parent, name, there) => this.makePassage(parent, name, there));
  }

  entry(entry: TarEntry): void {
    this.path = entry.path;
    try {
      this.tree.trim();
      this.unpack(entry);
    } catch (error) {
      throw layerError(error, entry.path);
    }
  }

  data(chunk: Buffer): void {
    if (!this.writer.open) return;
    try {
      this.writer.write(chunk);
    } catch (error) {
      throw layerError(error, this.path);
    }
  }

  end(): void {
    if (!this.writer.open) return;
    try {
      this.writer.finish();
    } catch (error) {
      throw layerError(error, this.path);
    }
  }

  /** Settles directories' modes and times, deepest first, and closes what is open. */
  finish(): Applied {
    let path = '';
    try {
      this.deletions.finish(this.tree.directory(''));
      for (const [inside, entry] of this.directories) {
        path = entry.path;
        this.tree.trim();
        const native = this.native(inside);
        if ((entry.mode & 0o2000) !== 0) fs.chmodSync(native, entry.mode);
        const time = clampTime(entry.mtimeNs);
        lutimesNs(native, time, time);
      }
    } catch (error) {
      throw layerError(error, path);
    } finally {
      this.close();
    }
    return { files: this.files, size: this.size };
  }

  /** Closes what is open; harmless after `finish`. */
  abort(): void {
    this.writer.abort();
    this.close();
  }

  private close(): void {
    if (this.closed) return;
    this.closed = true;
    this.tree[Symbol.dispose]();
    this.root[Symbol.dispose]();
  }

  /** What node:fs takes for a directory that is no link. */
  private native(inside: string): string | Buffer {
    if (inside === '') return this.tree.directory('').self;
    const [above, name] = splitRelative(inside);
    return this.tree.directory(above).at(name);
  }

  private unpack(entry: TarEntry): void {
    const rel = relativePath(entry.path);
    if (rel === '') {
      if (entry.type !== 'dir') throw invalidLayer(entry.path, 'the root must be a directory');
      this.settleDirectory(rel, this.native(rel), entry, false);
      return;
    }
    const [above, name] = splitRelative(rel);
    if (!this.plain && name.startsWith(WHITEOUT_PREFIX)) {
      this.delete(entry.path, above, name);
      return;
    }
    const parent = this.tree.directory(above);
    this.size += contentBytes(entry);
    switch (entry.type) {
      case 'file':
        this.writer.create(parent, name, entry, () => this.makeWay(parent, name));
        break;
      case 'dir':
        this.directory(parent, name, entry);
        break;
      case 'symlink':
        this.symlink(parent, name, entry);
        break;
      case 'link':
        this.hardLink(parent, name, entry);
        break;
      case 'char':
      case 'block':
      case 'fifo':
        this.device(parent, name, entry, FORMAT[entry.type]);
        break;
      default:
        entry.type satisfies never;
    }
    this.files++;
    this.deletions.unpacked(joinRelative(parent.inside, name));
  }

  private delete(path: string, above: string, name: string): void {
    if (name !== OPAQUE_WHITEOUT && name.startsWith(WHITEOUT_META_PREFIX)) return;
    const directory = this.tree.directory(above);
    if (name === OPAQUE_WHITEOUT) this.deletions.hideContents(directory);
    else this.deletions.hide(directory, whiteoutTarget(path, name, WHITEOUT_PREFIX));
    if (this.deletions.removes) this.tree.forget();
  }

  private directory(parent: Directory, name: string, entry: TarEntry): void {
    const native = parent.at(name);
    let asMade = true;
    try {
      fs.mkdirSync(native, earlyMode(entry));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const stats = fs.lstatSync(native);
      asMade = !stats.isDirectory();
      if (asMade && this.plain) throw this.inTheWay(name, 'non-directory', 'directory');
      if (asMade) {
        this.makeWay(parent, name);
        fs.mkdirSync(native, earlyMode(entry));
        this.deletions.replacedByDirectory(native, stats);
      }
    }
    this.settleDirectory(joinRelative(parent.inside, name), native, entry, asMade && !parent.setgid);
  }

  /** Owner, mode and attributes; `asMade` says that it was just made with the mode and belongs to root. */
  private settleDirectory(inside: string, native: string | Buffer, entry: TarEntry, asMade: boolean): void {
    if (!asMade || entry.uid !== 0 || entry.gid !== 0) fs.lchownSync(native, entry.uid, entry.gid);
    if (!asMade || (entry.mode & (this.umask | 0o5000)) !== 0) fs.chmodSync(native, earlyMode(entry));
    if (entry.xattrs !== undefined) applyXattrs(native, entry.xattrs);
    this.directories.set(inside, entry);
  }

  private symlink(parent: Directory, name: string, entry: TarEntry): void {
    const native = parent.at(name);
    const target = nativePath(entry.link ?? '');
    try {
      fs.symlinkSync(target, native);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      this.makeWay(parent, name);
      fs.symlinkSync(target, native);
    }
    if (entry.uid !== 0 || entry.gid !== 0 || parent.setgid) fs.lchownSync(native, entry.uid, entry.gid);
    this.finishSpecial(native, entry);
  }

  private device(parent: Directory, name: string, entry: TarEntry, format: number): void {
    this.makeWay(parent, name);
    const native = parent.at(name);
    mknod(native, format | (entry.mode & 0o777), entry.major ?? 0, entry.minor ?? 0);
    fs.lchownSync(native, entry.uid, entry.gid);
    fs.chmodSync(native, entry.mode);
    this.finishSpecial(native, entry);
  }

  private finishSpecial(path: string | Buffer, entry: TarEntry): void {
    if (entry.xattrs !== undefined) applyXattrs(path, entry.xattrs);
    const time = clampTime(entry.mtimeNs);
    lutimesNs(path, time, time);
  }

  private hardLink(parent: Directory, name: string, entry: TarEntry): void {
    const rel = relativePath(entry.link ?? '');
    if (rel === '') throw invalidLayer(entry.path, 'a hard link to a directory');
    const [above, last] = splitRelative(rel);
    const from = this.tree.directory(above);
    if (from.inside === parent.inside && last === name) return;
    const target = from.at(last);
    const stats = from.stat(last);
    if (stats === undefined) {
      const node = findLower(this.lowers, joinRelative(from.inside, last));
      if (node === undefined) throw invalidLayer(entry.path, `a hard link to ${JSON.stringify(entry.link ?? '')}, which does not exist`);
      if (node.stats.isDirectory()) throw invalidLayer(entry.path, 'a hard link to a directory');
      copyUp(node, target);
    } else if (stats.isDirectory()) throw invalidLayer(entry.path, 'a hard link to a directory');
    else if (this.deletions.isDeleted(stats))
      throw invalidLayer(entry.path, `a hard link to ${JSON.stringify(entry.link ?? '')}, which is deleted`);
    this.makeWay(parent, name);
    fs.linkSync(target, parent.at(name));
  }

  /** Removes whatever stands where an entry is to be made. */
  private makeWay(parent: Directory, name: string): void {
    const stats = parent.stat(name);
    if (stats === undefined) return;
    const native = parent.at(name);
    if (stats.isDirectory() && this.plain) throw this.inTheWay(name, 'directory', 'non-directory');
    if (stats.isDirectory()) {
      if (typeof native === 'string') removeTree(native);
      else fs.rmSync(native, { recursive: true });
      this.directories.remove(joinRelative(parent.inside, name));
    } else fs.unlinkSync(native);
    if (stats.isDirectory() || stats.isSymbolicLink()) this.tree.forget();
  }

  private inTheWay(name: string, there: string, wanted: string): SlipwayError {
    const message = `cannot overwrite ${there} ${JSON.stringify(name)} with ${wanted} ${JSON.stringify(this.path)}`;
    return new SlipwayError('conflict', 'copy.in-the-way', message);
  }

  /** A directory that the layer passes through without an entry for it: as it is below, else plain. What only marks a deletion gives way. */
  private makePassage(parent: Directory, name: string, there: fs.Stats | undefined): void {
    const native = parent.at(name);
    const inside = joinRelative(parent.inside, name);
    if (there !== undefined) {
      if (!this.deletions.isDeleted(there)) throw invalidLayer(this.path, `${inside} is not a directory`);
      fs.unlinkSync(native);
    }
    fs.mkdirSync(native, 0o755);
    if (there !== undefined) this.deletions.replacedByDirectory(native, there);
    const below = there === undefined ? findLower(this.lowers, inside) : undefined;
    if (below?.stats.isDirectory() === true) copyAttributes(below, native);
    else {
      fs.lchownSync(native, 0, 0);
      fs.chmodSync(native, 0o755);
    }
  }
}

/** A directory's mode while things are put into it: the group bit would hand its group to everything made inside. */
function earlyMode(entry: TarEntry): number {
  return entry.mode & 0o5777;
}
