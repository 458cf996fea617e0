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

export async function sendLayer(engine: Engine, diffId: Digest, target: CopyTarget, compression: Compression, lease: Lease): Promise<Sent> {
  const { images, content } = engine;
  const came = images.layers.blob(diffId);
  if (came !== undefined && /(?:gzip|zstd)$/.test(came.mediaType) && content.hold(came.digest, lease)) {
    const mediaType = came.mediaType.endsWith('zstd') ? MediaType.ociLayerZstd : MediaType.ociLayerGzip;
    return sendStored(engine, target, { mediaType, digest: came.digest, size: came.size });
  }
  const mediaType = compression.kind === 'zstd' ? MediaType.ociLayerZstd : MediaType.ociLayerGzip;
  const form = `${compression.kind}:${compression.level}`;
  const known = images.shipped.form(diffId, form);
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
  images.shipped.rememberForm(diffId, form, { digest, size });
  return sendStored(engine, target, { mediaType, digest, size });
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
  o: { compression: Compression; annotations: Readonly<Record<string, string>>; root: boolean; signal: AbortSignal },
  lease: Lease,
): Promise<Descriptor> {
  const layers: Descriptor[] = [];
  for (const { diffId } of image.layers) {
    o.signal.throwIfAborted();
    layers.push((await sendLayer(engine, diffId, target, o.compression, lease)).descriptor);
  }
  const { descriptor: config } = await sendBytes(engine, target, MediaType.ociConfig, image.configBytes, lease);
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config,
    layers,
    ...(Object.keys(o.annotations).length > 0 && { annotations: { ...o.annotations } }),
  };
  return sendManifest(target, manifest, MediaType.ociManifest, o.root);
}
