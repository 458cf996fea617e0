// Images as sources of a build.
import type { Lease } from '../../content/index.ts';
import type { SourceOp } from '../../graph/index.ts';
import { chainIds, type Digest } from '../../model/index.ts';
import type { PullProgress } from '../../registry/index.ts';
import { type Result, SCRATCH } from '../result.ts';
import type { BaseImage, BuildEnvironment } from '../types.ts';
import type { BaseImages } from './base-images.ts';
import type { Bringing, Source } from './types.ts';

export class ImageSource implements Source {
  readonly #env: BuildEnvironment;
  readonly #bases: BaseImages;
  readonly #lease: Lease;

  /** @param lease holds the files for as long as the build runs */
  constructor(env: BuildEnvironment, bases: BaseImages, lease: Lease) {
    this.#env = env;
    this.#bases = bases;
    this.#lease = lease;
  }

  /** An image is what its ID says, whatever name it was found by. */
  key({ identifier }: SourceOp): string {
    return identifier === 'scratch' ? 'scratch' : `image:${imageIdOf(identifier)}`;
  }

  /** Its files, when they are unpacked already. */
  peek({ identifier }: SourceOp): Result | undefined {
    if (identifier === 'scratch') return SCRATCH;
    const base = this.#bases.get(imageIdOf(identifier));
    const top = chainIds(base.config.rootfs.diff_ids).at(-1);
    if (top === undefined) return SCRATCH;
    const id = this.#env.images.layers.hold(top, this.#lease);
    return id === undefined ? undefined : { kind: 'snapshot', id, createdAt: createdAt(base), ms: 0 };
  }

  async bring({ identifier }: SourceOp, { signal, onProgress }: Bringing): Promise<Result> {
    if (identifier === 'scratch') return SCRATCH;
    const base = this.#bases.get(imageIdOf(identifier));
    const image = await base.fetch(signal, (p) => onProgress(layerProgress(p), p.current, p.total));
    if (image.layers.length === 0) return SCRATCH;
    const id = await this.#env.images.snapshot(image, this.#lease, {
      signal,
      onProgress: (p) => onProgress(`unpacking ${p.diffId.slice(0, 19)}`, p.current, p.total),
    });
    return { kind: 'snapshot', id, createdAt: createdAt(base), ms: 0 };
  }
}

/** `downloading sha256:0123456789ab`. */
export const layerProgress = ({ state, digest }: PullProgress): string => `${state} ${digest.slice(0, 19)}`;

/** The image that a source names: `docker-image://NAME@ID`. */
export const imageIdOf = (identifier: string): Digest => identifier.slice(identifier.lastIndexOf('@') + 1) as Digest;

/** ms since the epoch. */
const createdAt = ({ config }: BaseImage): number => Date.parse(config.created ?? '') || 0;
