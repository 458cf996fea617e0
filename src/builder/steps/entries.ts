// The small file operations of a build graph that no Dockerfile has a word for: a file, a symbolic link, a removal.
import {
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  lchownSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { compileGlob, hasGlob } from '../../dockerfile/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { type Directory, lutimesNs, reasonOf, RootedTree } from '../../sys/index.ts';
import { resolveOwner } from './owner.ts';
import type { Rootfs } from './types.ts';
import { withoutUmask } from './umask.ts';
import { cleanWords, splitPath } from './words.ts';

interface Entry {
  /** Absolute; links are followed in the directories above. */
  readonly path: string;
  /** `user[:group]`; '' is root. */
  readonly owner: string;
  /** ms since the epoch. */
  readonly time: number;
}

/** Creates a file, in the place of one that is there. @throws SlipwayError `file.*` */
export function makeFile(rootfs: Rootfs, o: Entry & { readonly data: Uint8Array; readonly mode: number }): void {
  make(rootfs, 'mkfile', o, (above, name, { uid, gid }) => {
    const there = above.stat(name);
    // what is there may be anything, and nothing of it is opened
    if (there !== undefined && !there.isDirectory()) unlinkSync(above.at(name));
    const fd = above.open(name, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      writeFileSync(fd, o.data);
      fchownSync(fd, uid, gid);
      fchmodSync(fd, o.mode);
    } finally {
      closeSync(fd);
    }
  });
}

/** Creates a symbolic link where nothing is. @throws SlipwayError `file.*` */
export function makeSymlink(rootfs: Rootfs, o: Entry & { readonly target: string }): void {
  make(rootfs, 'symlink', o, (above, name, { uid, gid }) => {
    symlinkSync(o.target, above.at(name));
    lchownSync(above.at(name), uid, gid);
  });
}

/** Creates one directory below one that is there. @throws SlipwayError `file.*` */
export function makeDirectory(rootfs: Rootfs, o: Entry & { readonly mode: number; readonly parents: boolean }): void {
  using tree = new RootedTree(rootfs.path);
  const { uid, gid } = ownerOf(tree, o.owner);
  asFileError('mkdir', o.path, () => {
    const { inside, missing } = tree.missing(o.path);
    if (missing > 1 && !o.parents) throw Object.assign(new Error(), { code: 'ENOENT' });
    if (missing === 0) return;
    withoutUmask(() => tree.makeDirectories(inside, o.mode, (parent, name) => chownSync(parent.at(name), uid, gid))).close();
    const words = inside.split('/');
    // the deepest first, as it was made last
    for (let i = 0; i < missing; i++) {
      using made = tree.directory(words.slice(0, words.length - i).join('/'));
      setTime(made.self, o.time);
    }
  });
}

/** Removes what a path or pattern names, with all that is below. @throws SlipwayError `file.*` */
export function removeEntries(
  rootfs: Rootfs,
  o: { readonly path: string; readonly wildcard: boolean; readonly allowNotFound: boolean },
): void {
  using tree = new RootedTree(rootfs.path);
  asFileError('rm', o.path, () => {
    const words = cleanWords(o.path);
    const found = o.wildcard && hasGlob(o.path) ? matching(tree, words) : [words.join('/')];
    for (const path of found) removeOne(tree, path, o.allowNotFound || o.wildcard);
  });
}

function removeOne(tree: RootedTree, path: string, allowNotFound: boolean): void {
  const [above, name] = splitPath(tree.locate(path, true));
  if (name === '') throw new SlipwayError('invalid-argument', 'file.root', 'rm /: the root of a file system cannot be removed');
  if (tree.stat(above === '' ? name : `${above}/${name}`) === undefined) {
    if (allowNotFound) return;
    throw Object.assign(new Error(), { code: 'ENOENT' });
  }
  using folder = tree.directory(above);
  rmSync(folder.at(name), { recursive: true });
}

/** Paths that match word by word; no link is followed from the first pattern on. */
function matching(tree: RootedTree, words: readonly string[]): string[] {
  const first = words.findIndex(hasGlob);
  const walk = (path: string, rest: readonly string[]): string[] => {
    const [word, ...more] = rest;
    if (word === undefined) return [path];
    if (tree.stat(path)?.isDirectory() !== true) return [];
    const glob = compileGlob(word);
    return tree.list(path).flatMap((name) => (glob.matches(name) ? walk(path === '' ? name : `${path}/${name}`, more) : []));
  };
  return walk(tree.locate(words.slice(0, first).join('/')), words.slice(first));
}

function make(
  rootfs: Rootfs,
  call: string,
  o: Entry,
  fn: (above: Directory, name: string, owner: { readonly uid: number; readonly gid: number }) => void,
): void {
  using tree = new RootedTree(rootfs.path);
  const owner = ownerOf(tree, o.owner);
  asFileError(call, o.path, () => {
    const words = cleanWords(o.path);
    const name = words.pop();
    if (name === undefined) throw Object.assign(new Error(), { code: 'EISDIR' });
    using above = tree.directory(words.join('/'));
    fn(above, name, owner);
    setTime(above.at(name), o.time);
  });
}

const setTime = (path: string | Buffer, ms: number): void => {
  const ns = BigInt(Math.trunc(ms)) * 1_000_000n;
  lutimesNs(path, ns, ns);
};

const ownerOf = (tree: RootedTree, owner: string): { uid: number; gid: number } =>
  owner === '' ? { uid: 0, gid: 0 } : resolveOwner(tree, owner, 'graph');

function asFileError(call: string, path: string, fn: () => void): void {
  try {
    fn();
  } catch (cause) {
    const reason = reasonOf(cause, 'ENOENT', 'ENOTDIR', 'EEXIST', 'EISDIR', 'ELOOP', 'ENAMETOOLONG');
    if (reason === undefined) throw cause;
    throw new SlipwayError('failed-precondition', 'file.failed', `${call} ${path}: ${reason}`, { cause });
  }
}
