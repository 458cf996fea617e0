// The form in which a cache travels: an OCI image manifest whose layers are the layers of results (and the contents of cache
// mounts), and whose configuration says which keys they are the results of. An inline cache is the same in the configuration of an
// image, whose own layers it speaks of.
import { type Digest, isDigest, SlipwayError } from '../../model/index.ts';
import type { Keyed } from '../../solver/index.ts';

export const CACHE_CONFIG = 'application/vnd.slipway.cache.config.v1+json';
export const MOUNT_LAYER = 'application/vnd.slipway.cache.mount.v1.tar+zstd';
/** Of the configuration of a cache that BuildKit wrote, and the field of an image's configuration that holds its inline cache. */
export const BUILDKIT_CONFIG = 'application/vnd.buildkit.cacheconfig.v0';
export const BUILDKIT_INLINE_FIELD = 'moby.buildkit.cache.v0';
/** The field of an image's configuration that holds an inline cache. */
export const INLINE_FIELD = 'io.slipway.cache.v1';

/** A layer upon others. */
export interface TravelLayer {
  readonly diffId: Digest;
  /** The one below, by its number in the list; -1 for none. */
  readonly below: number;
  /** Its blob, by its number among the layers of the manifest; left out for layers of base images, which every build has. */
  readonly blob?: number;
}

export interface TravelRecord {
  readonly key: string;
  /** The top layer of the result; -1 for an empty file system. */
  readonly layer: number;
  /** ms since the epoch; how long it took, in ms. */
  readonly createdAt: number;
  readonly ms: number;
  readonly description: string;
}

export interface TravelConfig {
  readonly version: 1;
  readonly layers: readonly TravelLayer[];
  readonly records: readonly TravelRecord[];
  /** Cheap keys, and what they led to. */
  readonly aliases: Readonly<Record<string, Keyed>>;
  /** Cache mounts by id, each with the number of its blob. */
  readonly mounts: readonly { readonly id: string; readonly blob: number }[];
}

const wrong = (what: string): SlipwayError =>
  new SlipwayError('data-loss', 'cache.invalid', `a cache that was imported is not one: ${what}`, {
    hints: ['leave that --cache-from out, and write it anew'],
  });

/** Checks what somebody else may have written. Throws data-loss 'cache.invalid'. */
export function parseTravelConfig(value: unknown): TravelConfig {
  const c = value as Partial<TravelConfig> | null;
  if (typeof c !== 'object' || c === null || c.version !== 1) throw wrong('its version is unknown');
  if (!Array.isArray(c.layers) || !Array.isArray(c.records) || !Array.isArray(c.mounts)) throw wrong('lists are missing');
  const layers = c.layers as TravelLayer[];
  layers.forEach((l, i) => {
    // a layer refers to earlier ones only, so that chains end
    if (!isDigest(l?.diffId) || !isNumber(l.below, -1, i - 1) || (l.blob !== undefined && !isNumber(l.blob, 0, 1 << 20)))
      throw wrong(`layer ${i}`);
  });
  (c.records as TravelRecord[]).forEach((r, i) => {
    const numbers = isNumber(r?.layer, -1, layers.length - 1) && isNumber(r.createdAt, 0) && isNumber(r.ms, 0);
    if (!numbers || !isKey(r.key) || typeof r.description !== 'string') throw wrong(`record ${i}`);
  });
  for (const [key, to] of Object.entries(c.aliases ?? {})) {
    const parts: unknown = to?.parts;
    if (!isKey(key) || !isKey(to?.key) || !Array.isArray(parts) || !parts.every((p) => typeof p === 'string' && !p.includes(' ')))
      throw wrong('aliases');
  }
  for (const m of c.mounts as { id: unknown; blob: unknown }[])
    if (typeof m?.id !== 'string' || !isNumber(m.blob, 0)) throw wrong('mounts');
  return { version: 1, layers, records: c.records, aliases: c.aliases ?? {}, mounts: c.mounts };
}

const isKey = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const isNumber = (value: unknown, least: number, most = Number.MAX_SAFE_INTEGER): value is number =>
  Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
