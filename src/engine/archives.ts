// The use cases of archives: images and file systems that come in and go out as files.
import type { Readable } from 'node:stream';
import {
  type ArchiveTarget,
  exportRootfs,
  type Image,
  type ImportOptions,
  importRootfs,
  loadArchive,
  type Loaded,
  openSink,
  saveArchive,
  type SaveOptions,
  type TransferOptions,
} from '../image/index.ts';
import type { Platform } from '../model/index.ts';
import type { Engine } from './engine.ts';

export type { LayerProgress } from '../image/index.ts';

/** Loads the images of an archive or an OCI layout, by its path or as a stream. Throws as `loadArchive` does. */
export async function loadImages(
  engine: Engine,
  from: string | Readable,
  o: TransferOptions & { readonly platform?: Platform },
): Promise<Loaded[]> {
  const loaded = await loadArchive(engine.images, from, o);
  engine.tidy();
  return loaded;
}

/** Saves images as one archive. Throws as `saveArchive` does. */
export async function saveImages(
  engine: Engine,
  refs: readonly string[],
  to: ArchiveTarget,
  o: Omit<SaveOptions, 'refuseLinks'>,
): Promise<void> {
  await saveArchive(engine.images, refs, to, { ...o, refuseLinks: true });
  for (const ref of refs) {
    const image = engine.images.find(ref);
    if (image !== undefined) engine.images.note('save', image);
  }
}

/** Makes an image of a root file system. Throws as `importRootfs` does. */
export function importImage(engine: Engine, from: string | Readable, o: ImportOptions): Promise<Image> {
  return importRootfs(engine.images, from, o);
}

/** Writes the files of a container as a tar. @throws SlipwayError not-found 'container.not-found' */
export async function exportContainer(engine: Engine, name: string, to: ArchiveTarget, signal: AbortSignal): Promise<void> {
  const containers = await engine.containers();
  const container = containers.records.resolve(name);
  // opened before the files are mounted, since they are only while nothing is waited for: the write is synchronous to the last byte
  const sink = await openSink(to, signal, { refuseLinks: true });
  let begun = false;
  try {
    await containers.withFiles(container, (rootfs) => {
      begun = true;
      return exportRootfs(rootfs, sink);
    });
  } finally {
    if (!begun) sink.abort();
  }
  containers.records.note(container, 'export');
}
