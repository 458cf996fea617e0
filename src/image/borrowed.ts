// Images that a build reads out of OCI layouts on disk. They come into the store for as long as the build runs, without a
// name; what was there before stays.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Digest, type Platform, SlipwayError } from '../model/index.ts';
import { loadArchive } from './archive/index.ts';
import type { Lease } from '../content/index.ts';
import type { ImageStore } from './store.ts';
import type { Image } from './types.ts';

/** Which image of a layout: by its digest, else by its tag; the only one there is where neither is given. */
export interface LayoutImage {
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

export class BorrowedImages {
  readonly #store: ImageStore;
  readonly #open = new Map<string, Promise<Image>>();
  readonly #brought = new Set<Digest>();
  readonly #lease: () => Lease;

  constructor(store: ImageStore, lease: () => Lease) {
    this.#lease = lease;
    this.#store = store;
  }

  /** Throws not-found 'layout.not-found', and what `loadArchive` throws. */
  open(which: LayoutImage, platform: Platform, signal: AbortSignal): Promise<Image> {
    const key = JSON.stringify([which, platform]);
    let image = this.#open.get(key);
    if (image === undefined) this.#open.set(key, (image = this.#bring(which, platform, signal)));
    return image;
  }

  async #bring({ path, tag, digest }: LayoutImage, platform: Platform, signal: AbortSignal): Promise<Image> {
    if (!existsSync(join(path, 'index.json')))
      throw new SlipwayError('not-found', 'layout.not-found', `${path} is no OCI layout: it has no index.json`);
    const known = new Set(this.#store.list({ all: true }).map((image) => image.id));
    const only = { platform, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) };
    const [loaded] = await loadArchive(this.#store, path, { signal, only, lease: this.#lease() });
    if (loaded === undefined) throw new SlipwayError('internal', 'layout.none', `nothing was read from ${path}`);
    if (!known.has(loaded.image.id)) this.#brought.add(loaded.image.id);
    return loaded.image;
  }

  /** Removes those that nobody has named or uses; the lease on them must have ended. Their layers stay for as long as results of the build need them. */
  dispose(): void {
    for (const id of this.#brought) this.#store.removeUnused(id);
  }
}
