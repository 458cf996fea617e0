// The image out of a build: layers of the steps that made some, history, configuration, names. The same results give the same
// bytes: times are those at which the steps were run, however often they came from the cache since.
import { sortedMap } from '../../util/index.ts';
import type { Lease } from '../../content/index.ts';
import type { Image, NewImage } from '../../image/index.ts';
import {
  chainIds,
  type Digest,
  formatReference,
  type HistoryEntry,
  type ImageConfig,
  parseReference,
  withDefaultTag,
} from '../../model/index.ts';
import type { Node } from '../../graph/index.ts';
import type { StageState } from '../lower/index.ts';
import type { BaseImage, BuildEnvironment, BuildJob } from '../types.ts';
import type { Result } from '../result.ts';

/** One entry of the history, with its layer if it made one. */
export interface LayeredStep {
  readonly history: HistoryEntry;
  readonly stage?: string;
  readonly layer?: NonNullable<NewImage['layers']>[number];
  /** Of the files up to here, with a layer of a step that was solved. */
  readonly snapshot?: number;
}

/** What became of the steps of a stage that have all been solved and whose base is there. */
export function layeredSteps(
  env: BuildEnvironment,
  request: BuildJob,
  state: StageState,
  results: ReadonlyMap<Node, Result>,
  lease: Lease,
): LayeredStep[] {
  const { base } = state;
  const steps: LayeredStep[] = [];
  let chain = chainIds(base?.config.rootfs.diff_ids ?? []).at(-1);
  let snapshot = baseSnapshot(env, chain);
  // entries without a layer have the time of what they follow
  let time = startTime(request, base);
  const useTime = (createdAt: number): void => {
    if (request.sourceDateEpoch === undefined) time = new Date(createdAt).toISOString();
  };
  for (const step of state.steps) {
    const result = step.node && results.get(step.node);
    let layer: LayeredStep['layer'];
    if (result?.kind === 'snapshot' && result.id !== null && result.id !== snapshot) {
      const built = env.images.layers.register(result.id, chain);
      layer = request.rewriteTimestamp === undefined ? built : env.images.layers.rewrite(result.id, request.rewriteTimestamp, lease);
      chain = built.chainId;
      snapshot = result.id;
    }
    if (result?.kind === 'snapshot') useTime(result.createdAt);
    const stage = step.node?.meta.stage;
    steps.push({
      history: {
        created: time,
        created_by: step.createdBy,
        ...(step.author !== undefined && { author: step.author }),
        comment: 'buildkit.dockerfile.v0',
        ...(!layer && { empty_layer: true }),
      },
      ...(stage !== undefined && { stage }),
      ...(layer && { layer, snapshot: snapshot as number }),
    });
  }
  return steps;
}

/**
 * Stores the image of a stage.
 * @param begin what history and layers begin with
 * @param extra further fields of its configuration
 */
export function exportImage(
  env: BuildEnvironment,
  request: BuildJob,
  state: StageState,
  { base: begin, steps }: { readonly base: Pick<BaseImage, 'config'> | undefined; readonly steps: readonly LayeredStep[] },
  lease: Lease,
  extra: Readonly<Record<string, unknown>> = {},
): Image {
  const { base } = state;
  const layers = steps.flatMap((s) => s.layer ?? []);
  const created = steps.at(-1)?.history.created ?? startTime(request, base);
  const { variant } = state.platform;
  const labels = sortedMap({ ...state.config.Labels, ...request.labels });
  const config: ImageConfig = {
    architecture: base?.config.architecture || state.platform.architecture,
    ...(base ? base.config.variant && { variant: base.config.variant } : variant && { variant }),
    os: base?.config.os || state.platform.os,
    created,
    ...(state.author !== undefined ? { author: state.author } : base?.config.author !== undefined && { author: base.config.author }),
    config: { ...state.config, ...(Object.keys(labels).length > 0 && { Labels: labels }) },
    rootfs: { type: 'layers', diff_ids: [...(begin?.config.rootfs.diff_ids ?? []), ...layers.map((l) => l.diffId)] },
    history: [...(begin?.config.history ?? []), ...steps.map((s) => s.history)],
    ...extra,
  };
  const names = [...new Set(request.tags.map((t) => formatReference(withDefaultTag(parseReference(t)))))];
  const image = env.images.create({ config, layers, names }, lease);
  env.keep?.addImage(image.id);
  return image;
}

/** The snapshot of the base's files, if it is there: a build without steps needs none. */
function baseSnapshot(env: BuildEnvironment, chain: Digest | undefined): number | null {
  return (chain && env.snapshots.byChain(chain)?.id) ?? null;
}

function startTime({ sourceDateEpoch }: BuildJob, base: StageState['base']): string {
  return sourceDateEpoch === undefined ? (base?.config.created ?? new Date(0).toISOString()) : epoch(sourceDateEpoch);
}

/** RFC 3339 without a fraction, as Go prints whole seconds. */
const epoch = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
