// Writes the cache of a build to a place: the layers of its results, which keys they are results of, and cache mounts.
import { createReadStream } from 'node:fs';
import type { BuiltCache } from '../../builder/index.ts';
import type { Lease } from '../../content/index.ts';
import { type Descriptor, type Digest, encodeJson, type Manifest, MediaType } from '../../model/index.ts';
import type { CopyTarget } from '../../registry/index.ts';
import { DatabaseCache, type Keyed } from '../../solver/index.ts';
import type { Engine } from '../engine.ts';
import { crashPoint } from '../../util/index.ts';
import { sendBytes, sendLayer, sendManifest } from '../ship.ts';
import { CACHE_CONFIG, type TravelConfig, type TravelLayer, type TravelRecord } from './format.ts';
import { packMounts } from './mounts.ts';
import type { CacheExport } from './spec.ts';

type PlaceExport = Extract<CacheExport, { type: 'place' }>;

/** Bytes that were sent, and layers that the place had already. */
export interface Exported {
  readonly records: number;
  readonly layers: number;
  readonly sent: number;
}

export async function exportCache(
  engine: Engine,
  cache: BuiltCache,
  target: CopyTarget,
  o: PlaceExport,
  lease: Lease,
  signal: AbortSignal,
): Promise<Exported> {
  const { layers, records } = collect(engine, cache, o.mode);
  const blobs: Descriptor[] = [];
  let sent = 0;
  const placed: TravelLayer[] = [];
  for (const layer of layers) {
    signal.throwIfAborted();
    if (layer.base) {
      placed.push({ diffId: layer.diffId, below: layer.below });
      continue;
    }
    const { descriptor, moved } = await sendLayer(engine, layer.diffId, target, { compression: o.compression, force: o.force }, lease);
    sent += moved;
    crashPoint('cache-export.layer-sent');
    placed.push({ diffId: layer.diffId, below: layer.below, blob: blobs.push(descriptor) - 1 });
  }
  const mounts: { id: string; blob: number }[] = [];
  for await (const { id, descriptor, path } of packMounts(engine, o.mounts, signal)) {
    if (!(await target.has(descriptor))) {
      await target.put(descriptor, (start) => createReadStream(path, { start, highWaterMark: 1 << 20 }));
      sent += descriptor.size;
    }
    mounts.push({ id, blob: blobs.push(descriptor) - 1 });
  }
  const config: TravelConfig = { version: 1, layers: placed, records, aliases: aliasesOf(engine, records), mounts };
  const { descriptor: described } = await sendBytes(engine, target, CACHE_CONFIG, encodeJson(config), lease);
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    artifactType: CACHE_CONFIG,
    config: described,
    layers: blobs,
  };
  crashPoint('cache-export.before-manifest');
  await sendManifest(target, manifest, MediaType.ociManifest, true);
  crashPoint('cache-export.manifest-sent');
  await target.finish();
  return { records: records.length, layers: blobs.length, sent };
}

/** The caches of several builds as one; a result that several have is there once. */
export function mergedCache(caches: readonly BuiltCache[]): BuiltCache {
  const [first] = caches;
  if (first !== undefined && caches.length === 1) return first;
  const results = new Map<string, BuiltCache['results'][number]>();
  for (const result of caches.flatMap((cache) => cache.results)) {
    const before = results.get(result.key);
    results.set(result.key, before === undefined ? result : { ...before, ofImage: before.ofImage || result.ofImage });
  }
  return { results: [...results.values()], baseChains: caches.flatMap((cache) => cache.baseChains) };
}

interface CollectedLayer {
  readonly diffId: Digest;
  readonly below: number;
  readonly base: boolean;
}

/** The layers of the results, the lower ones first, and the results by them. */
export function collect(engine: Engine, cache: BuiltCache, mode: 'min' | 'max'): { layers: CollectedLayer[]; records: TravelRecord[] } {
  const base = new Set(cache.baseChains);
  const layers: CollectedLayer[] = [];
  const numbers = new Map<number, { number: number; chain: Digest }>();
  const records: TravelRecord[] = [];
  for (const { key, snapshotId, createdAt, ms, description, ofImage } of cache.results) {
    if (mode === 'min' && !ofImage) continue;
    const chain: number[] = [];
    for (let id = snapshotId; id !== null && !numbers.has(id); id = engine.snapshots.get(id)?.parentId ?? null) chain.unshift(id);
    for (const id of chain) {
      const parent = engine.snapshots.get(id)?.parentId ?? null;
      const below = parent === null ? undefined : numbers.get(parent);
      const { diffId, chainId } = engine.images.layers.register(id, below?.chain);
      numbers.set(id, { number: layers.push({ diffId, below: below?.number ?? -1, base: base.has(chainId) }) - 1, chain: chainId });
    }
    records.push({ key, layer: snapshotId === null ? -1 : (numbers.get(snapshotId)?.number ?? -1), createdAt, ms, description });
  }
  return { layers, records };
}

/** Cheap keys that lead to one of the records. */
export const aliasesOf = (engine: Engine, records: readonly TravelRecord[]): Record<string, Keyed> =>
  new DatabaseCache(engine.db, engine.now).aliasesTo(records.map((r) => r.key));
