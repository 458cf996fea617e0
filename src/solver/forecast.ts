// What a solve would do, without doing it: which vertices have a cached result, which have not, and of which that depends on
// what others make.
import { aliasHolds, digestParts, requireKeys } from './keys.ts';
import type { CachedResult, CacheStore, Driver, Vertex } from './types.ts';

/** `maybe`: it runs unless what it reads turns out to be what it was. `source`: it brings in what others read. */
export type Fate = 'source' | 'cached' | 'run' | 'maybe';

export interface Forecast<R> {
  readonly fate: Fate;
  /** undefined when it is not known before others have run. */
  readonly key: string | undefined;
  readonly parts: readonly string[];
  /** It would ignore the cache. */
  readonly uncached: boolean;
  /** What the cache has for the key; `stale`: it does not stand on what the cache has for input 0. */
  readonly cached?: CachedResult | undefined;
  readonly stale?: boolean;
  readonly result: R | undefined;
}

/** A driver that can also say what it has of a source without bringing it in. */
export interface ForesightDriver<R> extends Driver<R> {
  peek(v: Vertex): R | undefined;
}

/** Of every vertex that `targets` need, by id; inputs come before what reads them. */
export function foresee<R>(vertices: readonly Vertex[], driver: ForesightDriver<R>, cache: CacheStore): Map<string, Forecast<R>> {
  const known = new Map<string, Forecast<R>>();
  for (const v of vertices) known.set(v.id, forecast(v, known, driver, cache));
  return known;
}

function forecast<R>(v: Vertex, known: ReadonlyMap<string, Forecast<R>>, driver: ForesightDriver<R>, cache: CacheStore): Forecast<R> {
  if (v.inputs.length === 0) {
    return { fate: 'source', key: driver.sourceKey(v) ?? '', parts: [], uncached: false, result: driver.peek(v) };
  }
  const inputs = v.inputs.map((i) => known.get(i.id) as Forecast<R>);
  const uncached = v.noCache || inputs.some((f, i) => !v.selective[i] && f.uncached);
  const parts = keyParts(v, inputs, driver, cache);
  const key = parts && digestParts(v, parts);
  const cached = key === undefined || uncached ? undefined : cache.get(key);
  const below = v.selective[0] ? undefined : inputs[0];
  const stale = cached !== undefined && below?.cached !== undefined && (below.stale === true || !driver.standsOn(cached, below.cached));
  const result = cached && !stale ? driver.restore(v, cached, undefined) : undefined;
  const there = result !== undefined || (key !== undefined && !uncached && !stale && cache.elsewhere?.(key) === true);
  const fate = uncached ? 'run' : there ? 'cached' : key === undefined ? 'maybe' : 'run';
  return { fate, key, parts: parts ?? [], uncached, cached, stale, result };
}

/** The part of each input in the key; undefined when one is not known yet. */
function keyParts<R>(
  v: Vertex,
  inputs: readonly Forecast<R>[],
  driver: ForesightDriver<R>,
  cache: CacheStore,
): readonly string[] | undefined {
  const keys = inputs.map((f) => f.key);
  if (keys.some((k) => k === undefined)) return undefined;
  requireKeys(v, keys);
  if (!v.selective.includes(true)) return keys as string[];
  const changed = inputs.some((f, i) => f.uncached || (v.selective[i] && f.stale));
  const alias = keys.includes('') || changed ? undefined : cache.alias(digestParts(v, keys as string[], 'inputs'));
  if (alias !== undefined && aliasHolds(v, alias, keys as string[], cache)) return alias.parts;
  const parts: string[] = [];
  for (const [i, f] of inputs.entries()) {
    if (!v.selective[i]) parts.push(f.key as string);
    else if (f.result === undefined) return undefined;
    else parts.push(`content:${driver.contentKey(v, i, f.result)}`);
  }
  return parts;
}
