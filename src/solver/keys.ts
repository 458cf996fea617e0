// Keys of vertices: what they are made of, and when what was learnt of them before still holds.
import { SlipwayError } from '../model/index.ts';
import { sha256Hex } from '../util/index.ts';
import type { CachedResult, CacheStore, Keyed, Vertex } from './types.ts';

/** A key: of the definition and the part of each input. `kind` sets keys apart that are made of other parts. */
export const digestParts = (v: Vertex, parts: readonly string[], kind?: string): string =>
  sha256Hex([...(kind === undefined ? [] : [kind]), v.definition, ...parts].join('\n'));

/**
 * An input that is not read in part counts by its key alone: without one, what reads it would be found whatever the input holds.
 * @throws SlipwayError internal `solver.no-key`
 */
export function requireKeys(v: Vertex, keys: readonly (string | undefined)[]): void {
  v.inputs.forEach((input, i) => {
    if (!v.selective[i] && keys[i] === '')
      throw new SlipwayError('internal', 'solver.no-key', `${v.name} would be cached by an input that has no key: ${input.name}`);
  });
}

/** Which result it is that the cache has for a key: another one after the vertex was executed again. */
const identityOf = ({ snapshotId, json }: CachedResult): string => sha256Hex(`${snapshotId} ${json}`).slice(0, 16);

/** Of each input that is read in part, which result the cache has for it; '' where it has none, as of sources. */
export function identities(v: Vertex, keys: readonly string[], cache: CacheStore): string[] {
  return keys.map((key, i) => {
    const cached = v.selective[i] ? cache.get(key) : undefined;
    return cached === undefined ? '' : identityOf(cached);
  });
}

/** Whether what an alias says is still so: none of the results that it was learnt from has been replaced since. */
export function aliasHolds(v: Vertex, alias: Keyed, keys: readonly string[], cache: CacheStore): boolean {
  if (alias.parts.length !== keys.length) return false;
  const { seen } = alias;
  if (!seen?.some((one) => one !== '')) return true;
  return identities(v, keys, cache).every((now, i) => now === '' || !seen[i] || now === seen[i]);
}
