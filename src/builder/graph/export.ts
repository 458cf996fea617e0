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
import type { BuildEnvironment, BuildJob } from '../types.ts';
import type { Result } from '../result.ts';

/** Stores the image of a stage whose steps have all been solved and whose base is there. `extra` are further fields of its configuration. */
export function exportImage(
  env: BuildEnvironment,
  request: BuildJob,
  state: StageState,
  results: ReadonlyMap<Node, Result>,
  lease: Lease,
  extra: Readonly<Record<string, unknown>> = {},
): Image {
  const { base } = state;
  const diffIds: Digest[] = [...(base?.config.rootfs.diff_ids ?? [])];
  const history: HistoryEntry[] = [...(base?.config.history ?? [])];
  const layers: NonNullable<NewImage['layers']>[number][] = [];
  let chain = chainIds(diffIds).at(-1);
  let snapshot = baseSnapshot(env, chain);
  // entries without a layer have the time of what they follow
  let time = request.sourceDateEpoch === undefined ? (base?.config.created ?? new Date(0).toISOString()) : epoch(request.sourceDateEpoch);
  const useTime = (createdAt: number): void => {
    if (request.sourceDateEpoch === undefined) time = new Date(createdAt).toISOString();
  };
  for (const step of state.steps) {
    const result = step.node && results.get(step.node);
    const made = result?.kind === 'snapshot' && result.id !== null && result.id !== snapshot;
    if (made) {
      const built = env.images.layers.register(result.id as number, chain);
      const told =
        request.rewriteTimestamp === undefined ? built : env.images.layers.rewrite(result.id as number, request.rewriteTimestamp, lease);
      diffIds.push(told.diffId);
      layers.push(told);
      chain = built.chainId;
      snapshot = result.id;
    }
    if (result?.kind === 'snapshot') useTime(result.createdAt);
    history.push({
      created: time,
      created_by: step.createdBy,
      ...(step.author !== undefined && { author: step.author }),
      comment: 'buildkit.dockerfile.v0',
      ...(!made && { empty_layer: true }),
    });
  }
  const { variant } = state.platform;
  const labels = sortedMap({ ...state.config.Labels, ...request.labels });
  const config: ImageConfig = {
    architecture: base?.config.architecture || state.platform.architecture,
    ...(base ? base.config.variant && { variant: base.config.variant } : variant && { variant }),
    os: base?.config.os || state.platform.os,
    created: time,
    ...(state.author !== undefined ? { author: state.author } : base?.config.author !== undefined && { author: base.config.author }),
    config: { ...state.config, ...(Object.keys(labels).length > 0 && { Labels: labels }) },
    rootfs: { type: 'layers', diff_ids: diffIds },
    history,
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

/** RFC 3339 without a fraction, as Go prints whole seconds. */
const epoch = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
