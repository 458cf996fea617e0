// Pushing: only what the registry has not yet is sent. Layers that came compressed go as they came; others are compressed on
// all cores while they are sent, and what they became is remembered, so that the next push need not do it again.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { availableParallelism } from 'node:os';
import { PassThrough, type Readable, Transform } from 'node:stream';
import { compressor, ParallelGzip } from '../archive/index.ts';
import type { Lease } from '../content/index.ts';
import type { Image, ImageLayer, ImageStore } from '../image/index.ts';
import {
  type Descriptor,
  type Digest,
  encodeJson,
  type Manifest,
  MediaType,
  parseManifest,
  type Reference,
  repositoryName,
  sha256,
  withDefaultTag,
  SlipwayError,
} from '../model/index.ts';
import { crashPoint } from '../util/index.ts';
import type { Registries } from './registries.ts';
import type { Repository } from './repository.ts';

export type PushState = 'preparing' | 'pushing' | 'pushed' | 'present' | 'mounted';

export interface PushProgress {
  readonly diffId: Digest;
  readonly state: PushState;
  /** Bytes of the uncompressed layer, or of the blob where it goes as it is. */
  readonly current: number;
  readonly total: number;
  /** The repository that it was taken over from. */
  readonly from?: string;
}

export interface Compression {
  readonly kind: 'gzip' | 'zstd';
  readonly level: number;
}

export interface PushOptions {
  readonly signal: AbortSignal;
  /** For layers that are not compressed yet, or for all of them with `force`. */
  readonly compression: Compression;
  readonly force?: boolean;
  onProgress?(p: PushProgress): void;
}

export interface Pushed {
  readonly digest: Digest;
  /** Bytes of the manifest. */
  readonly size: number;
  readonly mediaType: string;
  /** Bytes of layers that were sent, that the registry took over, and that it had already. */
  readonly sent: number;
  readonly mounted: number;
  readonly present: number;
}

/** Layers sent at once. */
const PARALLEL = 3;

/** @throws SlipwayError `registry.*`, `image.layer-lost` */
export async function push(store: ImageStore, registries: Registries, image: Image, ref: Reference, o: PushOptions): Promise<Pushed> {
  const name = withDefaultTag(ref);
  using lease = store.leases.create();
  if (store.hold(image.id, lease) === undefined) throw new SlipwayError('not-found', 'image.not-found', `No such image: ${image.id}`);
  const neighbours = mountable(store, image, name);
  const repository = registries.repository(name, 'pull,push', neighbours.paths);
  const counted = { sent: 0, mounted: 0, present: 0 };
  const pusher = new LayerPusher(store, repository, neighbours, lease, o, counted);
  const layers = await each(image.layers, PARALLEL, (layer) => pusher.layer(layer));
  if ((await repository.blobSize(image.id)) === undefined) await repository.putBlob(image.id, image.configBytes);
  const { bytes, mediaType } = manifestOf(store, image, layers);
  crashPoint('push.layer-sent');
  const digest = await repository.putManifest(name.tag ?? name.digest ?? sha256(bytes), mediaType, bytes);
  crashPoint('push.manifest-sent');
  store.content.add(bytes, lease);
  store.create({ config: image.configBytes, names: [`${repositoryName(name)}@${digest}`], manifest: { digest, mediaType } }, lease);
  store.shipped.rememberAt(placeOf(repository), [image.id, ...layers.map((l) => l.digest)]);
  return { digest, size: bytes.length, mediaType, ...counted };
}

const placeOf = (repository: Repository): string => `${repository.host.name}/${repository.path}`;

interface Neighbours {
  readonly paths: readonly string[];
  /** Repositories of the same registry that have a blob. */
  of(digest: Digest): readonly string[];
}

/** Repositories at the same registry from which layers of the image may be taken over. */
function mountable(store: ImageStore, image: Image, ref: Reference): Neighbours {
  const prefix = `${ref.domain}/`;
  const of = (digest: Digest): string[] =>
    store.shipped
      .placesOf(digest)
      .filter((place) => place.startsWith(prefix) && place !== `${prefix}${ref.path}`)
      .map((place) => place.slice(prefix.length));
  const digests = image.layers.flatMap(({ diffId }) => [
    ...(store.layers.blob(diffId) ? [store.layers.blob(diffId)!.digest] : []),
    ...['gzip', 'zstd'].flatMap((kind) => store.shipped.formsOf(diffId, kind)),
  ]);
  return { paths: [...new Set(digests.flatMap(of))].slice(0, 5), of };
}

class LayerPusher {
  readonly #store: ImageStore;
  readonly #repository: Repository;
  readonly #neighbours: Neighbours;
  readonly #lease: Lease;
  readonly #o: PushOptions;
  readonly #counted: { sent: number; mounted: number; present: number };

  constructor(
    store: ImageStore,
    repository: Repository,
    neighbours: Neighbours,
    lease: Lease,
    o: PushOptions,
    counted: { sent: number; mounted: number; present: number },
  ) {
    this.#store = store;
    this.#repository = repository;
    this.#neighbours = neighbours;
    this.#lease = lease;
    this.#o = o;
    this.#counted = counted;
  }

  /** Sees to it that the registry has a layer, and describes it. */
  async layer(layer: ImageLayer): Promise<Descriptor> {
    const blob = this.#store.layers.blob(layer.diffId);
    const compressed = blob !== undefined && compressionOf(blob.mediaType) !== 'none';
    if (blob !== undefined && compressed && !this.#o.force) {
      this.#store.content.hold(blob.digest, this.#lease);
      const descriptor = { mediaType: blob.mediaType, digest: blob.digest, size: blob.size };
      if (await this.#isThere(layer, descriptor)) return descriptor;
      const path = this.#store.content.path(blob.digest);
      await this.#send(layer, blob.size, {
        size: blob.size,
        open: (start) => createReadStream(path, { start, highWaterMark: 1 << 20 }),
        digest: () => blob.digest,
      });
      return this.#sent(layer, descriptor);
    }
    const { kind } = this.#o.compression;
    const form = formOf(this.#o.compression);
    const mediaType = kind === 'zstd' ? MediaType.ociLayerZstd : MediaType.ociLayerGzip;
    const known = this.#store.shipped.form(layer.diffId, form);
    if (known !== undefined && (await this.#isThere(layer, { mediaType, ...known }))) return { mediaType, ...known };
    this.#report(layer, 'preparing', 0, layer.tarSize);
    const plain = await this.#store.layers.plainTar(layer.diffId, this.#lease);
    let result: { digest: Digest; size: number } | undefined;
    await this.#send(layer, plain.size, {
      open: (start) =>
        compressing(
          () => createReadStream(plain.path, { highWaterMark: 1 << 20 }),
          this.#o.compression,
          start,
          (made) => (result = made),
        ),
      digest: () => result!.digest,
    });
    this.#store.shipped.rememberForm(layer.diffId, form, result!);
    return this.#sent(layer, { mediaType, ...result! });
  }

  async #isThere(layer: ImageLayer, d: Descriptor): Promise<boolean> {
    if ((await this.#repository.blobSize(d.digest)) !== undefined) {
      this.#counted.present += d.size;
      this.#report(layer, 'present', d.size, d.size);
      return true;
    }
    for (const from of this.#neighbours.of(d.digest).slice(0, 2)) {
      if (!(await this.#repository.mount(d.digest, from))) continue;
      this.#counted.mounted += d.size;
      this.#o.onProgress?.({ diffId: layer.diffId, state: 'mounted', current: d.size, total: d.size, from });
      return true;
    }
    return false;
  }

  async #send(
    layer: ImageLayer,
    total: number,
    source: { size?: number; open: (start: number) => Readable; digest: () => Digest },
  ): Promise<void> {
    await this.#repository.upload({
      ...source,
      open: (start) => {
        let current = start;
        let last = 0;
        const meter = new Transform({
          transform: (chunk: Buffer, _encoding, done) => {
            current += chunk.length;
            if (current - last >= 1 << 20) this.#report(layer, 'pushing', (last = current), total);
            done(null, chunk);
          },
        });
        const stream = source.open(start);
        stream.on('error', (e) => meter.destroy(e));
        meter.on('close', () => stream.destroy());
        return stream.pipe(meter);
      },
    });
  }

  #sent(layer: ImageLayer, d: Descriptor): Descriptor {
    this.#counted.sent += d.size;
    this.#report(layer, 'pushed', d.size, d.size);
    return d;
  }

  #report(layer: ImageLayer, state: PushState, current: number, total: number): void {
    this.#o.onProgress?.({ diffId: layer.diffId, state, current, total });
  }
}

/**
 * Bytes compressed as they are read, from byte `start` of the result on; the same every time. `made` is told digest and size of
 * the whole when all was read.
 */
export function compressing(
  open: () => Readable,
  { kind, level }: Compression,
  start: number,
  made: (blob: { digest: Digest; size: number }) => void,
): Readable {
  const source = open();
  const packer = kind === 'gzip' ? new ParallelGzip(level, availableParallelism() + 1) : compressor('zstd', level);
  const hash = createHash('sha256');
  let size = 0;
  const out = new PassThrough({
    highWaterMark: 1 << 20,
    transform(chunk: Buffer, _encoding, done): void {
      hash.update(chunk);
      const skip = Math.min(chunk.length, Math.max(0, start - size));
      size += chunk.length;
      done(null, skip === 0 ? chunk : chunk.subarray(skip));
    },
    flush(done): void {
      made({ digest: `sha256:${hash.digest('hex')}`, size });
      done();
    },
  });
  source.on('error', (e) => out.destroy(e));
  packer.on('error', (e) => out.destroy(e));
  out.on('close', () => {
    source.destroy();
    packer.destroy();
  });
  return source.pipe(packer).pipe(out);
}

function compressionOf(mediaType: string): 'none' | 'gzip' | 'zstd' {
  if (mediaType.endsWith('gzip')) return 'gzip';
  return mediaType.endsWith('zstd') ? 'zstd' : 'none';
}

/** The manifest that the image came with, where it describes exactly these layers; else a new one. */
function manifestOf(store: ImageStore, image: Image, layers: readonly Descriptor[]): { bytes: Buffer; mediaType: string } {
  if (image.manifestDigest !== undefined && store.content.has(image.manifestDigest)) {
    const bytes = store.content.read(image.manifestDigest);
    const digests = parseManifest(bytes).layers.map((l) => l.digest);
    if (digests.join() === layers.map((l) => l.digest).join())
      return { bytes, mediaType: image.manifestMediaType ?? MediaType.ociManifest };
  }
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: { mediaType: MediaType.ociConfig, digest: image.id, size: image.configBytes.length },
    layers: layers.map(({ mediaType, digest, size }) => ({ mediaType: ociType(mediaType), digest, size })),
  };
  return { bytes: encodeJson(manifest), mediaType: MediaType.ociManifest };
}

function ociType(mediaType: string): string {
  const kind = compressionOf(mediaType);
  if (kind === 'gzip') return MediaType.ociLayerGzip;
  return kind === 'zstd' ? MediaType.ociLayerZstd : MediaType.ociLayer;
}

/** Works on all items, so many at a time; results in their order. */
export async function each<T, R>(items: readonly T[], most: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  let failed = false;
  const run = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const index = next++;
      try {
        results[index] = await work(items[index]!);
      } catch (e) {
        failed = true;
        throw e;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, run));
  return results;
}

/** The blob that a push would send for a layer: the one that it came as, or what it compresses to. */
export async function measureLayer(
  store: ImageStore,
  { diffId }: ImageLayer,
  compression: Compression,
  o: { readonly signal: AbortSignal; onCompress?(layer: Digest): void },
): Promise<{ digest: Digest; size: number }> {
  const blob = store.layers.blob(diffId);
  if (blob !== undefined && compressionOf(blob.mediaType) !== 'none') return { digest: blob.digest, size: blob.size };
  const form = formOf(compression);
  const known = store.shipped.form(diffId, form);
  if (known !== undefined) return known;
  o.onCompress?.(diffId);
  using lease = store.leases.create();
  const plain = await store.layers.plainTar(diffId, lease);
  let made: { digest: Digest; size: number } | undefined;
  const stream = compressing(
    () => createReadStream(plain.path, { highWaterMark: 1 << 20 }),
    compression,
    0,
    (result) => (made = result),
  );
  for await (const _ of stream) o.signal.throwIfAborted();
  store.shipped.rememberForm(diffId, form, made!);
  return made!;
}

const formOf = ({ kind, level }: Compression): string => `${kind}:${level}`;
