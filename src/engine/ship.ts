// Sends an image to wherever manifests and blobs go: a registry, or a layout. Layers that came compressed go as they came; what
// others compress to is remembered, so that the next time nothing is compressed.
import { createReadStream } from 'node:fs';
import type { Lease } from '../content/index.ts';
import type { Image } from '../image/index.ts';
import { type Descriptor, type Digest, encodeJson, type Manifest, MediaType, sha256 } from '../model/index.ts';
import type { Compression, CopyTarget } from '../registry/index.ts';
import type { Engine } from './engine.ts';

/** A blob that a place has now, and how many bytes it took. */
export interface Sent {
  readonly descriptor: Descriptor;
  readonly moved: number;
}

/** How layers are sent. */
export interface LayerForm {
  /** Of those that are not compressed yet. */
  readonly compression: Compression | 'none';
  /** Those that are compressed another way are compressed again. */
  readonly force?: boolean;
  /** Docker's media types. */
  readonly dockerTypes?: boolean;
}

const LAYER_TYPES = {
  oci: { none: MediaType.ociLayer, gzip: MediaType.ociLayerGzip, zstd: MediaType.ociLayerZstd },
  docker: { none: MediaType.dockerLayer, gzip: MediaType.dockerLayerGzip, zstd: MediaType.dockerLayerZstd },
} as const;

export async function sendLayer(engine: Engine, diffId: Digest, target: CopyTarget, form: LayerForm, lease: Lease): Promise<Sent> {
  const { images, content } = engine;
  const { compression, force = false } = form;
  const types = LAYER_TYPES[form.dockerTypes === true ? 'docker' : 'oci'];
  const wanted = compression === 'none' ? 'none' : compression.kind;
  const came = images.layers.blob(diffId);
  const cameAs = came === undefined ? 'none' : compressionOf(came.mediaType);
  if (came !== undefined && cameAs !== 'none' && (!force || cameAs === wanted) && content.hold(came.digest, lease))
    return sendStored(engine, target, { mediaType: types[cameAs], digest: came.digest, size: came.size });
  const mediaType = types[wanted];
  if (compression === 'none') {
    const { size } = await images.layers.plainTar(diffId, lease);
    return sendStored(engine, target, { mediaType, digest: diffId, size });
  }
  const packing = `${compression.kind}:${compression.level}`;
  const known = images.shipped.form(diffId, packing);
  if (known !== undefined && (await target.has({ mediaType, ...known }))) return { descriptor: { mediaType, ...known }, moved: 0 };
  const { compressing } = await import('../registry/index.ts');
  const plain = await images.layers.plainTar(diffId, lease);
  const packed = content.ingest({ lease });
  try {
    const stream = compressing(
      () => createReadStream(plain.path, { highWaterMark: 1 << 20 }),
      compression,
      0,
      () => {},
    );
    for await (const chunk of stream) packed.write(chunk as Buffer);
  } catch (e) {
    packed.abort();
    throw e;
  }
  const { digest, size } = packed.commit();
  images.shipped.rememberForm(diffId, packing, { digest, size });
  return sendStored(engine, target, { mediaType, digest, size });
}

function compressionOf(mediaType: string): 'none' | 'gzip' | 'zstd' {
  if (mediaType.endsWith('gzip')) return 'gzip';
  return mediaType.endsWith('zstd') ? 'zstd' : 'none';
}

/** A small document as a blob. */
export function sendBytes(engine: Engine, target: CopyTarget, mediaType: string, bytes: Buffer, lease: Lease): Promise<Sent> {
  const digest = engine.content.add(bytes, lease);
  return sendStored(engine, target, { mediaType, digest, size: bytes.length });
}

async function sendStored(engine: Engine, target: CopyTarget, descriptor: Descriptor): Promise<Sent> {
  if (await target.has(descriptor)) return { descriptor, moved: 0 };
  const path = engine.content.path(descriptor.digest);
  await target.put(descriptor, (start) => createReadStream(path, { start, highWaterMark: 1 << 20 }));
  return { descriptor, moved: descriptor.size };
}

/** A document after all that it refers to. @param root what the name will stand for */
export async function sendManifest(target: CopyTarget, manifest: object, mediaType: string, root: boolean): Promise<Descriptor> {
  const bytes = encodeJson(manifest);
  const digest = sha256(bytes);
  await target.manifest({ mediaType, digest, bytes }, root);
  return { mediaType, digest, size: bytes.length };
}

/** An image with its layers. */
export async function sendImage(
  engine: Engine,
  image: Image,
  target: CopyTarget,
  o: { form: LayerForm; annotations: Readonly<Record<string, string>>; root: boolean; signal: AbortSignal },
  lease: Lease,
): Promise<Descriptor> {
  const layers: Descriptor[] = [];
  for (const { diffId } of image.layers) {
    o.signal.throwIfAborted();
    layers.push((await sendLayer(engine, diffId, target, o.form, lease)).descriptor);
  }
  const [configType, type] = o.form.dockerTypes
    ? [MediaType.dockerConfig, MediaType.dockerManifest]
    : [MediaType.ociConfig, MediaType.ociManifest];
  const { descriptor: config } = await sendBytes(engine, target, configType, image.configBytes, lease);
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: type,
    config,
    layers,
    ...(Object.keys(o.annotations).length > 0 && { annotations: { ...o.annotations } }),
  };
  return sendManifest(target, manifest, type, o.root);
}
