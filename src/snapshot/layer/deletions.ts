// The two ways to carry out what a layer deletes. In both, a deletion concerns only the layers below: what the same layer brings stays,
// in whichever order the entries stand (OCI image-spec, layer.md, "Whiteouts").
import fs from 'node:fs';
import { decodeName, nativePath } from '../../archive/index.ts';
import { isWhiteout, makeOpaque, makeWhiteout } from './overlay.ts';
import { joinRelative } from './paths.ts';
import type { Directory } from './layer-directories.ts';

export interface Deletions {
  /** True where deletions take things away now, so that directories looked up before may be no more. */
  readonly removes: boolean;
  /** `name` in `directory` is gone, as far as layers below are concerned. */
  hide(directory: Directory, name: string): void;
  /** The same for everything in `directory`. */
  hideContents(directory: Directory): void;
  /** The layer itself brought something here (a path relative to the root). */
  unpacked(rel: string): void;
  /** A directory was made where `before` stood. */
  replacedByDirectory(path: string, before: fs.Stats): void;
  /** Whether what stands here only marks a deletion. */
  isDeleted(stats: fs.Stats): boolean;
  finish(): void;
}

/** Marks for overlayfs, in an upper directory that began empty: all that is in it came from this layer. */
export class OverlayDeletions implements Deletions {
  readonly removes = false;
  private readonly root: string;
  private readonly lowers: readonly string[];
  private rootHidden = false;

  constructor(root: string, lowers: readonly string[]) {
    this.root = root;
    this.lowers = lowers;
  }

  hide(directory: Directory, name: string): void {
    const path = nativePath(`${directory.path}/${name}`);
    const stats = fs.lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) makeWhiteout(path);
    else if (stats.isDirectory()) makeOpaque(path);
  }

  hideContents(directory: Directory): void {
    if (directory.rel === '') this.rootHidden = true;
    else makeOpaque(nativePath(directory.path));
  }

  unpacked(): void {}

  replacedByDirectory(path: string, before: fs.Stats): void {
    if (isWhiteout(before)) makeOpaque(nativePath(path));
  }

  isDeleted(stats: fs.Stats): boolean {
    return isWhiteout(stats);
  }

  /** The kernel always merges the root of an overlay, so what is below it is hidden name by name. */
  finish(): void {
    if (!this.rootHidden) return;
    const root: Directory = { path: this.root, rel: '', parent: undefined, setgid: false };
    const names = new Set(this.lowers.flatMap((lower) => readNames(lower)));
    for (const name of names) this.hide(root, name);
  }
}

/** Removals in a tree that holds the layers below already. */
export class FlatDeletions implements Deletions {
  readonly removes = true;
  private readonly root: string;
  private readonly ours = new Set<string>();

  constructor(root: string) {
    this.root = root;
  }

  hide(directory: Directory, name: string): void {
    this.remove(joinRelative(directory.rel, name));
  }

  hideContents(directory: Directory): void {
    for (const name of readNames(directory.path)) this.remove(joinRelative(directory.rel, name));
  }

  unpacked(rel: string): void {
    this.ours.add(rel);
  }

  replacedByDirectory(): void {}

  isDeleted(): boolean {
    return false;
  }

  finish(): void {}

  /** Removes what is not this layer's own, and every directory that this empties. */
  private remove(rel: string): void {
    const path = `${this.root}/${rel}`;
    const native = nativePath(path);
    const stats = fs.lstatSync(native, { throwIfNoEntry: false });
    if (stats === undefined) return;
    if (!stats.isDirectory()) {
      if (!this.ours.has(rel)) fs.unlinkSync(native);
      return;
    }
    const names = readNames(path);
    for (const name of names) this.remove(joinRelative(rel, name));
    if (!this.ours.has(rel) && fs.readdirSync(native).length === 0) fs.rmdirSync(native);
  }
}

function readNames(directory: string): string[] {
  return fs.readdirSync(nativePath(directory), { encoding: 'buffer' }).map(decodeName);
}
