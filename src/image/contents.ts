// What the layers of an image hold: each file with its size and layer, and what later layers replaced or deleted. Layers are read
// as they come and nothing is unpacked. They may be hostile: entries and the length of their names are counted and limited.
import { createHash, type Hash } from 'node:crypto';
import { contentBytes, OPAQUE_WHITEOUT, type TarEntry, TarParser, WHITEOUT_META_PREFIX, WHITEOUT_PREFIX } from '../archive/index.ts';
import { SlipwayError } from '../model/index.ts';
import type { Layers } from './layers.ts';
import type { ImageLayer } from './types.ts';

/** Entries and folders of all layers together that are taken in. */
const MAX_ENTRIES = 2_000_000;
/** Characters of all their paths. */
const MAX_PATHS = 256 << 20;
/** Smaller files are not compared with each other. */
const LEAST_HASHED = 1024;

export interface ImageFile {
  /** Absolute. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** The position of its layer; 0 is the lowest. */
  readonly layer: number;
  /** SHA-256 of its content in hexadecimal; of regular files from a kB on. */
  readonly digest?: string;
}

/** A file that takes room in a layer and is not in the image: a later layer replaced or deleted it. */
export interface HiddenFile extends ImageFile {
  readonly by: number;
  readonly how: 'deleted' | 'replaced';
}

export interface Folder {
  readonly path: string;
  /** Bytes of all files in it and below. */
  readonly size: number;
  /** Bytes of the largest folder in it. */
  readonly largest: number;
}

export interface LayerContents {
  readonly files: number;
  /** Bytes of its files. */
  readonly size: number;
  /** Bytes of files of lower layers that it replaces or deletes. */
  readonly hides: number;
}

export interface ImageContents {
  /** All that is no folder. */
  readonly files: readonly ImageFile[];
  readonly folders: readonly Folder[];
  readonly hidden: readonly HiddenFile[];
  /** Lowest first. */
  readonly layers: readonly LayerContents[];
}

/**
 * Reads all layers. The caller holds the image by a lease.
 * @throws SlipwayError `image.too-many-files`; as `Layers.readTar` and `TarParser` do.
 */
export async function readContents(
  layers: Pick<Layers, 'readTar'>,
  image: { readonly layers: readonly Pick<ImageLayer, 'diffId'>[] },
  o: { readonly signal?: AbortSignal | undefined; readonly maxEntries?: number } = {},
): Promise<ImageContents> {
  const budget = new Budget(o.maxEntries ?? MAX_ENTRIES);
  const tree = new Tree(budget);
  const read: LayerContents[] = [];
  for (const [position, layer] of image.layers.entries()) {
    const intake = new Intake(budget);
    const parser = new TarParser(intake);
    await layers.readTar(layer.diffId, (chunk) => parser.write(chunk), o.signal);
    parser.finish();
    read.push(tree.lay(intake, position));
  }
  return { ...tree.listed(), hidden: tree.hidden, layers: read };
}

class Budget {
  readonly #most: number;
  #entries: number;
  #characters = MAX_PATHS;

  constructor(most: number) {
    this.#most = this.#entries = most;
  }

  spend(entries: number, characters: number): void {
    this.#entries -= entries;
    this.#characters -= characters;
    if (this.#entries >= 0 && this.#characters >= 0) return;
    throw new SlipwayError('data-loss', 'image.too-many-files', `the layers of the image hold more than ${this.#most} files and folders`, {
      hints: ['slipway history shows the sizes of its layers'],
    });
  }
}

interface Entry {
  readonly words: readonly string[];
  readonly folder: boolean;
  readonly size: number;
  digest?: string;
}

/** Takes the entries of one layer: what it deletes apart from what it has, since the one counts for lower layers only. */
class Intake {
  readonly entries: Entry[] = [];
  readonly deletions: { readonly words: readonly string[]; readonly opaque: boolean }[] = [];
  readonly #budget: Budget;
  #last: Entry | undefined;
  #hash: Hash | undefined;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  entry(e: TarEntry): void {
    this.#last = this.#hash = undefined;
    const words = e.path.split('/').filter((word) => word !== '' && word !== '.');
    this.#budget.spend(1, e.path.length);
    const name = words.at(-1);
    // a way upwards leads nowhere in a layer
    if (name === undefined || words.includes('..')) return;
    if (name === OPAQUE_WHITEOUT) return void this.deletions.push({ words: words.slice(0, -1), opaque: true });
    if (name.startsWith(WHITEOUT_META_PREFIX)) return;
    if (name.startsWith(WHITEOUT_PREFIX))
      return void this.deletions.push({ words: [...words.slice(0, -1), name.slice(WHITEOUT_PREFIX.length)], opaque: false });
    this.#last = { words, folder: e.type === 'dir', size: contentBytes(e) };
    this.entries.push(this.#last);
    if (e.type === 'file' && e.sparse === undefined && e.size >= LEAST_HASHED) this.#hash = createHash('sha256');
  }

  data(chunk: Buffer): void {
    this.#hash?.update(chunk);
  }

  end(): void {
    if (this.#last !== undefined && this.#hash !== undefined) this.#last.digest = this.#hash.digest('hex');
  }
}

interface Node {
  readonly name: string;
  children: Map<string, Node> | undefined;
  size: number;
  layer: number;
  digest?: string | undefined;
}

class Tree {
  readonly hidden: HiddenFile[] = [];
  readonly #root: Node = { name: '', children: new Map(), size: 0, layer: 0 };
  readonly #budget: Budget;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  lay(intake: Intake, layer: number): LayerContents {
    const before = this.hidden.length;
    for (const { words, opaque } of intake.deletions) {
      const parent = this.#find(opaque ? words : words.slice(0, -1));
      for (const name of opaque ? [...(parent?.children?.keys() ?? [])] : [words.at(-1) ?? ''])
        this.#hide(parent, name, words, layer, 'deleted', opaque);
    }
    let [files, size] = [0, 0];
    for (const entry of intake.entries) {
      const parent = this.#folder(entry.words.slice(0, -1), layer);
      const name = entry.words.at(-1) ?? '';
      const old = parent.children?.get(name);
      if (entry.folder && old?.children !== undefined) continue;
      if (old !== undefined) this.#hide(parent, name, entry.words, layer, 'replaced', false);
      const { folder, digest } = entry;
      this.#budget.spend(1, 0);
      parent.children?.set(name, { name, children: folder ? new Map() : undefined, size: folder ? 0 : entry.size, layer, digest });
      if (folder) continue;
      files++;
      size += entry.size;
    }
    return { files, size, hides: this.hidden.slice(before).reduce((sum, h) => sum + h.size, 0) };
  }

  /** All of the image in the end. */
  listed(): { files: ImageFile[]; folders: Folder[] } {
    const files: ImageFile[] = [];
    const folders: Folder[] = [];
    // no recursion: paths may be deep
    const open = [{ node: this.#root, path: '', rest: this.#root.children?.values(), size: 0, largest: 0 }];
    for (let top = open.at(-1); top; top = open.at(-1)) {
      const next = top.rest?.next();
      if (next === undefined || next.done) {
        open.pop();
        folders.push({ path: top.path === '' ? '/' : top.path, size: top.size, largest: top.largest });
        const parent = open.at(-1);
        if (parent) {
          parent.size += top.size;
          parent.largest = Math.max(parent.largest, top.size);
        }
        continue;
      }
      const node = next.value;
      const path = `${top.path}/${node.name}`;
      if (node.children !== undefined) open.push({ node, path, rest: node.children.values(), size: 0, largest: 0 });
      else {
        files.push(fileOf(node, path));
        top.size += node.size;
      }
    }
    return { files, folders };
  }

  #find(words: readonly string[]): Node | undefined {
    let at: Node | undefined = this.#root;
    for (const word of words) at = at?.children?.get(word);
    return at;
  }

  /** The folder of that path, made where it is missing or was a file. */
  #folder(words: readonly string[], layer: number): Node {
    let at = this.#root;
    for (const [i, word] of words.entries()) {
      let next = at.children?.get(word);
      if (next?.children === undefined) {
        if (next !== undefined) this.#hide(at, word, words.slice(0, i + 1), layer, 'replaced', false);
        this.#budget.spend(1, 0);
        next = { name: word, children: new Map(), size: 0, layer };
        at.children?.set(word, next);
      }
      at = next;
    }
    return at;
  }

  /** Takes an entry out with all below it. `words`: its path, or with `within` that of its parent. */
  #hide(parent: Node | undefined, name: string, words: readonly string[], by: number, how: HiddenFile['how'], within: boolean): void {
    const gone = parent?.children?.get(name);
    if (gone === undefined) return;
    parent?.children?.delete(name);
    const stack = [{ node: gone, path: `/${[...words, ...(within ? [name] : [])].join('/')}` }];
    for (let top = stack.pop(); top; top = stack.pop()) {
      const { node, path } = top;
      if (node.children === undefined) this.hidden.push({ ...fileOf(node, path), by, how });
      else for (const child of node.children.values()) stack.push({ node: child, path: `${path}/${child.name}` });
    }
  }
}

const fileOf = (n: Node, path: string): ImageFile => ({
  path,
  size: n.size,
  layer: n.layer,
  ...(n.digest !== undefined && { digest: n.digest }),
});
