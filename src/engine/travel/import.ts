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
  isSlipwayError,
  parseIndex,
  parseJsonValue,
  parseManifest,
  SlipwayError,
} from '../../model/index.ts';
import type { CopySource } from '../../registry/index.ts';
import { isNoSpace } from '../../store/index.ts';
import type { CachedResult, Imports, Keyed } from '../../solver/index.ts';
import type { Engine } from '../engine.ts';
import {
  BUILDKIT_CONFIG,
  BUILDKIT_INLINE_FIELD,
  CACHE_CONFIG,
  INLINE_FIELD,
  parseTravelConfig,
  type TravelConfig,
  type TravelLayer,
  type TravelRecord,
} from './format.ts';

/** Bytes of a configuration that is read. */
const LARGEST_CONFIG = 64 << 20;

/** One cache, opened: its source stays open for as long as a build may need it. */
export interface OpenCache {
  /** Of its place, as the user wrote it. */
  readonly name: string;
  readonly source: CopySource;
  readonly config: TravelConfig;
  /** Of the manifest. */
  readonly blobs: readonly Descriptor[];
}

/** Images of a list that are looked into for inline caches. */
const MOST_IMAGES = 32;

/** The caches at a place: itself, an image with an inline cache, or those of a list. Throws what the source does, data-loss 'cache.invalid', unsupported 'cache.buildkit'. */
export async function openCaches(source: CopySource, name: string): Promise<OpenCache[]> {
  const root = await source.root();
  if (!isIndexType(root.mediaType)) return [(await openCache(source, name, root.bytes)) ?? []].flat();
  const { isAttestation } = await import('../../registry/index.ts');
  const found: OpenCache[] = [];
  const { manifests } = parseIndex(root.bytes);
  if (manifests.some((d) => d.mediaType === BUILDKIT_CONFIG)) throw ofBuildKit();
  const images = manifests.filter((d) => isManifestType(d.mediaType) && !isAttestation(d));
  for (const { digest } of images.slice(0, MOST_IMAGES)) {
    const cache = await openCache(source, name, (await source.manifest(digest)).bytes);
    if (cache !== undefined) found.push(cache);
  }
  return found;
}

async function openCache(source: CopySource, name: string, bytes: Buffer): Promise<OpenCache | undefined> {
  const manifest = parseManifest(bytes);
  if (manifest.config.mediaType === BUILDKIT_CONFIG) throw ofBuildKit();
  const config: unknown = parseJsonValue(await readAll(source, manifest.config), 'cache.invalid', 'configuration of a cache');
  if (manifest.config.mediaType === CACHE_CONFIG) return { source, name, config: parseTravelConfig(config), blobs: manifest.layers };
  // an image: its own layers, if it has an inline cache
  const fields = config as Record<string, unknown> | null;
  const inline = fields?.[INLINE_FIELD];
  if (inline === undefined && fields?.[BUILDKIT_INLINE_FIELD] !== undefined) throw ofBuildKit();
  return inline === undefined ? undefined : { source, name, config: parseTravelConfig(inline), blobs: manifest.layers };
}

export class ImportedCaches implements Imports {
  readonly #engine: Engine;
  readonly #lease: Lease;
  readonly #records = new Map<string, { cache: OpenCache; record: TravelRecord }>();
  readonly #aliases = new Map<string, Keyed>();
  /** Layers that cannot be had: results that have one of them do not exist. */
  readonly #broken = new Set<TravelLayer>();
  readonly #onWarning: (message: string) => void;
  readonly #brought = new Map<string, Promise<{ result: CachedResult; description: string } | undefined>>();

  /** @param lease holds what is unpacked until the build has ended */
  constructor(engine: Engine, lease: Lease, caches: readonly OpenCache[], onWarning: (message: string) => void) {
    this.#onWarning = onWarning;
    this.#engine = engine;
    this.#lease = lease;
    for (const cache of caches) {
      for (const record of cache.config.records) if (!this.#records.has(record.key)) this.#records.set(record.key, { cache, record });
      for (const [key, to] of Object.entries(cache.config.aliases)) this.#aliases.set(key, to);
    }
  }

  has(key: string): boolean {
    const found = this.#records.get(key);
    if (found === undefined || this.#broken.size === 0) return found !== undefined;
    return !chainOf(found.cache, found.record.layer).some((layer) => this.#broken.has(layer));
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

  /** The snapshot of a chain of layers; undefined when a layer of it is nowhere, or is not what the cache says. */
  async #unpack(cache: OpenCache, top: number, signal: AbortSignal): Promise<number | undefined> {
    const { blobs, source, name } = cache;
    const chain = chainOf(cache, top);
    const chains = chainIds(chain.map((l) => l.diffId));
    const { layers } = this.#engine.images;
    let have = chain.length;
    let parent: number | null = null;
    for (; have > 0 && parent === null; have--) parent = layers.hold(chains[have - 1] as Digest, this.#lease) ?? null;
    if (parent !== null) have++;
    for (const [i, layer] of chain.entries()) {
      if (i < have) continue;
      if (this.#broken.has(layer)) return undefined;
      const blob = layer.blob === undefined ? undefined : blobs[layer.blob];
      // a layer of a base image, which may not be unpacked yet
      if (blob === undefined && layers.blob(layer.diffId) === undefined) return undefined;
      try {
        const made = await layers.unpackLayer({ diffId: layer.diffId, chainId: chains[i] as Digest }, parent, this.#lease, {
          signal,
          ...(blob && { arriving: arriving(source, blob), limit: unpackLimit(blob.size) }),
        });
        parent = made.id;
      } catch (e) {
        if (blob === undefined || !isFaultOfCache(e, signal)) throw e;
        this.#broken.add(layer);
        this.#onWarning(`a layer of the cache from ${name} cannot be used: ${(e as Error).message}; what needs it is built again`);
        return undefined;
      }
    }
    return parent ?? undefined;
  }
}

/** The layers of a result, lowest first. */
function chainOf({ config }: OpenCache, top: number): TravelLayer[] {
  const chain: TravelLayer[] = [];
  for (let at = top; at >= 0; at = config.layers[at]?.below ?? -1) chain.unshift(config.layers[at] as TravelLayer);
  return chain;
}

/** Whether what failed is the cache or the way to it, and neither this store nor this program: then the build goes on without. */
export function isFaultOfCache(e: unknown, signal: AbortSignal): boolean {
  if (signal.aborted || isNoSpace(e)) return false;
  if (isSlipwayError(e)) return !['internal', 'cancelled', 'no-space'].includes(e.kind) && !e.code.startsWith('store.');
  const { code } = e as NodeJS.ErrnoException;
  return code !== undefined && !['EMFILE', 'ENFILE', 'ENOMEM', 'EROFS'].includes(code);
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

const ofBuildKit = (): SlipwayError =>
  new SlipwayError(
    'unsupported',
    'cache.buildkit',
    'it was written by BuildKit, which names the results of steps by other keys than slipway',
    {
      hints: ['write one with slipway build --cache-to'],
    },
  );

const mismatch = (d: Descriptor): SlipwayError =>
  new SlipwayError('data-loss', 'cache.mismatch', `blob ${d.digest} of an imported cache is not what was announced`);
