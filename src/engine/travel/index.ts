// Caches that travel between machines (`--cache-to`, `--cache-from`).
import type { BuiltCache } from '../../builder/index.ts';
import type { Lease } from '../../content/index.ts';
import { isSlipwayError } from '../../model/index.ts';
import type { CopySource, Place, Registries } from '../../registry/index.ts';
import type { Engine } from '../engine.ts';
import { type Exported, exportCache } from './export.ts';
import { ImportedCaches, type OpenCache, openCaches } from './import.ts';
import { unpackMounts } from './mounts.ts';
import type { CacheExport, CacheImport, CachePlace } from './spec.ts';

export { mergedCache } from './export.ts';
export { inlineCache } from './inline.ts';
export { type CacheExport, type CacheImport } from './spec.ts';

const placeOf = (p: CachePlace): Place => (p.type === 'local' ? { kind: 'oci', at: p.path, name: p.tag } : { kind: 'docker', at: p.ref });
export const placeName = (p: CachePlace): string => (p.type === 'local' ? p.path : p.ref);

export interface Imported extends Disposable {
  readonly caches: ImportedCaches;
  /** One line about each: what came, or why nothing did, which fails no build. */
  readonly notices: readonly string[];
}

/** Opens caches. One that is not there yet is told and passed over, as in BuildKit: the first build of all has none. */
export async function importCaches(
  engine: Engine,
  registries: Registries,
  imports: readonly CacheImport[],
  lease: Lease,
  signal: AbortSignal,
): Promise<Imported> {
  const { openSource } = await import('../../registry/index.ts');
  const open: OpenCache[] = [];
  const sources: CopySource[] = [];
  const notices: string[] = [];
  const close = (): void => {
    for (const source of sources) source.close();
  };
  for (const { place, mounts } of imports) {
    const name = placeName(place);
    try {
      const source = openSource(registries, placeOf(place), signal);
      sources.push(source);
      const found = await openCaches(source);
      if (found.length === 0) notices.push(`${name} holds no cache`);
      for (const cache of found) {
        open.push(cache);
        const came = await unpackMounts(engine, cache, mounts, signal);
        const mounted = came.length === 0 ? '' : `, cache mounts ${came.join(', ')}`;
        notices.push(`importing cache from ${name}: ${cache.config.records.length} results${mounted}`);
      }
    } catch (e) {
      signal.throwIfAborted();
      if (!isSlipwayError(e)) {
        close();
        throw e;
      }
      notices.push(`no cache from ${name}: ${e.message}`);
    }
  }
  return { caches: new ImportedCaches(engine, lease, open), notices, [Symbol.dispose]: close };
}

export async function exportTo(
  engine: Engine,
  registries: Registries,
  cache: BuiltCache,
  o: Extract<CacheExport, { type: 'place' }>,
  lease: Lease,
  signal: AbortSignal,
): Promise<Exported> {
  const { openTarget } = await import('../../registry/index.ts');
  const target = await openTarget(registries, placeOf(o.place), undefined, { compression: o.compression, signal });
  try {
    return await exportCache(engine, cache, target, o, lease, signal);
  } catch (e) {
    target.abort();
    throw e;
  }
}
