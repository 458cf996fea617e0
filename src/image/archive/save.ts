// Saving images: one tar that is an OCI image layout and, by manifest.json, an archive for older programs too; layers that images
// share stand in it once. The same images give the same bytes.
import fs from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import type { Lease } from '../../content/index.ts';
import {
  MediaType,
  SlipwayError,
  digestHex,
  encodeJson,
  familiarName,
  familiarReference,
  formatReference,
  parseManifest,
  parseReference,
  sha256,
  withDefaultTag,
} from '../../model/index.ts';
import type { Descriptor, Digest, Manifest, Reference } from '../../model/index.ts';
import type { Image } from '../types.ts';
import { TarSink, openSink, type SinkOptions } from './sink.ts';
import type { ArchiveTarget, Sink } from './sink.ts';
import type { ImageStore } from '../store.ts';
import type { TransferOptions } from './types.ts';

export interface SaveOptions extends TransferOptions, SinkOptions {
  /** 'docker' (default) holds manifest.json beside the OCI layout; 'oci' is the layout alone. */
  readonly format?: 'docker' | 'oci';
}

/** One image with the names under which it was asked for. */
interface Saved {
  readonly image: Image;
  readonly names: Reference[];
}

/** How the bytes of a layer are to be had. */
interface SavedLayer {
  readonly diffId: Digest;
  readonly descriptor: Descriptor;
  readonly isBlob: boolean;
}

const CHUNK = 1 << 20;
const YIELD_BYTES = 16 << 20;

/**
 * Writes images to an archive.
 * @param refs names, IDs; a name without a tag means every tag of that repository
 * @throws SlipwayError `image.not-found`, `image.layer-lost`, `image.layer-mismatch`, `store.full`; system errors of the target
 */
export async function saveArchive(store: ImageStore, refs: readonly string[], target: ArchiveTarget, o: SaveOptions = {}): Promise<void> {
  return saveAll(store, resolveAll(store, refs), target, o);
}

/** Writes one image under names of the archive's own, whatever it is called in the store. Throws as `saveArchive` does. */
export function saveImage(
  store: ImageStore,
  image: Image,
  names: readonly string[],
  target: ArchiveTarget,
  o: SaveOptions = {},
): Promise<void> {
  return saveAll(store, [{ image, names: names.map((name) => withDefaultTag(parseReference(name))) }], target, o);
}

async function saveAll(store: ImageStore, saved: readonly Saved[], target: ArchiveTarget, o: SaveOptions): Promise<void> {
  using lease = store.leases.create();
  for (const { image } of saved) lease.addImage(image.id);
  const sink = await openSink(target, o.signal, o);
  try {
    await write(store, saved, sink, lease, o);
    await sink.finish();
  } catch (error) {
    sink.abort();
    throw error;
  }
}

function resolveAll(store: ImageStore, refs: readonly string[]): Saved[] {
  const byId = new Map<Digest, Saved>();
  const add = (image: Image, name?: Reference): void => {
    const entry = byId.get(image.id) ?? { image, names: [] };
    byId.set(image.id, entry);
    if (name !== undefined && !entry.names.some((n) => formatReference(n) === formatReference(name))) entry.names.push(name);
  };
  for (const ref of refs) {
    const reference = asReference(ref);
    const whole = reference?.tag === undefined && reference?.digest === undefined ? taggedNames(store, reference) : [];
    for (const name of whole) add(store.resolve(name), parseReference(name));
    if (whole.length > 0) continue;
    const image = store.find(ref);
    // Docker's words, of all tags of the name
    if (image === undefined) throw new SlipwayError('not-found', 'image.not-found', `No such image: ${ref}`);
    const name = reference === undefined ? undefined : withDefaultTag(reference);
    add(image, name !== undefined && image.names.includes(formatReference(name)) ? name : undefined);
  }
  return [...byId.values()];
}

function asReference(ref: string): Reference | undefined {
  try {
    return parseReference(ref);
  } catch {
    return undefined;
  }
}

/** All names with a tag in a repository. */
function taggedNames(store: ImageStore, repository: Reference | undefined): string[] {
  if (repository === undefined) return [];
  const prefix = `${formatReference(repository)}:`;
  return store.list({ all: true }).flatMap((image) => image.names.filter((name) => name.startsWith(prefix)));
}

async function write(store: ImageStore, saved: readonly Saved[], sink: Sink, lease: Lease, o: SaveOptions): Promise<void> {
  const blobs = new Map<Digest, Buffer | SavedLayer>();
  const index: Descriptor[] = [];
  const manifest: unknown[] = [];
  const repositories: Record<string, Record<string, string>> = {};
  for (const { image, names } of saved) {
    const layers = image.layers.map((layer) => describeLayer(store, layer, lease));
    for (const layer of layers) blobs.set(layer.descriptor.digest, layer);
    blobs.set(image.id, image.configBytes);
    const bytes = manifestOf(store, image, layers);
    const digest = sha256(bytes.manifest);
    blobs.set(digest, bytes.manifest);
    const descriptor: Descriptor = { mediaType: bytes.mediaType, digest, size: bytes.manifest.length };
    if (names.length === 0) index.push(descriptor);
    for (const name of names) {
      index.push({
        ...descriptor,
        annotations: { 'io.containerd.image.name': formatReference(name), 'org.opencontainers.image.ref.name': name.tag ?? '' },
      });
      if (layers.length > 0) (repositories[familiarName(name)] ??= {})[name.tag ?? ''] = digestHex(layers.at(-1)!.descriptor.digest);
    }
    manifest.push({
      Config: blobPath(image.id),
      RepoTags: names.length === 0 ? null : names.map(familiarReference),
      Layers: layers.map((layer) => blobPath(layer.descriptor.digest)),
      LayerSources: Object.fromEntries(
        layers.map(({ diffId, descriptor: { mediaType, size, digest, ...rest } }) => [diffId, { mediaType, size, digest, ...rest }]),
      ),
    });
  }

  const tar = new TarSink(sink);
  tar.directory('blobs/');
  tar.directory('blobs/sha256/');
  for (const digest of [...blobs.keys()].sort()) {
    const blob = blobs.get(digest)!;
    if (Buffer.isBuffer(blob)) tar.file(blobPath(digest), blob);
    else await writeLayer(store, blob, sink, tar, lease, o);
    await sink.drain();
    o.signal?.throwIfAborted();
  }
  tar.file('index.json', encodeJson({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: index }));
  if (o.format !== 'oci') tar.file('manifest.json', Buffer.concat([encodeJson(manifest), Buffer.from('\n')]));
  tar.file('oci-layout', encodeJson({ imageLayoutVersion: '1.0.0' }));
  if (o.format !== 'oci' && Object.keys(repositories).length > 0) tar.file('repositories', encodeJson(repositories));
  tar.finish();
}

function blobPath(digest: Digest): string {
  return `blobs/sha256/${digestHex(digest)}`;
}

function describeLayer(store: ImageStore, layer: Image['layers'][number], lease: Lease): SavedLayer {
  const { diffId, tarSize } = layer;
  const blob = store.layers.blob(diffId);
  if (blob !== undefined && store.content.hold(blob.digest, lease)) {
    return { diffId, isBlob: true, descriptor: { mediaType: ociLayerType(blob.mediaType), digest: blob.digest, size: blob.size } };
  }
  return { diffId, isBlob: false, descriptor: { mediaType: MediaType.ociLayer, digest: diffId, size: tarSize } };
}

/** The manifest here is always OCI's, and so are the names of its layers' types. */
function ociLayerType(mediaType: string): string {
  if (mediaType === MediaType.dockerLayerGzip || mediaType === MediaType.dockerForeignLayerGzip) return MediaType.ociLayerGzip;
  if (mediaType === MediaType.dockerLayerZstd) return MediaType.ociLayerZstd;
  return mediaType === MediaType.dockerLayer || mediaType === MediaType.dockerForeignLayer || mediaType === ''
    ? MediaType.ociLayer
    : mediaType;
}

/** The manifest that the image came with, where it describes exactly the blobs that are saved, so that its digest stays; else a new one. */
function manifestOf(store: ImageStore, image: Image, layers: readonly SavedLayer[]): { manifest: Buffer; mediaType: string } {
  if (image.manifestDigest !== undefined && store.content.has(image.manifestDigest)) {
    const manifest = store.content.read(image.manifestDigest);
    const given = parseManifest(manifest)
      .layers.map((layer) => layer.digest)
      .join();
    if (given === layers.map((layer) => layer.descriptor.digest).join())
      return { manifest, mediaType: image.manifestMediaType ?? MediaType.ociManifest };
  }
  const value: Manifest = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: { mediaType: MediaType.ociConfig, digest: image.id, size: image.configBytes.length },
    layers: layers.map((layer) => layer.descriptor),
  };
  return { manifest: encodeJson(value), mediaType: MediaType.ociManifest };
}

async function writeLayer(store: ImageStore, layer: SavedLayer, sink: Sink, tar: TarSink, lease: Lease, o: SaveOptions): Promise<void> {
  const { descriptor, diffId } = layer;
  const { digest, size: total } = descriptor;
  const report = (current: number): void =>
    o.onProgress?.({ digest: diffId, state: current === total ? 'done' : 'copying', current, total });
  if (!layer.isBlob && !sink.waits) toBlob(store, layer, lease);
  tar.begin(blobPath(digest), total);
  if (layer.isBlob || !sink.waits) await copyBlob(store, digest, sink, report, o.signal);
  else {
    let written = 0;
    store.layers.writeTar(diffId, (chunk) => {
      o.signal?.throwIfAborted();
      sink.write(chunk);
      report((written += chunk.length));
    });
    checkSize(digest, written, total);
  }
  tar.end(total);
}

/** A stream takes a layer piece by piece, but a snapshot's tar is made in one go: it is put down in between. */
function toBlob(store: ImageStore, { diffId, descriptor }: SavedLayer, lease: Lease): void {
  const ingestion = store.content.ingest({ expected: descriptor, lease });
  try {
    store.layers.writeTar(diffId, (chunk) => ingestion.write(chunk));
  } catch (error) {
    ingestion.abort();
    throw error;
  }
  ingestion.commit();
}

async function copyBlob(
  store: ImageStore,
  digest: Digest,
  sink: Sink,
  report: (current: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const fd = fs.openSync(store.content.path(digest), 'r');
  try {
    const { size } = fs.fstatSync(fd);
    const buffer = Buffer.allocUnsafeSlow(CHUNK);
    let done = 0;
    for (let n, sinceYield = 0; (n = fs.readSync(fd, buffer)) > 0;) {
      sink.write(buffer.subarray(0, n));
      done += n;
      sinceYield += n;
      await sink.drain();
      if (sinceYield < YIELD_BYTES) continue;
      sinceYield = 0;
      report(done);
      await breathe();
      signal?.throwIfAborted();
    }
    checkSize(digest, done, size);
    report(done);
  } finally {
    fs.closeSync(fd);
  }
}

function checkSize(digest: Digest, written: number, expected: number): void {
  if (written !== expected)
    throw new SlipwayError('data-loss', 'archive.size-changed', `layer ${digest} has ${written} bytes instead of ${expected}`);
}
