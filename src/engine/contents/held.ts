// An image that is being read, kept from removal meanwhile.
import type { Lease } from '../../content/index.ts';
import type { Image } from '../../image/index.ts';
import type { Engine } from '../engine.ts';

/** @throws SlipwayError `image.not-found`, `image.ambiguous` */
export const heldImage = (engine: Engine, name: string, lease: Lease): Image =>
  engine.images.hold(name, lease) ?? engine.images.resolve(name);
