// The image after each instruction: found among the children of the one before, or made and put there.
import { commitLayer, type Image } from '../../image/index.ts';
import type { Lease } from '../../content/index.ts';
import type { ContainerConfig, Digest, HistoryEntry, ImageConfig } from '../../model/index.ts';
import { openRootfs } from '../steps/rootfs.ts';
import type { MountedRootfs } from '../steps/types.ts';
import type { BuildEnvironment } from '../types.ts';
import type { CacheSources } from './sources.ts';
import { sameConfig, type StageState } from './state.ts';
import { throwAfter } from '../../util/index.ts';

export interface NewImage {
  readonly state: StageState;
  /** The configuration by which the image is found again. */
  readonly containerConfig: ContainerConfig;
  /** 64 hex; COPY and ADD have none. */
  readonly container?: string;
  readonly layer?: { readonly diffId: Digest; readonly size: number; readonly tarSize: number } | undefined;
}

export class StepImages {
  readonly #env: BuildEnvironment;
  readonly #lease: Lease;
  readonly #noCache: boolean;
  readonly #sources: CacheSources | undefined;

  /** @param sources when given, what does not lead to them counts as not cached */
  constructor(env: BuildEnvironment, lease: Lease, noCache: boolean, sources: CacheSources | undefined) {
    this.#sources = sources;
    this.#env = env;
    this.#lease = lease;
    this.#noCache = noCache;
  }

  /** The newest child of the state's image that came from the same configuration. After a miss a stage looks no more. */
  cached(state: StageState, config: ContainerConfig): Image | undefined {
    if (this.#noCache || state.cacheBusted) return undefined;
    const parent = state.image?.id ?? null;
    const rows = this.#env.db.read((sql) =>
      sql.all<{ id: Digest }>('SELECT id FROM images WHERE parent_id IS ? ORDER BY created_at DESC, stored_at DESC', parent),
    );
    for (const { id } of rows) {
      const image = this.#env.images.find(id);
      const made = image?.config.container_config;
      const counts = this.#sources === undefined || this.#sources.leadsTo(id);
      if (image && made && counts && sameConfig(made, config) && (parent !== null || image.config.history?.length === 1)) {
        if (this.#env.images.hold(id, this.#lease)) return image;
      }
    }
    const brought = this.#sources?.next(state, config);
    if (brought) return brought;
    state.cacheBusted = true;
    return undefined;
  }

  /**
   * Mounts what the next instruction may change, lets it do so, and commits the difference.
   * @param keep whether somebody has taken the snapshot of an instruction that failed
   */
  async change(
    state: StageState,
    fn: (rootfs: MountedRootfs) => Promise<void>,
    keep: (snapshotId: number) => boolean = () => false,
  ): Promise<NewImage['layer']> {
    const { snapshots, images, layout } = this.#env;
    const parent = state.image && state.image.layers.length > 0 ? await images.snapshot(state.image, this.#lease) : null;
    const active = snapshots.prepare(parent, this.#lease);
    try {
      {
        using rootfs = openRootfs(layout, snapshots.mounts(active.id), active.upper);
        await fn(rootfs);
      }
      return commitLayer(snapshots, active, state.image?.config.rootfs.diff_ids ?? [], this.#lease);
    } catch (e) {
      throwAfter(e, () => {
        if (!keep(active.id)) snapshots.remove(active.id);
      });
    }
  }

  /** Makes the image of an instruction; it becomes the state's. */
  create({ state, containerConfig, container, layer }: NewImage): Image {
    const base = state.image?.config;
    const created = new Date(this.#env.now()).toISOString();
    const entry: HistoryEntry = { created, created_by: (containerConfig.Cmd ?? []).join(' ') };
    if (state.author !== undefined) entry.author = state.author;
    if (!layer) entry.empty_layer = true;
    const config: ImageConfig = {
      architecture: base?.architecture ?? state.platform.architecture,
      os: base?.os ?? state.platform.os,
      ...((base ? base.variant : state.platform.variant) ? { variant: (base ? base.variant : state.platform.variant)! } : {}),
      created,
      ...(state.author === undefined ? {} : { author: state.author }),
      config: state.config,
      ...(container === undefined ? {} : { container }),
      container_config: containerConfig,
      history: [...(base?.history ?? []), entry],
      rootfs: { type: 'layers', diff_ids: [...(base?.rootfs.diff_ids ?? []), ...(layer ? [layer.diffId] : [])] },
    };
    const image = this.#env.images.create(
      {
        config,
        layers: layer ? [layer] : [],
        ...(state.image ? { parentId: state.image.id } : {}),
      },
      this.#lease,
    );
    state.image = image;
    return image;
  }
}
