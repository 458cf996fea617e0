// Caches that travel between machines (`--cache-to`, `--cache-from`).
import type { BuiltCache } from '../../builder/index.ts';
import type { Lease } from '../../content/index.ts';
import type { CopySource, Place, Registries } from '../../registry/index.ts';
import type { Engine } from '../engine.ts';
import { type Exported, exportCache } from './export.ts';
import { ImportedCaches, isFaultOfCache, type OpenCache, openCaches } from './import.ts';
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

/**
 * Opens caches. One that does not exist, or cannot be read, is reported and passed over: the first build of all has none.
 * @param onWarning hears of results that turn out to be damaged when they are needed
 */
export async function importCaches(
  engine: Engine,
  registries: Registries,
  imports: readonly CacheImport[],
  lease: Lease,
  signal: AbortSignal,
  onWarning: (message: string) => void,
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
      const found = await openCaches(source, name);
      if (found.length === 0) notices.push(`${name} holds no cache`);
      for (const cache of found) {
        open.push(cache);
        const results = `importing cache from ${name}: ${cache.config.records.length} results`;
        try {
          const came = await unpackMounts(engine, cache, mounts, signal);
          notices.push(came.length === 0 ? results : `${results}, cache mounts ${came.join(', ')}`);
        } catch (e) {
          if (!isFaultOfCache(e, signal)) throw e;
          notices.push(`${results}, without cache mounts: ${(e as Error).message}`);
        }
      }
    } catch (e) {
      if (!isFaultOfCache(e, signal)) {
        close();
        signal.throwIfAborted();
        throw e;
      }
      notices.push(`no cache from ${name}: ${(e as Error).message}`);
    }
  }
  return { caches: new ImportedCaches(engine, lease, open, onWarning), notices, [Symbol.dispose]: close };
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
