// `--cache-from` of the original engine: images, most often pulled ones, whose history tells which of their layers came of which
// instruction. When such sources are named, nothing else counts as cached.
import type { Lease } from '../../content/index.ts';
import type { Image } from '../../image/index.ts';
import type { ContainerConfig, Digest, ImageConfig } from '../../model/index.ts';
import type { BuildEnvironment } from '../types.ts';
import type { StageState } from './state.ts';

export class CacheSources {
  readonly #env: BuildEnvironment;
  readonly #lease: Lease;
  #images: Image[];

  constructor(env: BuildEnvironment, lease: Lease, names: readonly string[]) {
    this.#env = env;
    this.#lease = lease;
    // what is not here is passed over, as in Docker
    this.#images = names.flatMap((name) => env.images.hold(name, lease) ?? []);
  }

  /** Whether a step's image is one of the sources, or what one of them was built on. */
  leadsTo(id: Digest): boolean {
    return this.#images.some((image) => {
      for (let at: Image | undefined = image; at; at = at.parentId === undefined ? undefined : this.#env.images.find(at.parentId))
        if (at.id === id) return true;
      return false;
    });
  }

  /** The image of the next step, made of a source that has the same history so far and came of the same instruction then. */
  next(state: StageState, config: ContainerConfig): Image | undefined {
    const parent = state.image;
    const at = parent?.config.history?.length ?? 0;
    for (const source of this.#images) {
      const entry = source.config.history?.[at];
      if (entry === undefined || !isUpon(source, parent) || entry.created_by !== (config.Cmd ?? []).join(' ')) continue;
      this.#images = [source];
      const below = parent?.layers.length ?? 0;
      const diffIds = source.config.rootfs.diff_ids.slice(0, below + (entry.empty_layer === true ? 0 : 1));
      const made: ImageConfig = {
        architecture: source.config.architecture,
        os: source.config.os,
        ...(entry.created !== undefined && { created: entry.created }),
        ...(state.author !== undefined && { author: state.author }),
        config: state.config,
        container_config: config,
        history: (source.config.history ?? []).slice(0, at + 1),
        rootfs: { type: 'layers', diff_ids: diffIds },
      };
      return this.#env.images.create({ config: made, ...(parent && { parentId: parent.id }) }, this.#lease);
    }
    return undefined;
  }
}

/** Its first layers and steps are the parent's. */
function isUpon(source: Image, parent: Image | undefined): boolean {
  if (parent === undefined) return true;
  const [ours, theirs] = [source.config.history ?? [], parent.config.history ?? []];
  const layers = parent.config.rootfs.diff_ids.every((diffId, i) => source.config.rootfs.diff_ids[i] === diffId);
  return (
    layers && theirs.every((h, i) => h.created_by === ours[i]?.created_by && (h.empty_layer === true) === (ours[i]?.empty_layer === true))
  );
}
