// An image on another base without building it again: the layers of its own, upon those of the new base.
import type { Lease } from '../content/index.ts';
import type { Image } from '../image/index.ts';
import {
  formatPlatform,
  type HistoryEntry,
  type ImageConfig,
  MediaType,
  parseReference,
  platformOfImage,
  repositoryName,
  SlipwayError,
} from '../model/index.ts';
import { heldImage } from './contents/index.ts';
import type { Engine } from './engine.ts';
import { rebasedConfig } from './rebase-config.ts';

export interface Rebase {
  readonly image: string;
  readonly onto: string;
  /** What it was built on; found in the store when left out. */
  readonly from?: string;
  readonly names: readonly string[];
}

/**
 * @throws SlipwayError `image.not-found`; failed-precondition `image.no-old-base`, `image.not-based`, `image.other-platform`
 */
export async function rebaseImage(
  engine: Engine,
  o: Rebase,
): Promise<{ readonly image: Image; readonly from: Image; readonly layers: number }> {
  using lease = engine.leases.create();
  const image = heldImage(engine, o.image, lease);
  const onto = heldImage(engine, o.onto, lease);
  const from = o.from === undefined ? oldBase(engine, image, o, lease) : heldImage(engine, o.from, lease);
  if (!standsOn(image, from))
    throw new SlipwayError(
      'failed-precondition',
      'image.not-based',
      `${o.image} does not stand on ${o.from ?? from.id}: its layers begin with others`,
      {
        hints: ['slipway image tree shows which image stands on which'],
      },
    );
  const [mine, theirs] = [image, onto].map(({ config }) => formatPlatform(platformOfImage(config)));
  if (mine !== theirs)
    throw new SlipwayError('failed-precondition', 'image.other-platform', `${o.image} is for ${mine}, and ${o.onto} for ${theirs}`);
  const own = image.layers.slice(from.layers.length);
  const layers = [];
  for (const { diffId, size, tarSize } of own) {
    // on other layers its files are unpacked again, so that its tar has to be there
    const blob = engine.images.layers.blob(diffId) ?? { digest: diffId, mediaType: MediaType.ociLayer };
    if (blob.digest === diffId) await engine.images.layers.plainTar(diffId, lease);
    layers.push({ diffId, size, tarSize, blob: { digest: blob.digest, mediaType: blob.mediaType } });
  }
  const created = new Date(engine.now()).toISOString();
  const note: HistoryEntry = { created, created_by: `slipway image rebase ${o.onto}`, comment: 'slipway.rebase', empty_layer: true };
  const config: ImageConfig = {
    ...image.config,
    created,
    config: rebasedConfig(image.config.config ?? {}, from.config.config ?? {}, onto.config.config ?? {}),
    rootfs: { type: 'layers', diff_ids: [...onto.config.rootfs.diff_ids, ...own.map((l) => l.diffId)] },
    history: [...(onto.config.history ?? []), ...(image.config.history ?? []).slice(from.config.history?.length ?? 0), note],
  };
  return { image: engine.images.create({ config, layers, names: o.names }, lease), from, layers: own.length };
}

const standsOn = (image: Image, base: Image): boolean =>
  base.layers.length <= image.layers.length && base.layers.every(({ diffId }, i) => diffId === image.layers[i]?.diffId);

/** The image that has, or had, a name of the new base's repository, and whose layers the image begins with: of several, that with most. */
function oldBase(engine: Engine, image: Image, o: Rebase, lease: Lease): Image {
  const repository = (name: string): string => repositoryName(parseReference(name));
  const wanted = /^(?:sha256:)?[0-9a-f]{12,64}$/.test(o.onto) ? undefined : repository(o.onto);
  const candidates = engine.images
    .list({ all: true })
    .filter(({ names, digests }) => [...names, ...digests].some((name) => repository(name) === wanted))
    .map(({ id }) => engine.images.get(id))
    .filter((base) => base.id !== image.id && base.layers.length > 0 && standsOn(image, base));
  const found = candidates.toSorted((a, b) => b.layers.length - a.layers.length)[0];
  const held = found && engine.images.hold(found.id, lease);
  if (held !== undefined) return held;
  throw new SlipwayError('failed-precondition', 'image.no-old-base', `no image of ${wanted ?? o.onto} is here that ${o.image} stands on`, {
    hints: ['--from names what it was built on: slipway image tree shows the images in question'],
  });
}
