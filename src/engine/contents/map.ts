// All files of an image as a tree with their sizes, small ones together: what a map of its bytes is drawn from.
import { type ImageFile, readContents } from '../../image/index.ts';
import type { Digest } from '../../model/index.ts';
import type { Engine } from '../engine.ts';
import { heldImage } from './held.ts';
import { duplicatesIn, sizeOf } from './size.ts';
import { layerSteps, type LayerStep } from './steps.ts';

export interface MappedFile {
  /** One word of its path; of several that stand together how many they are. */
  readonly name: string;
  /** Bytes, of all below. */
  readonly size: number;
  /** Of a file: the position of its layer. */
  readonly layer?: number;
  readonly files?: readonly MappedFile[];
}

export interface ImageMap {
  readonly name: string;
  readonly id: Digest;
  readonly size: number;
  /** Lowest first. */
  readonly layers: readonly (LayerStep & { readonly size: number })[];
  readonly root: MappedFile;
  readonly hiddenBytes: number;
  readonly duplicateBytes: number;
}

/** What is less than this part of the image is not shown by itself. */
const LEAST = 1 / 2000;

/** @throws as `imageSize` */
export async function imageMap(engine: Engine, name: string, o: { signal?: AbortSignal }): Promise<ImageMap> {
  using lease = engine.leases.create();
  const image = heldImage(engine, name, lease);
  const contents = await readContents(engine.images.layers, image, o);
  const steps = await layerSteps(engine, image);
  const size = sizeOf(contents.layers);
  return {
    name,
    id: image.id,
    size,
    layers: image.layers.map((_, n) => ({ ...(steps[n] ?? { instruction: '' }), size: contents.layers[n]?.size ?? 0 })),
    root: pruned('', treeOf(contents.files), size * LEAST),
    hiddenBytes: sizeOf(contents.hidden),
    duplicateBytes: duplicatesIn(contents.files).reduce((sum, d) => sum + d.size * (d.paths.length - 1), 0),
  };
}

interface Branch {
  size: number;
  layer: number;
  readonly below: Map<string, Branch>;
}

function treeOf(files: readonly ImageFile[]): Branch {
  const root: Branch = { size: 0, layer: 0, below: new Map() };
  for (const { path, size, layer } of files) {
    if (size === 0) continue;
    let at = root;
    at.size += size;
    for (const word of path.split('/')) {
      if (word === '') continue;
      let next = at.below.get(word);
      if (next === undefined) at.below.set(word, (next = { size: 0, layer, below: new Map() }));
      next.size += size;
      at = next;
    }
    at.layer = layer;
  }
  return root;
}

/** Without what is too small to be seen. The depth is that of paths, which are bounded. */
function pruned(name: string, { size, layer, below }: Branch, least: number): MappedFile {
  if (below.size === 0) return { name, size, layer };
  const shown: MappedFile[] = [];
  const small = { count: 0, size: 0, layer: 0 };
  for (const [word, branch] of below) {
    if (branch.size >= least) shown.push(pruned(word, branch, least));
    else {
      small.count++;
      small.size += branch.size;
      small.layer = branch.layer;
    }
  }
  if (small.count > 0) shown.push({ name: `${small.count} smaller`, size: small.size, layer: small.layer });
  return { name, size, files: shown.toSorted((a, b) => b.size - a.size) };
}
