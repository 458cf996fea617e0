// `cp`: files between a container and this machine, by Docker's rules on names. What comes out of a container is resolved inside it, and is
// put together again here by the same code that unpacks layers: nothing in it can lead elsewhere.
import { closeSync, createWriteStream, openSync, readSync, rmSync, type Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type TarEntry, type TarHandler, TarParser } from '../archive/index.ts';
import { SlipwayError } from '../model/index.ts';
import { LayerApplier, tarEntry } from '../snapshot/index.ts';
import { resolveUser } from '../runtime/index.ts';
import { ownedFolder } from '../store/index.ts';
import { RootedTree } from '../sys/index.ts';
import { refuseReadonly, withFiles } from './files.ts';
import type { ContainerManager } from './manager.ts';
import type { Container } from './types.ts';

export interface CopyOptions {
  /** A link that is named itself stands for what it leads to. */
  readonly follow?: boolean;
  /** What comes out keeps its owners. */
  readonly archive?: boolean;
}

interface Source {
  /** Relative to the root of its tree. */
  readonly inside: string;
  /** As it is called at the destination. */
  readonly name: string;
  readonly directory: boolean;
  /** `folder/.`: what is in it, not the folder. */
  readonly contents: boolean;
}

/** From the absolute path `local` to `path` of a container. Returns the bytes of the archive between them. */
export function copyIn(manager: ContainerManager, c: Container, local: string, path: string, o: CopyOptions = {}): Promise<number> {
  return withFiles(manager, c, { writing: true }, ({ root, tree }) => {
    using here = new RootedTree('/');
    const source = sourceOf(here, local, o.follow === true, `lstat ${local}: no such file or directory`);
    const to = destinationOf(tree, path, source, (missing) => `Could not find the file /${missing} in container ${c.name}`);
    refuseReadonly(c, to.inside);
    return transfer(here, source, root, to, (applier) => applier);
  });
}

/** From `path` of a container to the absolute path `local`. Returns the bytes of the archive between them. */
export function copyOut(manager: ContainerManager, c: Container, path: string, local: string, o: CopyOptions = {}): Promise<number> {
  return withFiles(manager, c, { writing: false }, ({ tree, isMachine }) => {
    const source = sourceOf(tree, path, o.follow === true, notIn(c, path), isMachine);
    using here = new RootedTree('/');
    const to = destinationOf(
      here,
      local,
      source,
      (missing) => `invalid output path: directory ${JSON.stringify(`/${missing}`)} does not exist`,
    );
    const ours = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
    return transfer(tree, source, '/', to, (applier) => (o.archive === true ? applier : new Changed(applier, (e) => ({ ...e, ...ours }))));
  });
}

/** What stands at a path of a container, as Docker's clients are told. */
export interface PathStat {
  readonly name: string;
  readonly size: number;
  /** As Go's os.FileMode has it: permissions, and a bit for each other type. */
  readonly mode: number;
  readonly mtimeMs: number;
  /** Of a link that is named itself; else empty. */
  readonly linkTarget: string;
}

/** @throws SlipwayError not-found `copy.not-found` */
export function pathStat(manager: ContainerManager, c: Container, path: string): Promise<PathStat> {
  return withFiles(manager, c, { writing: false }, ({ tree, isMachine }) => {
    const { inside, name } = sourceOf(tree, path, false, notIn(c, path), isMachine);
    const stat = tree.stat(inside)!;
    return { name, size: stat.size, mode: goMode(stat), mtimeMs: stat.mtimeMs, linkTarget: tree.readLink(inside) ?? '' };
  });
}

/** Types, by the bits of st_mode (inode(7)). */
const GO_TYPES: Readonly<Record<number, number>> = {
  0o040000: 2 ** 31,
  0o120000: 2 ** 27,
  0o060000: 2 ** 26,
  0o020000: 2 ** 26 + 2 ** 21,
  0o010000: 2 ** 25,
  0o140000: 2 ** 24,
};

function goMode({ mode }: Stats): number {
  const bit = (here: number, there: number): number => ((mode & here) === 0 ? 0 : there);
  return (mode & 0o777) + (GO_TYPES[mode & 0o170000] ?? 0) + bit(0o4000, 2 ** 23) + bit(0o2000, 2 ** 22) + bit(0o1000, 2 ** 20);
}

/** Writes what stands at `path` of a container as an archive; chunks are valid only during the call. */
export function archiveOut(
  manager: ContainerManager,
  c: Container,
  path: string,
  o: CopyOptions,
  sink: (chunk: Buffer) => void,
): Promise<number> {
  return withFiles(manager, c, { writing: false }, ({ tree, isMachine }) => {
    const source = sourceOf(tree, path, o.follow === true, notIn(c, path), isMachine);
    return write(tree, source, source.contents ? '' : source.name, source.contents, sink);
  });
}

export interface UnpackOptions {
  /** What is unpacked belongs to the container's user, and not to whom the archive names. */
  readonly ownedByUser?: boolean;
}

/** Unpacks a tar into the folder `path` of a container. Below its mounted files nothing waits: the whole archive is here before they are. */
export async function archiveIn(
  manager: ContainerManager,
  c: Container,
  archive: AsyncIterable<Buffer>,
  path: string,
  o: UnpackOptions = {},
): Promise<void> {
  const folder = ownedFolder(manager.parts.layout);
  try {
    const file = join(folder, 'archive');
    await pipeline(archive, createWriteStream(file, { mode: 0o600 }));
    await withFiles(manager, c, { writing: true }, ({ root, tree }) => {
      const inside = tree.locate(path);
      const found = tree.stat(inside);
      if (found === undefined) throw new SlipwayError('not-found', 'container.no-file', notIn(c, path));
      if (!found.isDirectory()) throw refused(`destination "${c.name}:${path}" must be a directory`);
      refuseReadonly(c, inside);
      const below = (name: string): string => (inside === '' ? name : `${inside}/${name}`);
      const owner = o.ownedByUser === true ? ownerOf(root, c) : {};
      const moved = (e: TarEntry): TarEntry => ({
        ...e,
        ...owner,
        path: below(e.path),
        ...(e.type === 'link' && { link: below(e.link ?? '') }),
      });
      unpack(
        root,
        (applier) => new Changed(applier, moved),
        (parser) => readInto(file, parser),
      );
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function ownerOf(root: string, c: Container): { readonly uid: number; readonly gid: number } {
  const { uid, gid } = resolveUser(root, c.process.user);
  return { uid, gid };
}

function readInto(file: string, parser: TarParser): void {
  const fd = openSync(file, 'r');
  try {
    const chunk = Buffer.allocUnsafe(1 << 20);
    for (let n = readSync(fd, chunk); n > 0; n = readSync(fd, chunk)) parser.write(chunk.subarray(0, n));
  } finally {
    closeSync(fd);
  }
}

function sourceOf(
  tree: RootedTree,
  path: string,
  follow: boolean,
  missing: string,
  hidden: (inside: string) => boolean = () => false,
): Source {
  const contents = /(?:^|\/)\.?$/.test(path) && (path.endsWith('.') || basename(path) === '');
  const whole = contents || path.endsWith('/');
  let inside = '';
  let stat: Stats | undefined;
  try {
    inside = tree.locate(path, !(follow || whole));
    stat = hidden(inside) ? undefined : tree.stat(inside);
  } catch (e) {
    if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes((e as NodeJS.ErrnoException).code ?? '')) throw e;
  }
  if (stat === undefined) throw new SlipwayError('not-found', 'copy.not-found', missing);
  if (whole && !stat.isDirectory()) throw refused('not a directory');
  return { inside, name: basename(path) || '.', directory: stat.isDirectory(), contents: contents || inside === '' };
}

/** Where it goes: `inside` is what the copy is called; `exists` says that this is a folder that stays. */
function destinationOf(
  tree: RootedTree,
  path: string,
  source: Source,
  noParent: (inside: string) => string,
): { readonly inside: string; readonly exists: boolean } {
  const asFolder = /(?:^|\/)\.?$/.test(path);
  const inside = tree.locate(path);
  const stat = tree.stat(inside);
  if (stat?.isDirectory() === true)
    return source.contents ? { inside, exists: true } : { inside: inside === '' ? source.name : `${inside}/${source.name}`, exists: false };
  if (stat !== undefined && source.directory) throw refused('cannot copy directory');
  const above = dirname(`/${inside}`).slice(1);
  if (stat === undefined && tree.stat(above)?.isDirectory() !== true)
    throw new SlipwayError('not-found', 'copy.not-found', noParent(above));
  if (asFolder && !source.directory) throw refused('no such directory');
  return { inside, exists: false };
}

function transfer(
  from: RootedTree,
  source: Source,
  root: string,
  to: { readonly inside: string; readonly exists: boolean },
  through: (applier: LayerApplier) => TarHandler,
): number {
  return unpack(root, through, (parser) => write(from, source, to.inside, to.exists, (chunk) => parser.write(chunk)));
}

/** The archive of a source: its contents alone, or itself under the name `as`. */
function write(from: RootedTree, source: Source, as: string, contents: boolean, sink: (chunk: Buffer) => void): number {
  const { inside } = source;
  if (contents || inside === '') {
    using directory = from.directory(inside);
    return tarEntry(directory, undefined, as, sink).size;
  }
  using parent = from.directory(dirname(`/${inside}`).slice(1));
  return tarEntry(parent, basename(inside), as, sink).size;
}

function unpack<T>(root: string, through: (applier: LayerApplier) => TarHandler, feed: (parser: TarParser) => T): T {
  const applier = new LayerApplier(root, { overlay: false, plain: true });
  try {
    const parser = new TarParser(through(applier));
    const result = feed(parser);
    parser.finish();
    applier.finish();
    return result;
  } catch (error) {
    applier.abort();
    throw error;
  }
}

/** Hands entries on as `change` makes them. */
class Changed implements TarHandler {
  readonly #to: TarHandler;
  readonly #change: (entry: TarEntry) => TarEntry;

  constructor(to: TarHandler, change: (entry: TarEntry) => TarEntry) {
    this.#to = to;
    this.#change = change;
  }

  entry(entry: TarEntry): void {
    this.#to.entry(this.#change(entry));
  }

  data(chunk: Buffer): void {
    this.#to.data(chunk);
  }

  end(): void {
    this.#to.end();
  }
}

const notIn = (c: Container, path: string): string =>
  `Could not find the file ${path.startsWith('/') ? path : `/${path}`} in container ${c.name}`;
const refused = (message: string): SlipwayError => new SlipwayError('invalid-argument', 'copy.refused', message);
