// The key of what a COPY reads. It covers all that can be told apart in the image (names, types, modes, owners, bytes, link
// targets, hard links, extended attributes, device numbers) and nothing else: times never count.
import { createHash, type Hash } from 'node:crypto';
import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import type { Digest } from '../../model/index.ts';
import { decodeName, encodeName, listNames, nativePath, RootedTree } from '../../sys/index.ts';
import { NONE, readXattrs, type Xattrs } from './xattrs.ts';
import { hashFile } from './digests.ts';
import { parentsOf } from './parents.ts';
import { Selection } from './selection.ts';
import { findSources, type Found } from './sources.ts';
import type { ContentDigestOptions } from './types.ts';
import { join } from './words.ts';

/**
 * The digest of what `patterns` below `root` name. Throws as copyStep does when a plain path is not there.
 * Two calls agree exactly when a copy of the one and of the other give the same files.
 */
export function contentDigest(root: string, patterns: readonly string[], options: ContentDigestOptions): Digest {
  const selection = new Selection(options.ignore, options.excludes);
  const digester = new Digester(root, options, selection);
  using tree = new RootedTree(root);
  for (const pattern of patterns) {
    const found = findSources(tree, pattern, {
      kind: options.kind,
      style: options.style,
      instruction: options.instruction ?? 'COPY',
      ignore: options.ignore,
      parents: options.parents,
    });
    digester.begin();
    for (const one of found) digester.source(one);
  }
  return digester.finish();
}

/** What a copy of these sources would read; `kind` says whether it is one file, one directory or several things. */
export function digestOfFound(root: string, found: readonly Found[], options: ContentDigestOptions): Digest {
  const digester = new Digester(root, options, new Selection(options.ignore, options.excludes));
  digester.begin();
  for (const one of found) digester.source(one);
  return digester.finish();
}

/** Walks by path: what it reads goes nowhere but into a hash, and a walk over descriptors takes half as long again. */
class Digester {
  readonly #root: string;
  readonly #options: ContentDigestOptions;
  readonly #selection: Selection;
  readonly #hash: Hash = createHash('sha256');
  #text = '';
  #links = new Map<string, string>();
  /** Directories that are left out themselves, until something below is taken. */
  readonly #waiting: (() => void)[] = [];
  #pattern = 0;

  constructor(root: string, options: ContentDigestOptions, selection: Selection) {
    this.#root = root;
    this.#options = options;
    this.#selection = selection;
  }

  begin(): void {
    this.#text += `source ${this.#pattern++}\n`;
  }

  source(found: Found): void {
    this.#links = new Map();
    if (found.keep) {
      for (const parent of parentsOf(found)) {
        const path = nativePath(`${this.#root}/${parent.path}`);
        this.#record(parent.to, 'parent', lstatSync(path), readXattrs(path), '');
      }
    }
    // a directory gives its contents and nothing of itself, unless --parents keeps it
    if (found.stat.isDirectory() && !found.keep) this.#children(found.path, '');
    else this.#entry(found.path, '', found.keep?.to ?? found.name, found.stat);
  }

  #children(inRoot: string, inSource: string): void {
    for (const name of listNames(nativePath(inRoot === '' ? this.#root : `${this.#root}/${inRoot}`))) {
      const path = join(inRoot, name);
      const below = join(inSource, name);
      this.#entry(path, below, below, lstatSync(nativePath(`${this.#root}/${path}`)));
    }
  }

  #entry(inRoot: string, inSource: string, label: string, stat: Stats): void {
    const directory = stat.isDirectory();
    if (!this.#selection.everything) {
      const verdict = this.#selection.verdict(inRoot, inSource, directory);
      if (verdict === 'no') return;
      if (verdict === 'below') {
        // the directory comes with the first of its contents that is taken: then it counts like any other
        const depth = this.#waiting.push(() => this.#record(label, 'dir', stat, readXattrs(nativePath(`${this.#root}/${inRoot}`)), ''));
        this.#children(inRoot, inSource);
        this.#waiting.length = Math.min(this.#waiting.length, depth - 1);
        return;
      }
    }
    this.#options.onPath?.(inRoot);
    const path = nativePath(`${this.#root}/${inRoot}`);
    if (directory) {
      this.#record(label, 'dir', stat, readXattrs(path), '');
      this.#children(inRoot, inSource);
    } else if (stat.isFile()) {
      const known = this.#options.cache?.known(stat);
      const xattrs = known ? NONE : readXattrs(path);
      this.#record(label, 'file', stat, xattrs, this.#bytes(path, label, stat, known, xattrs.length === 0));
    } else if (stat.isSymbolicLink()) this.#record(label, 'symlink', stat, readXattrs(path), decodeName(readlinkSync(path, 'buffer')));
    else if (stat.isFIFO()) this.#record(label, 'fifo', stat, readXattrs(path), '');
    else if (stat.isSocket()) this.#record(label, 'socket', stat, readXattrs(path), '');
    else this.#record(label, stat.isBlockDevice() ? 'block' : 'char', stat, readXattrs(path), String(stat.rdev));
    if (this.#text.length > 1 << 16) this.#flush();
  }

  #bytes(path: string | Buffer, label: string, stat: Stats, known: Buffer | undefined, plain: boolean): string {
    let first = '';
    if (stat.nlink > 1) {
      // the layers of an overlay may be several file systems
      const inode = `${stat.dev}:${stat.ino}`;
      const known = this.#links.get(inode);
      if (known === undefined) this.#links.set(inode, label);
      else first = ` link ${known}`;
    }
    const { cache } = this.#options;
    const digest = known ?? (cache && plain ? cache.digest(path, stat) : hashFile(path));
    return digest.toString('latin1') + first;
  }

  #record(label: string, type: string, stat: Stats, xattrs: Xattrs, detail: string): void {
    for (const directory of this.#waiting.splice(0)) directory();
    const owner = this.#options.kind === 'context' ? '' : `${stat.uid}:${stat.gid}`;
    const mode = type === 'symlink' ? 0 : stat.mode & 0o7777;
    this.#text += `${label}\0${type} ${mode} ${owner}\0${detail}\0`;
    for (const [name, value] of xattrs) this.#text += `${name}\0${value.toString('hex')}\0`;
    this.#text += '\n';
  }

  #flush(): void {
    const bytes = encodeName(this.#text);
    this.#hash.update(bytes);
    this.#options.onList?.(bytes);
    this.#text = '';
  }

  finish(): Digest {
    this.#flush();
    return `sha256:${this.#hash.digest('hex')}`;
  }
}
