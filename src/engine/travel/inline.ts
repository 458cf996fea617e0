// An inline cache: what an image's configuration says of its own layers, so that the image itself is the cache.
import type { BuiltCache } from '../../builder/index.ts';
import type { Engine } from '../engine.ts';
import { aliasesOf, collect } from './export.ts';
import { INLINE_FIELD, type TravelConfig } from './format.ts';

/** The field for the configuration. Results of an image lie on one chain, so the place of a layer in it is its place in the image. */
export function inlineCache(engine: Engine, cache: BuiltCache): Record<string, TravelConfig> {
  const { layers, records } = collect(engine, cache, 'min');
  const places: number[] = [];
  for (const { below } of layers) places.push(below < 0 ? 0 : (places[below] ?? 0) + 1);
  return {
    [INLINE_FIELD]: {
      version: 1,
      layers: layers.map(({ diffId, below }, i) => ({ diffId, below, blob: places[i] as number })),
      records,
      aliases: aliasesOf(engine, records),
      mounts: [],
    },
  };
}
