// Writes the result of a build to where it goes besides the store: files, archives, layouts.
import { closeSync, createReadStream, mkdirSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Lease } from '../content/index.ts';
import { type ArchiveTarget, type Image, openSink, saveImage, TarSink } from '../image/index.ts';
import { formatReference, parseReference, withDefaultTag } from '../model/index.ts';
import type { CopyTarget, ImageName } from '../registry/index.ts';
import { ownedFolder } from '../store/index.ts';
import { type Mount, tarTree, withMounted } from '../snapshot/index.ts';
import type { Engine } from './engine.ts';
import { withCleanup } from '../util/index.ts';

/** Writes an image as the store has it. `names` are its names in the archive. */
export async function writeImage(
  engine: Engine,
  image: Image,
  out: { readonly dest: ArchiveTarget; readonly format: 'docker' | 'oci'; readonly folder: boolean },
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  // what takes no folder gets the archive of one
  if (!out.folder || typeof out.dest !== 'string')
    return await saveImage(engine.images, image, names, out.dest, { format: out.format, signal });
  await writeLayout(engine, image, names, out.dest, signal);
}

/** The files of an image, to be mounted: nothing at all for one without layers. The lease keeps them. */
export async function viewOf(engine: Engine, image: Image, lease: Lease): Promise<Mount[]> {
  return image.layers.length === 0 ? [] : engine.snapshots.view(await engine.images.snapshot(image, lease, {}));
}

/** What is written of one platform, and where it lies: `''`, or a folder's name. */
export interface Tree {
  readonly folder: string;
  readonly view: readonly Mount[];
  /** Small files beside the others. */
  readonly documents: readonly { readonly name: string; readonly content: Buffer }[];
}

/** One tar of the files of all trees. @param time seconds since the epoch, of everything in it */
export async function writeTar(
  engine: Engine,
  trees: readonly Tree[],
  dest: ArchiveTarget,
  time: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  const sink = await openSink(dest, signal);
  try {
    const tar = new TarSink(sink, time);
    for (const { folder, view, documents } of trees) {
      const prefix = folder === '' ? '' : `${folder}/`;
      if (prefix !== '') tar.directory(prefix);
      // Written before it first waits, while the files are mounted.
      withMounted(engine.layout, view, (root) => {
        tarTree(root, (chunk) => sink.write(chunk), {
          open: true,
          ...(prefix !== '' && { prefix }),
          ...(time !== undefined && { time: BigInt(time) * 1_000_000_000n }),
        });
      });
      for (const { name, content } of documents) tar.file(`${prefix}${name}`, content);
      await sink.drain();
    }
    tar.finish();
    await sink.finish();
  } catch (e) {
    sink.abort();
    throw e;
  }
}

/** The layout as a folder: the archive, unpacked. */
async function writeLayout(engine: Engine, image: Image, names: readonly string[], dest: string, signal: AbortSignal): Promise<void> {
  const folder = ownedFolder(engine.layout);
  const work = async (): Promise<void> => {
    const archive = join(folder, 'layout.tar');
    await saveImage(engine.images, image, names, archive, { format: 'oci', signal });
    mkdirSync(dest, { recursive: true });
    const { unpackFile } = await import('../builder/index.ts');
    const fd = openSync(archive, 'r');
    try {
      await unpackFile(fd, dest, { owner: { uid: process.geteuid!(), gid: process.getegid!() } }, signal);
    } finally {
      closeSync(fd);
    }
  };
  await withCleanup(work, () => rmSync(folder, { recursive: true, force: true }));
}

/** Lets `write` fill an archive that `docker load` reads, with one image. */
export async function writeArchiveWith<T>(
  dest: ArchiveTarget,
  names: readonly string[],
  signal: AbortSignal,
  write: (target: CopyTarget) => Promise<T>,
): Promise<T> {
  const { DockerArchiveTarget } = await import('../registry/index.ts');
  const target = new DockerArchiveTarget(await openSink(dest, signal), names);
  try {
    const result = await write(target);
    await target.finish();
    return result;
  } catch (e) {
    target.abort();
    throw e;
  }
}

/** Lets `write` fill a layout, which becomes a folder (where `folder` says so, or `dest` is one), or an archive at `dest`. */
export async function writeLayoutWith<T>(
  engine: Engine,
  dest: ArchiveTarget,
  names: readonly string[],
  signal: AbortSignal,
  folder: boolean,
  write: (target: CopyTarget) => Promise<T>,
): Promise<T> {
  const { LayoutTarget } = await import('../registry/index.ts');
  const called = names.map((name): ImageName => {
    const ref = withDefaultTag(parseReference(name));
    return { tag: ref.tag ?? 'latest', whole: formatReference(ref) };
  });
  const asFolder = typeof dest === 'string' && (folder || statSync(dest, { throwIfNoEntry: false })?.isDirectory() === true);
  if (asFolder) return await write(new LayoutTarget(dest, called));
  const scratch = ownedFolder(engine.layout);
  const work = async (): Promise<T> => {
    const result = await write(new LayoutTarget(scratch, called));
    await packFolder(scratch, dest, signal);
    return result;
  };
  return await withCleanup(work, () => rmSync(scratch, { recursive: true, force: true }));
}

/** The plain files of a folder as a tar. */
async function packFolder(folder: string, dest: ArchiveTarget, signal: AbortSignal): Promise<void> {
  const sink = await openSink(dest, signal);
  try {
    const tar = new TarSink(sink);
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }).toSorted((a, b) =>
      join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1,
    )) {
      signal.throwIfAborted();
      const path = join(entry.parentPath, entry.name);
      const name = relative(folder, path);
      if (entry.isDirectory()) {
        tar.directory(`${name}/`);
        continue;
      }
      const { size } = statSync(path);
      tar.begin(name, size);
      for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
        sink.write(chunk as Buffer);
        await sink.drain();
      }
      tar.end(size);
    }
    tar.finish();
    await sink.finish();
  } catch (e) {
    sink.abort();
    throw e;
  }
}
