// What a solve would do, without doing it: which vertices have a cached result, which have not, and of which that depends on
// what others make.
import { digestParts } from './solver.ts';
import type { CacheStore, Driver, Vertex } from './types.ts';

/** `maybe`: it runs unless what it reads turns out to be what it was. `source`: it brings in what others read. */
export type Fate = 'source' | 'cached' | 'run' | 'maybe';

export interface Forecast<R> {
  readonly fate: Fate;
  /** undefined when it is not known before others have run. */
  readonly key: string | undefined;
  readonly parts: readonly string[];
  /** It would ignore the cache. */
  readonly anew: boolean;
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
    return { fate: 'source', key: driver.sourceKey(v) ?? '', parts: [], anew: false, result: driver.peek(v) };
  }
  const inputs = v.inputs.map((i) => known.get(i.id) as Forecast<R>);
  const anew = v.noCache || inputs.some((f, i) => !v.selective[i] && f.anew);
  const parts = keyParts(v, inputs, driver, cache);
  const key = parts && digestParts(v, parts);
  const cached = key === undefined || anew ? undefined : cache.get(key);
  const result = cached && driver.restore(v, cached, undefined);
  const there = result !== undefined || (key !== undefined && !anew && cache.elsewhere?.(key) === true);
  return { fate: anew ? 'run' : there ? 'cached' : key === undefined ? 'maybe' : 'run', key, parts: parts ?? [], anew, result };
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
  if (!v.selective.includes(true)) return keys as string[];
  const cheap = keys.includes('') || inputs.some((f) => f.anew) ? undefined : digestParts(v, keys as string[], 'inputs');
  const alias = cheap === undefined ? undefined : cache.alias(cheap);
  if (alias !== undefined && alias.parts.length === keys.length) return alias.parts;
  const parts: string[] = [];
  for (const [i, f] of inputs.entries()) {
    if (!v.selective[i]) parts.push(f.key as string);
    else if (f.result === undefined) return undefined;
    else parts.push(`content:${driver.contentKey(v, i, f.result)}`);
  }
  return parts;
}
