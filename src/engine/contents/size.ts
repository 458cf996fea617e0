// What the bytes of an image are made of: layers, the largest paths, what is there twice or hidden, and caches of package managers.
import { type Folder, type HiddenFile, type ImageFile, readContents } from '../../image/index.ts';
import type { Digest } from '../../model/index.ts';
import type { Engine } from '../engine.ts';
import { heldImage } from './held.ts';
import { ruleFor } from './rules.ts';
import { layerSteps, type LayerStep } from './steps.ts';

export interface LayerSize extends LayerStep {
  readonly diffId: Digest;
  /** Bytes of its files. */
  readonly size: number;
  readonly files: number;
  /** Bytes of lower layers that it replaces or deletes. */
  readonly hides: number;
}

export interface Duplicate {
  /** Bytes of one copy. */
  readonly size: number;
  readonly paths: readonly string[];
}

export interface PackageCache {
  /** `package lists of apt`. */
  readonly what: string;
  readonly size: number;
  readonly files: number;
  readonly layer: number;
  /** How to leave it out. */
  readonly advice: string;
}

export interface ImageSize {
  readonly name: string;
  readonly id: Digest;
  /** Bytes of all layers. */
  readonly size: number;
  /** Bytes of what can be seen in the end. */
  readonly visible: number;
  /** Lowest first; `layer` elsewhere is a position in this list. */
  readonly layers: readonly LayerSize[];
  readonly largestFiles: readonly ImageFile[];
  readonly largestFolders: readonly { readonly path: string; readonly size: number }[];
  /** Bytes of files that later layers replaced or deleted. */
  readonly hiddenBytes: number;
  readonly hidden: readonly HiddenFile[];
  /** Bytes of all copies but one of each. */
  readonly duplicateBytes: number;
  readonly duplicates: readonly Duplicate[];
  readonly cacheBytes: number;
  readonly caches: readonly PackageCache[];
}

/**
 * Measures an image of the store.
 * @param o.top how many paths of each list to give
 * @throws SlipwayError `image.not-found`, `image.too-many-files`, and what reading a layer throws
 */
export async function imageSize(engine: Engine, name: string, o: { top: number; signal?: AbortSignal }): Promise<ImageSize> {
  using lease = engine.leases.create();
  const image = heldImage(engine, name, lease);
  const contents = await readContents(engine.images.layers, image, o);
  const steps = await layerSteps(engine, image);
  const duplicates = duplicatesIn(contents.files);
  const caches = cachesIn(contents.files);
  return {
    name,
    id: image.id,
    size: sizeOf(contents.layers),
    visible: sizeOf(contents.files),
    layers: image.layers.map((l, n) => ({
      ...(steps[n] ?? { instruction: '' }),
      diffId: l.diffId,
      ...(contents.layers[n] ?? { size: 0, files: 0, hides: 0 }),
    })),
    largestFiles: largest(contents.files, o.top),
    largestFolders: largest(contents.folders.filter(isWorthNaming), o.top).map(({ path, size }) => ({ path, size })),
    hiddenBytes: sizeOf(contents.hidden),
    hidden: largest(contents.hidden, o.top),
    duplicateBytes: duplicates.reduce((sum, d) => sum + d.size * (d.paths.length - 1), 0),
    duplicates: duplicates.slice(0, o.top),
    cacheBytes: sizeOf(caches),
    caches,
  };
}

export const sizeOf = (list: readonly { readonly size: number }[]): number => list.reduce((sum, { size }) => sum + size, 0);

export const largest = <T extends { readonly size: number; readonly path: string }>(list: readonly T[], top: number): T[] =>
  list
    .filter((x) => x.size > 0)
    .toSorted((a, b) => b.size - a.size || (a.path < b.path ? -1 : 1))
    .slice(0, top);

/** Not the root, and not one that only holds one large folder. */
const isWorthNaming = (f: Folder): boolean => f.path !== '/' && f.largest < f.size * 0.8;

export function duplicatesIn(files: readonly ImageFile[]): Duplicate[] {
  const same = new Map<string, { size: number; paths: string[] }>();
  for (const { digest, size, path } of files) {
    if (digest === undefined) continue;
    const found = same.get(digest);
    if (found) found.paths.push(path);
    else same.set(digest, { size, paths: [path] });
  }
  return [...same.values()]
    .filter((d) => d.paths.length > 1)
    .toSorted((a, b) => b.size * (b.paths.length - 1) - a.size * (a.paths.length - 1));
}

function cachesIn(files: readonly ImageFile[]): PackageCache[] {
  const found = new Map<string, { what: string; size: number; files: number; layer: number; advice: string }>();
  for (const { path, size, layer } of files) {
    const rule = ruleFor(path);
    if (rule?.kind !== 'cache') continue;
    const key = `${layer} ${rule.what}`;
    const cache = found.get(key) ?? { what: rule.what, size: 0, files: 0, layer, advice: rule.advice ?? '' };
    cache.size += size;
    cache.files++;
    found.set(key, cache);
  }
  return [...found.values()].filter((c) => c.size > 0).toSorted((a, b) => b.size - a.size);
}
