// Images by the layers that they share: which one stands on which, and what each adds.
import type { Digest } from '../../model/index.ts';
import type { Engine } from '../engine.ts';

export interface ImageTreeNode {
  /** Of the image; undefined for layers that several images share and that are no image of their own. */
  readonly id?: Digest;
  readonly names: readonly string[];
  /** Bytes of all its layers. */
  readonly size: number;
  /** Bytes and number of the layers that it has beyond the node above it. */
  readonly adds: number;
  readonly layers: number;
  readonly children: readonly ImageTreeNode[];
}

interface Growing {
  id?: Digest;
  names: readonly string[];
  size: number;
  adds: number;
  layers: number;
  children: Growing[];
}

/** All images with names, and nameless ones that nothing stands on. @param all also intermediate images of the original engine */
export function imageTree(engine: Engine, o: { all?: boolean } = {}): ImageTreeNode[] {
  const listed = engine.images.list({ all: o.all ?? false });
  const layersOf = new Map(listed.map((i) => [i.id, engine.images.get(i.id).layers]));
  // a trie over chains of layers: a node for each chain, and the images that end there
  interface Chain {
    readonly size: number;
    readonly below: Map<Digest, Chain>;
    readonly images: Growing[];
  }
  const root: Chain = { size: 0, below: new Map(), images: [] };
  const nodes = new Map<Digest, Growing>();
  for (const image of listed.toReversed()) {
    let at = root;
    for (const layer of layersOf.get(image.id) ?? []) {
      const next = at.below.get(layer.chainId) ?? { size: layer.size, below: new Map(), images: [] };
      at.below.set(layer.chainId, next);
      at = next;
    }
    const node: Growing = { id: image.id, names: image.names, size: image.size, adds: 0, layers: 0, children: [] };
    at.images.push(node);
    nodes.set(image.id, node);
  }
  const top: Growing[] = [];
  const open = [{ chain: root, under: undefined as Growing | undefined, adds: 0, layers: 0, size: 0 }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { chain, size } = next;
    let { under, adds, layers } = next;
    const place = (node: Growing, parent: Growing | undefined): void => {
      node.adds = adds;
      node.layers = layers;
      (parent?.children ?? top).push(node);
    };
    const [first, ...others] = chain.images;
    if (first !== undefined) {
      place(first, under);
      const above = under;
      [adds, layers] = [0, 0];
      // the same layers with another configuration: upon the image they were built from, else beside the first
      for (const node of others) {
        const parent = nodes.get(engine.images.get(node.id as Digest).parentId ?? ('' as Digest));
        if (parent !== undefined && chain.images.includes(parent)) place(node, parent);
        else {
          [node.adds, node.layers] = [first.adds, first.layers];
          (above?.children ?? top).push(node);
        }
      }
      under = first;
    } else if (chain.below.size > 1 && chain !== root) {
      const shared: Growing = { names: [], size, adds: 0, layers: 0, children: [] };
      place(shared, under);
      [under, adds, layers] = [shared, 0, 0];
    }
    for (const below of [...chain.below.values()].toReversed())
      open.push({ chain: below, under, adds: adds + below.size, layers: layers + 1, size: size + below.size });
  }
  return top;
}
