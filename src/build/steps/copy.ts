// COPY and ADD: where each source goes by the rules of both engines, and then who writes it there.
import { chownSync, lchownSync, mkdirSync, rmSync, statSync, unlinkSync, utimesSync, writeFileSync, type Stats } from 'node:fs';
import { isSlipwayError, SlipwayError } from '../../model/index.ts';
import { parseModeChange, type ModeChange } from './chmod.ts';
import { cleanWords, followInside, lstatOrNone, makeDirectories } from './inside.ts';
import { resolveOwner, type Owner } from './owner.ts';
import { parentsOf } from './parents.ts';
import { Selection } from './selection.ts';
import { findSources, type Found } from './sources.ts';
import { withoutUmask } from './umask.ts';
import { isArchive, unpackFile } from './unpack.ts';
import { TreeWriter } from './writer.ts';
import type { CopyRequest, CopySource, Rootfs } from './types.ts';

/**
 * Does one COPY or ADD on a mounted root file system. Sources are read synchronously; only archives stream.
 * Throws what each engine says: 'copy.*' and the system's own errors.
 */
export async function copyStep(rootfs: Rootfs, request: CopyRequest): Promise<void> {
  await new Copy(rootfs, request).run();
}

class Copy {
  readonly #rootfs: Rootfs;
  readonly #request: CopyRequest;
  readonly #owner: Owner | undefined;
  readonly #mode: ModeChange | undefined;
  /** Where all goes, as words below the root, and whether it was written as a directory. */
  readonly #destination: string;
  readonly #asDirectory: boolean;
  /** Directories that were made on the way, whose times are set last. */
  readonly #made: string[] = [];

  constructor(rootfs: Rootfs, request: CopyRequest) {
    this.#rootfs = rootfs;
    this.#request = request;
    this.#owner = request.chown ? resolveOwner(rootfs.path, request.chown, request.style) : undefined;
    this.#mode = request.chmod ? parseModeChange(request.chmod) : undefined;
    const written = request.destination;
    this.#destination = written.startsWith('/') ? written : `${request.workdir}/${written}`;
    this.#asDirectory = written.endsWith('/') || written === '.' || written.endsWith('/.') || request.parents === true;
  }

  async run(): Promise<void> {
    const { sources, style } = this.#request;
    const all = sources
      .map((source) => source.patterns.flatMap((pattern) => this.#find(source, pattern)).map((found) => ({ source, found })))
      .flat();
    if (style === 'classic') this.#checkClassic(all.length);
    for (const { source, found } of all) {
      if (await this.#isToUnpack(source, found)) await this.#unpack(source, found);
      else withoutUmask(() => this.#one(source, found));
    }
    for (const file of this.#request.files ?? []) withoutUmask(() => this.#inline(file));
    for (const path of this.#made.reverse()) utimesSync(path, this.#request.now / 1000, this.#request.now / 1000);
  }

  #find(source: CopySource, pattern: string): Found[] {
    const { style, instruction, parents } = this.#request;
    return findSources(pattern, { root: source.root, kind: source.kind, style, instruction, ignore: source.ignore, parents });
  }

  #checkClassic(count: number): void {
    const { instruction, destination } = this.#request;
    if (count === 0) throw new SlipwayError('not-found', 'copy.no-sources', `${instruction} failed: no source files were specified`);
    if (count > 1 && !destination.endsWith('/')) {
      throw new SlipwayError(
        'invalid-argument',
        'copy.needs-directory',
        `When using ${instruction} with more than one source file, the destination must be a directory and end with a /`,
      );
    }
  }

  async #isToUnpack(source: CopySource, found: Found): Promise<boolean> {
    const { instruction } = this.#request;
    const unpack = source.unpack ?? this.#request.unpack;
    return instruction === 'ADD' && unpack !== false && found.stat.isFile() && !found.keep && (await isArchive(hostPath(source, found)));
  }

  async #unpack(source: CopySource, found: Found): Promise<void> {
    // the original engine leaves owners as the archive has them, whatever --chown says; neither engine heeds --chmod
    const owner = this.#request.style === 'graph' ? this.#owner : undefined;
    const inside = this.#follow(this.#destination);
    withoutUmask(() => this.#makeDirectories(inside, { mode: 0o755, owner }));
    try {
      await unpackFile(hostPath(source, found), this.#host(inside), { owner });
    } catch (e) {
      if (!isSlipwayError(e) || this.#request.style === 'graph') throw e;
      throw new SlipwayError(e.kind, e.code, `failed to copy files: ${e.message}`, { cause: e, hints: e.hints });
    }
  }

  #one(source: CopySource, found: Found): void {
    const writer = new TreeWriter({
      root: source.root,
      style: this.#request.style,
      dropCapabilities: source.kind === 'context' || (this.#request.style === 'classic' && this.#owner !== undefined),
      owner: this.#owner ?? (source.kind === 'context' ? { uid: 0, gid: 0 } : undefined),
      mode: this.#mode,
      selection: new Selection(source.ignore, this.#request.excludes),
      ...(source.digests && { digests: source.digests }),
      shown: (path) => this.#shown(path),
    });
    if (found.keep) this.#withParents(source, found, writer);
    else if (found.stat.isDirectory()) this.#directory(found, writer);
    else writer.entry(found.path, found.stat, this.#fileTarget(found.name));
  }

  #directory(found: Found, writer: TreeWriter): void {
    const inside = this.#follow(this.#destination);
    const to = this.#host(inside);
    const there = lstatOrNone(to);
    if (there && !there.isDirectory()) {
      const mkdir = `mkdir ${this.#shown(to)}: not a directory`;
      const message =
        this.#request.style === 'classic'
          ? `failed to copy files: failed to copy directory: ${mkdir}`
          : this.#asDirectory
            ? mkdir
            : `cannot copy to non-directory: ${this.#shown(to)}`;
      throw new SlipwayError('failed-precondition', 'copy.onto-non-directory', message);
    }
    if (there) {
      writer.contents(found.path, to, false);
      return;
    }
    this.#makeDirectories(inside);
    // nothing below was there before: the overlay's upper directory can be written to without the overlay
    writer.contents(found.path, this.#rootfs.upper === undefined ? to : `${this.#rootfs.upper}/${inside}`, true);
  }

  #withParents(source: CopySource, found: Found, writer: TreeWriter): void {
    const base = this.#destinationDirectory();
    for (const parent of parentsOf(found)) {
      const to = this.#host(base === '' ? parent.to : `${base}/${parent.to}`);
      if (lstatOrNone(to)?.isDirectory()) continue;
      const stat = statSync(`${source.root}/${parent.path}`);
      mkdirSync(to, this.#mode ? this.#mode.apply(stat.mode & 0o7777, true) : stat.mode & 0o7777);
      this.#own(to, source.kind === 'stage' ? stat : undefined);
      this.#made.push(to);
    }
    const to = this.#host(base === '' ? found.keep!.to : `${base}/${found.keep!.to}`);
    writer.entry(found.path, found.stat, to);
  }

  /** Where a single file goes: into a directory under its own name, or to the very name. */
  #fileTarget(name: string): string {
    if (this.#asDirectory) return `${this.#host(this.#destinationDirectory())}/${name}`;
    const inside = this.#follow(this.#destination);
    const to = this.#host(inside);
    if (lstatOrNone(to)?.isDirectory()) return `${to}/${name}`;
    const cut = inside.lastIndexOf('/');
    this.#makeDirectories(cut < 0 ? '' : inside.slice(0, cut));
    return to;
  }

  /** The destination as a directory that is there. */
  #destinationDirectory(): string {
    const inside = this.#follow(this.#destination);
    this.#makeDirectories(inside);
    return inside;
  }

  #inline(file: { readonly name: string; readonly data: Uint8Array }): void {
    const to = this.#fileTarget(file.name);
    const there = lstatOrNone(to);
    if (there?.isDirectory())
      throw new SlipwayError('failed-precondition', 'copy.onto-directory', `cannot replace to directory ${this.#shown(to)} with file`);
    if (there) unlinkSync(to);
    writeFileSync(to, file.data, { mode: this.#mode ? this.#mode.apply(0o644, false) : 0o644 });
    this.#own(to, undefined);
    utimesSync(to, this.#request.now / 1000, this.#request.now / 1000);
  }

  /** The destination inside the root. With --link the image's own links count for nothing: what is in the way is replaced. */
  #follow(path: string): string {
    if (!this.#request.link) return followInside(this.#rootfs.path, path);
    const words = cleanWords(path);
    words.forEach((_, i) => {
      const at = this.#host(words.slice(0, i + 1).join('/'));
      if (i < words.length - 1 && lstatOrNone(at)?.isDirectory() === false) rmSync(at);
    });
    return words.join('/');
  }

  #makeDirectories(inside: string, o: { mode: number; owner: Owner | undefined } = this.#asAsked()): void {
    try {
      makeDirectories(this.#rootfs.path, inside, o.mode, (path) => {
        lchownSync(path, o.owner?.uid ?? 0, o.owner?.gid ?? 0);
        this.#made.push(path);
      });
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code !== 'ENOTDIR') throw e;
      throw new SlipwayError(
        'failed-precondition',
        'copy.onto-non-directory',
        `mkdir ${(e as NodeJS.ErrnoException).path}: not a directory`,
        { cause: e },
      );
    }
  }

  /** As the flags say that directories are made. */
  #asAsked(): { mode: number; owner: Owner | undefined } {
    return { mode: this.#mode?.octal === undefined ? 0o755 : this.#mode.octal & 0o755, owner: this.#owner };
  }

  #own(path: string, stat: Stats | undefined): void {
    const owner = this.#owner ?? stat ?? { uid: 0, gid: 0 };
    (stat ? chownSync : lchownSync)(path, owner.uid, owner.gid);
  }

  #host(inside: string): string {
    return inside === '' ? this.#rootfs.path : `${this.#rootfs.path}/${inside}`;
  }

  #shown(path: string): string {
    for (const root of [this.#rootfs.path, this.#rootfs.upper]) {
      if (root !== undefined && path.startsWith(`${root}/`)) return path.slice(root.length);
    }
    return path;
  }
}

function hostPath(source: CopySource, found: Found): string {
  return found.path === '' ? source.root : `${source.root}/${found.path}`;
}
