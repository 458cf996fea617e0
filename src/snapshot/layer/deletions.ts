// The two ways to carry out what a layer deletes. In both, a deletion concerns only the layers below: what the same layer brings stays,
// in whichever order the entries stand (OCI image-spec, layer.md, "Whiteouts").
import fs from 'node:fs';
import { type Directory, listNames } from '../../sys/index.ts';
import { isWhiteout, makeOpaque, makeWhiteout } from './overlay.ts';
import { joinRelative } from './paths.ts';

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
  replacedByDirectory(native: string | Buffer, before: fs.Stats): void;
  /** Whether what stands here only marks a deletion. */
  isDeleted(stats: fs.Stats): boolean;
  /** @param root the directory that is unpacked into */
  finish(root: Directory): void;
}

/** Marks for overlayfs, in an upper directory that began empty: all that is in it came from this layer. */
export class OverlayDeletions implements Deletions {
  readonly removes = false;
  private readonly lowers: readonly string[];
  private rootHidden = false;

  constructor(lowers: readonly string[]) {
    this.lowers = lowers;
  }

  hide(directory: Directory, name: string): void {
    const stats = directory.stat(name);
    if (stats === undefined) makeWhiteout(directory.at(name));
    else if (stats.isDirectory()) makeOpaque(directory.at(name));
  }

  hideContents(directory: Directory): void {
    if (directory.inside === '') this.rootHidden = true;
    else makeOpaque(directory.self);
  }

  unpacked(): void {}

  replacedByDirectory(native: string | Buffer, before: fs.Stats): void {
    if (isWhiteout(before)) makeOpaque(native);
  }

  isDeleted(stats: fs.Stats): boolean {
    return isWhiteout(stats);
  }

  /** The kernel always merges the root of an overlay, so what is below it is hidden name by name. */
  finish(root: Directory): void {
    if (!this.rootHidden) return;
    const names = new Set(this.lowers.flatMap((lower) => listNames(lower)));
    for (const name of names) this.hide(root, name);
  }
}

/** Removals in a tree that holds the layers below already. */
export class FlatDeletions implements Deletions {
  readonly removes = true;
  private readonly ours = new Set<string>();
  /** Directories that hold nothing of the layers below any more, and never will again. */
  private readonly hidden = new Set<string>();

  hide(directory: Directory, name: string): void {
    const stats = directory.stat(name);
    if (stats === undefined) return;
    const ours = this.ours.has(joinRelative(directory.inside, name));
    if (!stats.isDirectory()) {
      if (!ours) fs.unlinkSync(directory.at(name));
      return;
    }
    using below = directory.directory(name);
    this.hideContents(below);
    if (!ours && below.list().length === 0) fs.rmdirSync(directory.at(name));
  }

  /** Removes what is not this layer's own, and every directory that this empties. */
  hideContents(directory: Directory): void {
    if (this.hidden.has(directory.inside)) return;
    this.hidden.add(directory.inside);
    for (const name of directory.list()) this.hide(directory, name);
  }

  unpacked(rel: string): void {
    this.ours.add(rel);
  }

  replacedByDirectory(): void {}

  isDeleted(): boolean {
    return false;
  }

  finish(): void {}
}
