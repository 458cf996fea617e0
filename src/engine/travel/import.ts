// Results of builds elsewhere: what an imported cache says it has is believed to exist, and each result is fetched and
// unpacked only when a build needs its files.
import { createHash } from 'node:crypto';
import { unpackLimit } from '../../archive/index.ts';
import type { Lease } from '../../content/index.ts';
import type { ArrivingBlob } from '../../image/index.ts';
import {
  chainIds,
  type Descriptor,
  type Digest,
  isIndexType,
  isManifestType,
  parseIndex,
  parseJsonValue,
  parseManifest,
  SlipwayError,
} from '../../model/index.ts';
import type { CopySource } from '../../registry/index.ts';
import type { CachedResult, Imports, Keyed } from '../../solver/index.ts';
import type { Engine } from '../engine.ts';
import { CACHE_CONFIG, INLINE_FIELD, parseTravelConfig, type TravelConfig, type TravelLayer, type TravelRecord } from './format.ts';

/** Bytes of a configuration that is read. */
const LARGEST_CONFIG = 64 << 20;

/** One cache, opened: its source stays open for as long as a build may need it. */
export interface OpenCache {
  readonly source: CopySource;
  readonly config: TravelConfig;
  /** Of the manifest. */
  readonly blobs: readonly Descriptor[];
}

/** Images of a list that are looked into for inline caches. */
const MOST_IMAGES = 32;

/** The caches at a place: itself, an image with an inline cache, or those of a list. Throws what the source does, and data-loss 'cache.invalid'. */
export async function openCaches(source: CopySource): Promise<OpenCache[]> {
  const root = await source.root();
  if (!isIndexType(root.mediaType)) return [(await openCache(source, root.bytes)) ?? []].flat();
  const { isAttestation } = await import('../../registry/index.ts');
  const found: OpenCache[] = [];
  const images = parseIndex(root.bytes).manifests.filter((d) => isManifestType(d.mediaType) && !isAttestation(d));
  for (const { digest } of images.slice(0, MOST_IMAGES)) {
    const cache = await openCache(source, (await source.manifest(digest)).bytes);
    if (cache !== undefined) found.push(cache);
  }
  return found;
}

async function openCache(source: CopySource, bytes: Buffer): Promise<OpenCache | undefined> {
  const manifest = parseManifest(bytes);
  const config: unknown = parseJsonValue(await readAll(source, manifest.config), 'cache.invalid', 'configuration of a cache');
  if (manifest.config.mediaType === CACHE_CONFIG) return { source, config: parseTravelConfig(config), blobs: manifest.layers };
  // an image: its own layers, if it has an inline cache
  const inline = (config as Record<string, unknown> | null)?.[INLINE_FIELD];
  return inline === undefined ? undefined : { source, config: parseTravelConfig(inline), blobs: manifest.layers };
}

export class ImportedCaches implements Imports {
  readonly #engine: Engine;
  readonly #lease: Lease;
  readonly #records = new Map<string, { cache: OpenCache; record: TravelRecord }>();
  readonly #aliases = new Map<string, Keyed>();
  readonly #brought = new Map<string, Promise<{ result: CachedResult; description: string } | undefined>>();

  /** @param lease holds what is unpacked until the build has ended */
  constructor(engine: Engine, lease: Lease, caches: readonly OpenCache[]) {
    this.#engine = engine;
    this.#lease = lease;
    for (const cache of caches) {
      for (const record of cache.config.records) if (!this.#records.has(record.key)) this.#records.set(record.key, { cache, record });
      for (const [key, to] of Object.entries(cache.config.aliases)) this.#aliases.set(key, to);
    }
  }

  has(key: string): boolean {
    return this.#records.has(key);
  }

  alias(key: string): Keyed | undefined {
    return this.#aliases.get(key);
  }

  bring(key: string, signal: AbortSignal): Promise<{ result: CachedResult; description: string } | undefined> {
    let bringing = this.#brought.get(key);
    if (bringing === undefined) this.#brought.set(key, (bringing = this.#bring(key, signal)));
    return bringing;
  }

  async #bring(key: string, signal: AbortSignal): Promise<{ result: CachedResult; description: string } | undefined> {
    const found = this.#records.get(key);
    if (found === undefined) return undefined;
    const { record, cache } = found;
    const json = JSON.stringify({ createdAt: record.createdAt, ms: record.ms });
    if (record.layer < 0) return { result: { snapshotId: null, json }, description: record.description };
    const snapshotId = await this.#unpack(cache, record.layer, signal);
    return snapshotId === undefined ? undefined : { result: { snapshotId, json }, description: record.description };
  }

  /** The snapshot of a chain of layers; undefined when a layer of it is nowhere. */
  async #unpack({ config, blobs, source }: OpenCache, top: number, signal: AbortSignal): Promise<number | undefined> {
    const chain: TravelLayer[] = [];
    for (let at = top; at >= 0; at = config.layers[at]?.below ?? -1) chain.unshift(config.layers[at] as TravelLayer);
    const chains = chainIds(chain.map((l) => l.diffId));
    const { layers } = this.#engine.images;
    let have = chain.length;
    let parent: number | null = null;
    for (; have > 0 && parent === null; have--) parent = layers.hold(chains[have - 1] as Digest, this.#lease) ?? null;
    if (parent !== null) have++;
    for (const [i, layer] of chain.entries()) {
      if (i < have) continue;
      const blob = layer.blob === undefined ? undefined : blobs[layer.blob];
      // a layer of a base image, which may not be unpacked yet
      if (blob === undefined && layers.blob(layer.diffId) === undefined) return undefined;
      const made = await layers.unpackLayer({ diffId: layer.diffId, chainId: chains[i] as Digest }, parent, this.#lease, {
        signal,
        ...(blob && { arriving: arriving(source, blob), limit: unpackLimit(blob.size) }),
      });
      parent = made.id;
    }
    return parent ?? undefined;
  }
}

/** A blob as it comes, verified at its end. */
export function arriving(source: CopySource, d: Descriptor): ArrivingBlob {
  const hash = createHash('sha256');
  let size = 0;
  return {
    size: d.size,
    digest: d.digest,
    async *chunks() {
      for await (const chunk of source.blob(d, 0) as AsyncIterable<Buffer>) {
        hash.update(chunk);
        if ((size += chunk.length) > d.size) throw mismatch(d);
        yield chunk;
      }
    },
    verified: async () => {
      if (size !== d.size || `sha256:${hash.digest('hex')}` !== d.digest) throw mismatch(d);
    },
  };
}

async function readAll(source: CopySource, d: Descriptor): Promise<Buffer> {
  if (d.size > LARGEST_CONFIG)
    throw new SlipwayError('data-loss', 'cache.invalid', `the configuration of a cache has ${d.size} bytes, which are not read`);
  const blob = arriving(source, d);
  const chunks = await Array.fromAsync(blob.chunks());
  await blob.verified();
  return Buffer.concat(chunks);
}

const mismatch = (d: Descriptor): SlipwayError =>
  new SlipwayError('data-loss', 'cache.mismatch', `blob ${d.digest} of an imported cache is not what was announced`);
