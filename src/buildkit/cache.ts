// The build cache as BuildKit's clients see it: what `du` lists, and what `prune` removes.
import { cacheEntries, type CacheEntry, type CacheFilter, type Engine, entryId } from '../engine/index.ts';
import type { PruneRequest } from '../protocol/index.ts';
import { type Fields, parseFilters } from './filters.ts';
import { timeOf } from './status.ts';

const FIELDS = ['id', 'type', 'description', 'inuse', 'mutable', 'immutable', 'shared', 'private', 'parents'];

const fieldsOf = (e: CacheEntry): Fields => ({
  id: entryId(e),
  type: e.type,
  description: e.description,
  inuse: e.inUse,
  mutable: e.type === 'exec.cachemount',
  immutable: e.type !== 'exec.cachemount',
  shared: e.shared,
  private: !e.shared,
});

export const usageRecord = (e: CacheEntry) => ({
  ID: entryId(e),
  Mutable: e.type === 'exec.cachemount',
  InUse: e.inUse,
  Size: BigInt(e.size),
  CreatedAt: timeOf(e.createdAt),
  LastUsedAt: timeOf(e.usedAt),
  UsageCount: BigInt(e.uses),
  Description: e.description,
  RecordType: e.type,
  Shared: e.shared,
});

/** @param ageLimit nanoseconds: only what has not been used for so long. @throws SlipwayError `buildkit.filter` */
export function usageOf(engine: Engine, filter: readonly string[], ageLimit: bigint, now: number): ReturnType<typeof usageRecord>[] {
  const wanted = parseFilters(filter, FIELDS);
  const before = ageLimit > 0n ? now - Number(ageLimit / 1_000_000n) : Infinity;
  return cacheEntries(engine)
    .filter((e) => e.usedAt < before && wanted(fieldsOf(e)))
    .map(usageRecord);
}

/** What is to be removed; undefined where no entry is meant. @throws SlipwayError `buildkit.filter` */
export function pruneFilter(engine: Engine, r: PruneRequest, now: number): CacheFilter | undefined {
  const wanted = parseFilters(r.filter, FIELDS);
  const bytes = (name: 'reserved' | 'most' | 'free', value: bigint): CacheFilter => (value > 0n ? { [name]: Number(value) } : {});
  const some = r.filter.some((text) => text.trim() !== '');
  const ids = some
    ? cacheEntries(engine)
        .filter((e) => wanted(fieldsOf(e)))
        .map((e) => e.id)
    : [];
  if (some && ids.length === 0) return undefined;
  return {
    all: r.all,
    ...(r.keepDuration > 0n && { until: now - Number(r.keepDuration / 1_000_000n) }),
    ...(some && { match: new Map([['id', ids]]) }),
    ...bytes('reserved', r.reservedSpace),
    ...bytes('most', r.maxUsedSpace),
    ...bytes('free', r.minFreeSpace),
  };
}
