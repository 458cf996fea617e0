// An archive of `docker save` as a source of copies. Its manifest is made here: plain layers get the names that the configuration
// gives them, compressed ones (crane writes those) are looked at once for what they are.
import { createHash } from 'node:crypto';
import { type Readable, PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { decompressor, detectCompression, MAGIC_LENGTH } from '../../archive/index.ts';
import { type ImagePlan, readDockerManifest } from '../../image/index.ts';
import {
  type Descriptor,
  type Digest,
  encodeJson,
  familiarReference,
  formatReference,
  type Manifest,
  MediaType,
  parseReference,
  sha256,
  SlipwayError,
  withDefaultTag,
} from '../../model/index.ts';
import type { RemoteManifest } from '../repository.ts';
import type { Files } from './files.ts';
import type { CopySource } from './types.ts';

/** A config blob or layer, and the member that holds it. */
type Place = { readonly name: string } | { readonly bytes: Buffer };

export class DockerArchiveSource implements CopySource {
  readonly rewritable = true;
  readonly #files: Files;
  readonly #ref: string | undefined;
  readonly #signal: AbortSignal;
  readonly #places = new Map<Digest, Place>();

  constructor(files: Files, ref: string | undefined, signal: AbortSignal) {
    this.#files = files;
    this.#ref = ref;
    this.#signal = signal;
  }

  async root(): Promise<RemoteManifest> {
    const { config, layers: plans } = this.#choose(readDockerManifest({ document: (name) => this.#files.read(name) }));
    const configDigest = sha256(config);
    this.#places.set(configDigest, { bytes: config });
    const layers: Descriptor[] = [];
    for (const { name, diffId } of plans) layers.push(await this.#layer(name, diffId));
    const manifest: Manifest = {
      schemaVersion: 2,
      mediaType: MediaType.ociManifest,
      config: { mediaType: MediaType.ociConfig, digest: configDigest, size: config.length },
      layers,
    };
    const bytes = encodeJson(manifest);
    return { bytes, digest: sha256(bytes), mediaType: MediaType.ociManifest };
  }

  async manifest(digest: Digest): Promise<RemoteManifest> {
    throw new SlipwayError('internal', 'copy.no-index', `an archive has no list that names ${digest}`);
  }

  blob(d: Descriptor, start: number): Readable {
    const place = this.#places.get(d.digest);
    if (place === undefined) throw new SlipwayError('internal', 'copy.no-blob', `the archive has no blob ${d.digest}`);
    if ('name' in place) return this.#files.stream(place.name, start);
    const stream = new PassThrough();
    stream.end(place.bytes.subarray(start));
    return stream;
  }

  close(): void {
    this.#files.close();
  }

  #choose(images: readonly ImagePlan[]): ImagePlan {
    const wanted = this.#ref === undefined ? undefined : formatReference(withDefaultTag(parseReference(this.#ref)));
    const chosen = wanted === undefined ? (images.length === 1 ? images[0] : undefined) : images.find((i) => i.names.includes(wanted));
    if (chosen !== undefined) return chosen;
    const names = images.flatMap((i) => (i.names.length === 0 ? ['<none>'] : i.names.map((n) => familiarReference(parseReference(n)))));
    throw new SlipwayError(
      'not-found',
      'copy.no-image',
      wanted === undefined ? 'the archive holds several images' : `the archive has no image ${this.#ref}`,
      { hints: [`it holds: ${names.join(', ')}`] },
    );
  }

  async #layer(name: string, diffId: Digest): Promise<Descriptor> {
    const size = this.#files.size(name);
    const compression = detectCompression(await firstBytes(this.#files.stream(name, 0)));
    if (compression === 'none') {
      this.#places.set(diffId, { name });
      return { mediaType: MediaType.ociLayer, digest: diffId, size };
    }
    if (compression !== 'gzip' && compression !== 'zstd')
      throw new SlipwayError('unsupported', 'copy.compressed', `layer ${JSON.stringify(name)} is compressed with ${compression}`, {
        hints: ['slipway load it, and push it'],
      });
    const [packed, plain] = [createHash('sha256'), createHash('sha256')];
    await pipeline(
      this.#files.stream(name, 0),
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          packed.update(chunk);
          yield chunk;
        }
      },
      decompressor(compression),
      async (chunks: AsyncIterable<Buffer>) => {
        for await (const chunk of chunks) plain.update(chunk);
      },
      { signal: this.#signal },
    );
    const actual = `sha256:${plain.digest('hex')}`;
    if (actual !== diffId)
      throw new SlipwayError('data-loss', 'copy.mismatch', `layer ${JSON.stringify(name)} should be ${diffId}, but is ${actual}`);
    const digest: Digest = `sha256:${packed.digest('hex')}`;
    this.#places.set(digest, { name });
    return { mediaType: compression === 'gzip' ? MediaType.ociLayerGzip : MediaType.ociLayerZstd, digest, size };
  }
}

async function firstBytes(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    if (Buffer.concat(chunks).length >= MAGIC_LENGTH) break;
  }
  return Buffer.concat(chunks).subarray(0, MAGIC_LENGTH);
}
