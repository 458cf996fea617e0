// The files of a layer as a tree in memory, just as unpacking it would leave them in an overlay's upper directory (layer/applier.ts):
// the later entry counts, deletions are whiteouts and opaque directories.
import { contentBytes, OPAQUE_WHITEOUT, type TarEntry, WHITEOUT_META_PREFIX, WHITEOUT_PREFIX } from '../../archive/index.ts';
import { encodeName, FileType, getXattr, isUsablePath, listXattrs } from '../../sys/index.ts';
import { clampTime } from '../layer/attributes.ts';
import { findLower } from '../layer/lowers.ts';
import { isOverlayXattr, OPAQUE_XATTR } from '../layer/overlay.ts';
import { joinRelative, relativePath, splitRelative, whiteoutTarget } from '../layer/paths.ts';
import { encodeDevice, MAX_XATTRS, xattrName, xattrsSize } from './format.ts';

/** An inode. One with several names stands in several directories. */
export interface Node {
  /** With the bits of its type. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** ns since the epoch. */
  readonly mtimeNs: bigint;
  readonly xattrs?: Map<string, Buffer>;
  /** Of a directory. */
  readonly children?: Map<string, Node>;
  /** Of a file: where its bytes stand in the tar. */
  readonly data?: { readonly offset: number; readonly size: number };
  /** Of a symbolic link. */
  readonly target?: Buffer;
  /** Of a device. */
  readonly device?: number;
}

/** What only unpacking can tell: such a layer is to be unpacked. */
export class NeedsUnpacking extends Error {}

const TYPE: Readonly<Record<'file' | 'symlink' | 'char' | 'block' | 'fifo', number>> = {
  file: FileType.S_IFREG,
  symlink: FileType.S_IFLNK,
  char: FileType.S_IFCHR,
  block: FileType.S_IFBLK,
  fifo: FileType.S_IFIFO,
};

const MOST_LINK_BYTES = 4095;
const ROOT = { mode: FileType.S_IFDIR | 0o755, uid: 0, gid: 0 } as const;

const isDirectory = (node: Node): boolean => node.children !== undefined;
const isWhiteout = (node: Node): boolean => node.device === 0 && (node.mode & FileType.S_IFMT) === FileType.S_IFCHR;

export class LayerTree {
  #root: Node = { ...ROOT, mtimeNs: BigInt(Date.now()) * 1_000_000n, children: new Map() };
  readonly #lowers: readonly string[];
  #rootHidden = false;
  /** Entries but deletions, and the bytes of the files among them. */
  files = 0;
  size = 0;

  /** @param lowers directories of the layers below, topmost first: what a layer only passes through is there as they have it */
  constructor(lowers: readonly string[]) {
    this.#lowers = lowers;
  }

  get root(): Node {
    return this.#root;
  }

  /**
   * The next entry; a file's bytes stand at `offset` of the tar.
   * @throws NeedsUnpacking, SlipwayError `layer.unsafe-path`, `layer.invalid`
   */
  add(entry: TarEntry, offset: number): void {
    const path = relativePath(entry.path);
    if (!isUsablePath(path) || path.includes('\0')) throw new NeedsUnpacking();
    if (path === '') {
      if (entry.type !== 'dir') throw new NeedsUnpacking();
      this.#root = { ...attributes(entry), children: this.#root.children! };
      return;
    }
    const [above, name] = splitRelative(path);
    if (name.startsWith(WHITEOUT_PREFIX)) {
      if (name === OPAQUE_WHITEOUT) this.#hideContents(above);
      else if (!name.startsWith(WHITEOUT_META_PREFIX)) hide(this.#directory(above), whiteoutTarget(entry.path, name, WHITEOUT_PREFIX));
      return;
    }
    const parent = this.#directory(above);
    const there = parent.get(name);
    this.size += contentBytes(entry);
    this.files++;
    if (entry.type === 'dir') parent.set(name, directory(entry, there));
    else if (entry.type === 'link') this.#link(entry, path, parent, name);
    else parent.set(name, leaf(entry, offset));
  }

  /** The root, once all entries are there. The kernel always merges roots: what is hidden below one is hidden name by name. */
  finish(names: (directory: string) => readonly string[]): Node {
    if (this.#rootHidden) for (const name of new Set(this.#lowers.flatMap(names))) hide(this.#root.children!, name);
    return this.#root;
  }

  #hideContents(path: string): void {
    if (path === '') this.#rootHidden = true;
    else {
      this.#directory(path);
      const [above, name] = splitRelative(path);
      const parent = this.#directory(above);
      parent.set(name, opaque(parent.get(name)!));
    }
  }

  #link(entry: TarEntry, path: string, parent: Map<string, Node>, name: string): void {
    const target = relativePath(entry.link ?? '');
    if (target === path) return;
    const [above, last] = splitRelative(target);
    const node = this.#find(above)?.get(last);
    // a file of the layers below would have to be copied; what is no file is an error that unpacking tells
    if (node === undefined || isDirectory(node) || isWhiteout(node)) throw new NeedsUnpacking();
    parent.set(name, node);
  }

  #find(path: string): Map<string, Node> | undefined {
    let at = this.#root.children;
    if (path !== '') for (const name of path.split('/')) at = at?.get(name)?.children;
    return at;
  }

  /** The directory at `path`; those on the way that have no entry are as below, else plain. */
  #directory(path: string): Map<string, Node> {
    const found = this.#find(path);
    if (found !== undefined) return found;
    let at = this.#root.children!;
    let inside = '';
    for (const name of path.split('/')) {
      inside = joinRelative(inside, name);
      let node = at.get(name);
      if (node === undefined || isWhiteout(node)) {
        const made = this.#passage(inside, node === undefined);
        at.set(name, (node = node === undefined ? made : opaque(made)));
      }
      // through a link of this layer, or what is no directory
      if (node.children === undefined) throw new NeedsUnpacking();
      at = node.children;
    }
    return at;
  }

  #passage(path: string, asBelow: boolean): Node {
    const below = asBelow ? findLower(this.#lowers, path) : undefined;
    if (below?.stats.isDirectory() !== true) return { ...ROOT, mtimeNs: BigInt(Date.now()) * 1_000_000n, children: new Map() };
    const xattrs = new Map<string, Buffer>();
    for (const name of listXattrs(below.path)) {
      const value = isOverlayXattr(name) ? undefined : getXattr(below.path, name);
      if (value !== undefined) xattrs.set(name, value);
    }
    const { mode, uid, gid, mtimeNs } = below.stats;
    return { mode: Number(mode), uid: Number(uid), gid: Number(gid), mtimeNs, ...kept(xattrs, true), children: new Map() };
  }
}

/** `name` of the layers below is gone; what this layer has brought there stays. */
function hide(parent: Map<string, Node>, name: string): void {
  const there = parent.get(name);
  if (there === undefined) parent.set(name, { mode: FileType.S_IFCHR, uid: 0, gid: 0, mtimeNs: 0n, device: 0 });
  else if (isDirectory(there)) parent.set(name, opaque(there));
}

const opaque = (node: Node): Node => ({ ...node, xattrs: new Map([...(node.xattrs ?? []), [OPAQUE_XATTR, Buffer.from('y')]]) });

function directory(entry: TarEntry, there: Node | undefined): Node {
  const old = there !== undefined && isDirectory(there) ? there : undefined;
  const made: Node = { ...attributes(entry), children: old?.children ?? new Map() };
  const hides = old?.xattrs?.has(OPAQUE_XATTR) ?? (there !== undefined && isWhiteout(there));
  return hides ? opaque(made) : made;
}

function leaf(entry: TarEntry, offset: number): Node {
  const type = TYPE[entry.type as keyof typeof TYPE];
  const made = { ...attributes(entry), mode: type | (entry.mode & 0o7777) };
  if (entry.type === 'file') {
    if (entry.sparse !== undefined) throw new NeedsUnpacking();
    return { ...made, data: { offset, size: entry.size } };
  }
  if (entry.type === 'symlink') {
    const target = encodeName(entry.link ?? '');
    if (target.length === 0 || target.length > MOST_LINK_BYTES || target.includes(0)) throw new NeedsUnpacking();
    return { ...made, mode: type | 0o777, target };
  }
  return { ...made, device: entry.type === 'fifo' ? 0 : encodeDevice(entry.major ?? 0, entry.minor ?? 0) };
}

function attributes(entry: TarEntry): Omit<Node, 'children' | 'data' | 'target' | 'device'> {
  const { uid, gid } = entry;
  const xattrs = kept(entry.xattrs, entry.type === 'file' || entry.type === 'dir');
  return { mode: FileType.S_IFDIR | (entry.mode & 0o7777), uid, gid, mtimeNs: clampTime(entry.mtimeNs), ...xattrs };
}

/** The attributes that setting them one by one would leave. Only files and directories have those of users (xattr(7)). */
function kept(xattrs: ReadonlyMap<string, Buffer> | undefined, users: boolean): { xattrs?: Map<string, Buffer> } {
  if (xattrs === undefined || xattrs.size === 0) return {};
  const out = new Map<string, Buffer>();
  for (const [name, value] of xattrs) {
    // an access list changes the mode of its file
    if (name.startsWith('system.')) throw new NeedsUnpacking();
    if (isOverlayXattr(name) || (!users && name.startsWith('user.'))) continue;
    const known = xattrName(name);
    if (known === undefined) continue;
    if (known.rest.length === 0 || known.rest.length > 255 || value.length >= MAX_XATTRS) throw new NeedsUnpacking();
    out.set(name, value);
  }
  if (xattrsSize(out) >= MAX_XATTRS) throw new NeedsUnpacking();
  return out.size === 0 ? {} : { xattrs: out };
}
