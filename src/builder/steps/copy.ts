// COPY and ADD: where each source goes by the rules of both engines, and then who writes it there.
import {
  chownSync,
  lchownSync,
  mkdirSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
} from 'node:fs';
import { posix } from 'node:path';
import { isSlipwayError, SlipwayError } from '../../model/index.ts';
import type { EntrySink, Graft } from '../../snapshot/index.ts';
import { type Directory, RootedTree } from '../../sys/index.ts';
import { parseModeChange, type ModeChange } from './chmod.ts';
import { resolveOwner, type Owner } from './owner.ts';
import { LayerCopy } from './layer-copy.ts';
import { parentsOf } from './parents.ts';
import { Selection } from './selection.ts';
import { findSources, type Found } from './sources.ts';
import { withoutUmask } from './umask.ts';
import { isArchive, unpackFile } from './unpack.ts';
import { cleanWords, join, splitPath } from './words.ts';
import { TreeWriter, type WriterOptions } from './writer.ts';
import type { CopyRequest, CopySource, Rootfs } from './types.ts';

/**
 * Does one COPY or ADD on a mounted root file system. Sources are read synchronously; only archives stream.
 * Throws what each engine says: 'copy.*' and the system's own errors.
 */
export async function copyStep(rootfs: Rootfs, request: CopyRequest): Promise<void> {
  try {
    using copy = new Copy(rootfs, request);
    await copy.run();
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'ELOOP') throw e;
    const message = request.style === 'graph' ? 'too many links' : `failed to copy files: too many links in ${request.destination}`;
    throw new SlipwayError('invalid-argument', 'path.too-many-links', message, { cause: e });
  }
}

/** A source that was found, and the tree it lies in. */
interface Item {
  readonly source: CopySource;
  readonly tree: RootedTree;
  readonly found: Found;
}

class Copy implements Disposable {
  readonly #rootfs: Rootfs;
  readonly #request: CopyRequest;
  readonly #owner: Owner | undefined;
  readonly #mode: ModeChange | undefined;
  /** Where all goes, as written, and whether it was written as a directory. */
  readonly #destination: string;
  readonly #asDirectory: boolean;
  readonly #tree: RootedTree;
  readonly #open = new DisposableStack();
  /** Directories that were made on the way, whose times are set last. */
  #made: string[] = [];
  /** What goes into the layer without being made here first. */
  #graft: Graft | undefined;

  constructor(rootfs: Rootfs, request: CopyRequest) {
    this.#rootfs = rootfs;
    this.#request = request;
    this.#mode = request.chmod ? parseModeChange(request.chmod) : undefined;
    const written = request.destination;
    this.#destination = written.startsWith('/') ? written : `${request.workdir}/${written}`;
    // the original engine takes nothing but a slash at the end for a sign of it
    const dot = request.style === 'graph' && (written === '.' || written.endsWith('/.'));
    this.#asDirectory = written.endsWith('/') || dot || request.parents === true;
    this.#tree = this.#open.use(new RootedTree(rootfs.path));
    this.#owner = request.chown ? resolveOwner(this.#tree, request.chown, request.style) : undefined;
  }

  [Symbol.dispose](): void {
    this.#open.dispose();
  }

  async run(): Promise<void> {
    const { sources, style } = this.#request;
    const all = sources.flatMap((source): Item[] => {
      if (source.patterns.length === 0) return [];
      const tree = this.#open.use(new RootedTree(source.root));
      return source.patterns.flatMap((pattern) => this.#find(source, tree, pattern)).map((found) => ({ source, tree, found }));
    });
    if (style === 'classic') this.#checkClassic(all.length);
    const pack = all.length === 1 && (this.#request.files ?? []).length === 0 && style === 'graph' ? this.#request.pack : undefined;
    for (const item of all) {
      const archive = this.#isToUnpack(item) ? await openArchive(item) : undefined;
      if (archive !== undefined) await this.#unpack(archive);
      else withoutUmask(() => this.#one(item, pack !== undefined));
    }
    for (const file of this.#request.files ?? []) withoutUmask(() => this.#inline(file));
    for (const inside of this.#made.reverse()) {
      using directory = this.#tree.directory(inside);
      utimesSync(directory.self, this.#request.now / 1000, this.#request.now / 1000);
    }
    if (this.#graft !== undefined) pack?.(this.#graft);
  }

  #find(source: CopySource, tree: RootedTree, pattern: string): Found[] {
    const { style, instruction, parents } = this.#request;
    return findSources(tree, pattern, { kind: source.kind, style, instruction, ignore: source.ignore, parents });
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

  #isToUnpack({ source, found }: Item): boolean {
    const { instruction } = this.#request;
    const unpack = source.unpack ?? this.#request.unpack;
    return instruction === 'ADD' && unpack !== false && found.stat.isFile() && !found.keep;
  }

  async #unpack(archive: number): Promise<void> {
    try {
      // the original engine leaves owners as the archive has them, whatever --chown says; neither engine heeds --chmod
      const owner = this.#request.style === 'graph' ? this.#owner : undefined;
      using to = withoutUmask(() => this.#makeDirectories(this.#locate(this.#destination), { mode: 0o755, owner }));
      await unpackFile(archive, to.self, { owner });
    } catch (e) {
      if (!isSlipwayError(e) || this.#request.style === 'graph') throw e;
      throw e.withContext({ message: `failed to copy files: ${e.message}` });
    } finally {
      closeSync(archive);
    }
  }

  #one({ source, tree, found }: Item, grafts: boolean): void {
    const options: WriterOptions = {
      tree,
      style: this.#request.style,
      // the original engine keeps them in directories that it copies as they are
      dropCapabilities:
        source.kind === 'context' || (this.#request.style === 'classic' && (this.#owner !== undefined || !found.stat.isDirectory())),
      owner: this.#owner ?? (source.kind === 'context' ? { uid: 0, gid: 0 } : undefined),
      mode: this.#mode,
      selection: new Selection(source.ignore, this.#request.excludes),
      ...(source.digests && { digests: source.digests }),
    };
    const writer = new TreeWriter(options);
    if (found.keep) this.#withParents({ source, tree, found }, writer);
    else if (found.stat.isDirectory()) this.#directory(found, writer, grafts ? options : undefined);
    else {
      const to = this.#fileTarget(found.name);
      using directory = to.directory;
      writer.entry(found.path, found.stat, directory, to.name);
    }
  }

  /** @param grafted how what is in it goes straight into the layer, if it does */
  #directory(found: Found, writer: TreeWriter, grafted: WriterOptions | undefined): void {
    const inside = this.#locate(this.#destination);
    const there = this.#tree.stat(inside);
    if (there && !there.isDirectory()) {
      const mkdir = `mkdir /${inside}: not a directory`;
      const message =
        this.#request.style === 'classic'
          ? `failed to copy files: failed to copy directory: ${mkdir}`
          : this.#asDirectory
            ? mkdir
            : `cannot copy to non-directory: /${inside}`;
      throw new SlipwayError('failed-precondition', 'copy.onto-non-directory', message);
    }
    using to = there ? this.#tree.directory(inside) : this.#newDirectory(inside);
    if (grafted !== undefined) this.#setGraft(found, inside, there !== undefined, grafted);
    else if (there) writer.contents(found.path, to, false);
    else if (this.#rootfs.upper === undefined) writer.contents(found.path, to, true);
    else {
      // nothing below was there before: the overlay's upper directory can be written to without the overlay
      using upper = new RootedTree(this.#rootfs.upper);
      using direct = upper.directory(inside);
      writer.contents(found.path, direct, true);
    }
    if (this.#request.style === 'classic') return;
    // of the directory that is copied, its time goes along, also onto one that was there
    this.#made = this.#made.filter((at) => at !== inside);
    writer.time(found.stat, to.self);
  }

  #setGraft(found: Found, inside: string, there: boolean, options: WriterOptions): void {
    const write = (to: EntrySink): void => {
      using below = there ? this.#tree.directory(inside) : undefined;
      new LayerCopy(options, to).contents(found.path, inside, below);
    };
    this.#graft = { at: inside, write };
  }

  /** The original engine gives the directories above it to root. */
  #newDirectory(inside: string): Directory {
    if (this.#request.style === 'graph' || this.#owner === undefined) return this.#makeDirectories(inside);
    const made = this.#makeDirectories(inside, { ...this.#asAsked(), owner: undefined });
    chownSync(made.self, this.#owner.uid, this.#owner.gid);
    return made;
  }

  #withParents({ source, tree, found }: Item, writer: TreeWriter): void {
    let to = this.#destinationDirectory();
    try {
      for (const parent of parentsOf(found)) {
        const name = splitPath(parent.to)[1];
        const there = to.stat(name);
        if (!there) {
          const stat = tree.stat(parent.path)!;
          mkdirSync(to.at(name), this.#mode ? this.#mode.apply(stat.mode & 0o7777, true) : stat.mode & 0o7777);
          const owner = this.#owner ?? (source.kind === 'stage' ? stat : { uid: 0, gid: 0 });
          lchownSync(to.at(name), owner.uid, owner.gid);
          this.#made.push(join(to.inside, name));
        } else if (!there.isDirectory())
          throw new SlipwayError(
            'failed-precondition',
            'copy.onto-non-directory',
            `cannot copy to non-directory: /${join(to.inside, name)}`,
          );
        const next = to.directory(name);
        to.close();
        to = next;
      }
      if (found.path === '') writer.contents('', to, false);
      else writer.entry(found.path, found.stat, to, splitPath(found.keep!.to)[1]);
    } finally {
      to.close();
    }
  }

  /** Where a single file goes: into a directory under its own name, or to the very name. The caller closes the directory. */
  #fileTarget(name: string): { readonly directory: Directory; readonly name: string } {
    if (this.#asDirectory) return { directory: this.#destinationDirectory(), name };
    const inside = this.#locate(this.#destination);
    if (this.#tree.stat(inside)?.isDirectory()) return { directory: this.#tree.directory(inside), name };
    const [above, last] = splitPath(inside);
    return { directory: this.#makeDirectories(above), name: last };
  }

  /** The destination as a directory that is there. */
  #destinationDirectory(): Directory {
    return this.#makeDirectories(this.#locate(this.#destination));
  }

  #inline(file: { readonly name: string; readonly data: Uint8Array }): void {
    // a file of the Dockerfile has no folder that it could be in
    const path = posix.resolve('/', file.name);
    if (posix.dirname(path) !== '/')
      throw new SlipwayError('invalid-argument', 'copy.inline-path', `open ${path}: no such file or directory`);
    const to = this.#fileTarget(file.name);
    using directory = to.directory;
    const there = directory.stat(to.name);
    if (there?.isDirectory())
      throw new SlipwayError(
        'failed-precondition',
        'copy.onto-directory',
        `cannot replace to directory /${join(directory.inside, to.name)} with file`,
      );
    if (there) unlinkSync(directory.at(to.name));
    const mode = this.#mode ? this.#mode.apply(0o644, false) : 0o644;
    const fd = directory.open(to.name, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode & 0o777);
    try {
      writeFileSync(fd, file.data);
      fchownSync(fd, this.#owner?.uid ?? 0, this.#owner?.gid ?? 0);
      fchmodSync(fd, mode);
      futimesSync(fd, this.#request.now / 1000, this.#request.now / 1000);
    } finally {
      closeSync(fd);
    }
  }

  /** The destination inside the root. With --link the image's own links count for nothing: what is in the way is replaced. */
  #locate(path: string): string {
    if (!this.#request.link) return this.#tree.locate(path);
    const words = cleanWords(path);
    for (let n = 1; n < words.length; n++) {
      const at = words.slice(0, n).join('/');
      if (this.#tree.stat(at)?.isDirectory() !== false) continue;
      const [above, name] = splitPath(at);
      using directory = this.#tree.directory(above);
      unlinkSync(directory.at(name));
    }
    return words.join('/');
  }

  #makeDirectories(inside: string, o: { mode: number; owner: Owner | undefined } = this.#asAsked()): Directory {
    try {
      return this.#tree.makeDirectories(inside, o.mode, (parent, name) => {
        // below a set-group-ID directory the graph engine leaves the group that it inherits
        if (o.owner || this.#request.style === 'classic') chownSync(parent.at(name), o.owner?.uid ?? 0, o.owner?.gid ?? 0);
        this.#made.push(join(parent.inside, name));
      });
    } catch (e) {
      const { code, path } = e as NodeJS.ErrnoException;
      if (code !== 'ENOTDIR') throw e;
      const mkdir = `mkdir ${path}: not a directory`;
      const classic = this.#asDirectory ? `failed to create new directory: ${mkdir}` : `lstat ${this.#destination}: not a directory`;
      const message = this.#request.style === 'graph' ? mkdir : `failed to copy files: ${classic}`;
      throw new SlipwayError('failed-precondition', 'copy.onto-non-directory', message, { cause: e });
    }
  }

  /** As the flags say that directories are made. */
  #asAsked(): { mode: number; owner: Owner | undefined } {
    return { mode: this.#mode?.octal === undefined ? 0o755 : this.#mode.octal & 0o755, owner: this.#owner };
  }
}

/** The open file if it is an archive. */
async function openArchive({ tree, found }: Item): Promise<number | undefined> {
  const fd = tree.openFile(found.path);
  try {
    if (await isArchive(fd)) return fd;
  } catch (e) {
    closeSync(fd);
    throw e;
  }
  closeSync(fd);
  return undefined;
}
