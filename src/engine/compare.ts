// What the size of an image means: bytes to move after what a registry has, time for it, and what keeping it costs.
import type { Image, ImageLayer } from '../image/index.ts';
import type { Digest, Reference } from '../model/index.ts';
import type { Repository } from '../registry/index.ts';
import type { Engine } from './engine.ts';
import { USUAL_LEVELS } from './registry.ts';

export interface CompareOptions {
  readonly signal: AbortSignal;
  /** A repository: what it has already need not be sent. */
  readonly repository?: Reference;
  /** Bits a second. */
  readonly bandwidth: number;
  /** For a GB (10^9 bytes) and a month. */
  readonly price: number;
  /** Layers whose compressed size had to be found out. */
  onCompress?(layer: Digest): void;
}

export interface Compared {
  readonly name: string;
  readonly id: Digest;
  readonly layers: number;
  /** Layers that another of the compared images has too. */
  readonly shared: number;
  /** Bytes of the files. */
  readonly size: number;
  /** Bytes as a registry keeps them. */
  readonly compressed: number;
  /** Bytes of these that other compared images have too. */
  readonly sharedBytes: number;
  /** Bytes that the registry has already. */
  readonly present: number;
  readonly toPush: number;
  readonly toPull: number;
  readonly pushSeconds: number;
  readonly pullSeconds: number;
  readonly costPerMonth: number;
}

/** Compares images of the store, in the order given. @throws SlipwayError `image.not-found` */
export async function compareImages(engine: Engine, names: readonly string[], o: CompareOptions): Promise<Compared[]> {
  const images = names.map((name) => ({ name, image: engine.images.resolve(name) }));
  using registries = await engine.registries(o.signal);
  const repository = o.repository && registries.repository(o.repository, 'pull');
  const owners = new Map<Digest, number>();
  for (const { image } of images) for (const d of new Set(image.layers.map((l) => l.diffId))) owners.set(d, (owners.get(d) ?? 0) + 1);
  const compared: Compared[] = [];
  for (const { name, image } of images) compared.push(await compareOne(engine, name, image, owners, repository, o));
  return compared;
}

async function compareOne(
  engine: Engine,
  name: string,
  image: Image,
  owners: ReadonlyMap<Digest, number>,
  repository: Repository | undefined,
  o: CompareOptions,
): Promise<Compared> {
  let [compressed, sharedBytes, present, shared] = [image.configBytes.length, 0, 0, 0];
  for (const layer of image.layers) {
    const blob = await shippedForm(engine, layer, o);
    compressed += blob.size;
    if ((owners.get(layer.diffId) ?? 0) > 1) {
      shared++;
      sharedBytes += blob.size;
    }
    if (repository !== undefined && (await repository.blobSize(blob.digest)) !== undefined) present += blob.size;
  }
  const toPush = compressed - present;
  const seconds = (bytes: number): number => (bytes * 8) / o.bandwidth;
  return {
    name,
    id: image.id,
    layers: image.layers.length,
    shared,
    size: image.size,
    compressed,
    sharedBytes,
    present,
    toPush,
    toPull: compressed,
    pushSeconds: seconds(toPush),
    pullSeconds: seconds(compressed),
    costPerMonth: (compressed / 1e9) * o.price,
  };
}

/** The blob that a push would send for a layer; found out by compressing it once, and remembered. */
async function shippedForm(engine: Engine, layer: ImageLayer, o: CompareOptions): Promise<{ digest: Digest; size: number }> {
  const { measureLayer } = await import('../registry/index.ts');
  return measureLayer(engine.images, layer, { kind: 'gzip', level: USUAL_LEVELS.gzip }, o);
}
