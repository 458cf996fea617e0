// `--squash` by the graph engine: layers that become one. Steps and their results stay as they are, and so does the cache; what is above a
// layer that is new has the same tar on another chain.
import type { Lease } from '../../content/index.ts';
import { type HistoryEntry, MediaType } from '../../model/index.ts';
import type { BaseImage, BuildEnvironment, BuildJob, Squash } from '../types.ts';
import { squashedLayer } from '../squash.ts';
import type { LayeredStep } from './export.ts';

/** What a squashed image begins with: history and layers of the base, unless they are squashed too. */
export interface Squashed {
  readonly base: Pick<BaseImage, 'config'> | undefined;
  readonly steps: readonly LayeredStep[];
}

/** @param squash with names of stages as their labels have them */
export async function squashSteps(
  env: BuildEnvironment,
  request: Pick<BuildJob, 'rewriteTimestamp' | 'signal'>,
  { base, steps, squash }: { readonly base: BaseImage | undefined; readonly steps: readonly LayeredStep[]; readonly squash: Squash },
  lease: Lease,
): Promise<Squashed> {
  let below: number | null =
    base === undefined || base.config.rootfs.diff_ids.length === 0 ? null : await baseFiles(env, base, request, lease);
  const groups = grouped(base, steps, squash);
  const made: LayeredStep[] = [];
  let changed = false;
  for (const { squashed, members } of groups) {
    const top = members.findLast((s) => s.layer !== undefined)?.snapshot;
    if (squashed) {
      const from = squash.kind === 'all' ? null : below;
      const to = top ?? below;
      const view = (id: number | null): ReturnType<typeof env.snapshots.view> => (id === null ? [] : env.snapshots.view(id));
      const layer =
        to === from ? undefined : squashedLayer(env, { above: view(to), below: view(from), latest: request.rewriteTimestamp }, lease);
      made.push(...members.map(withoutLayer), squashStep(members, layer));
      changed = true;
    } else for (const step of members) made.push(changed && step.layer ? { ...step, layer: await withBlob(env, step.layer, lease) } : step);
    below = top ?? below;
  }
  return { base: squash.kind === 'all' ? undefined : base, steps: made };
}

async function baseFiles(env: BuildEnvironment, base: BaseImage, { signal }: Pick<BuildJob, 'signal'>, lease: Lease): Promise<number> {
  return await env.images.snapshot(await base.fetch(signal), lease, { signal });
}

interface Group {
  readonly squashed: boolean;
  readonly members: LayeredStep[];
}

function grouped(base: BaseImage | undefined, steps: readonly LayeredStep[], squash: Squash): Group[] {
  const inherited = (base?.config.history ?? []).map((history): LayeredStep => ({ history }));
  if (squash.kind === 'all') return [{ squashed: true, members: [...inherited, ...steps] }];
  if (squash.kind === 'new') return [{ squashed: true, members: [...steps] }];
  const groups: Group[] = [];
  let last: string | undefined;
  for (const step of steps) {
    // an entry without files is of the stage that it follows
    const stage = step.stage ?? last;
    const squashed = stage !== undefined && squash.names.includes(stage);
    const open = groups.at(-1);
    if (open !== undefined && open.squashed === squashed && (!squashed || stage === last)) open.members.push(step);
    else groups.push({ squashed, members: [step] });
    last = stage;
  }
  return groups;
}

const withoutLayer = ({ history, stage }: LayeredStep): LayeredStep => ({
  history: { ...history, empty_layer: true },
  ...(stage !== undefined && { stage }),
});

/** The time is that of the last step: the same steps give the same image. */
function squashStep(members: readonly LayeredStep[], layer: LayeredStep['layer']): LayeredStep {
  const created = members.at(-1)?.history.created;
  const history: HistoryEntry = {
    ...(created !== undefined && { created }),
    created_by: 'slipway build --squash',
    comment: 'slipway.squash',
    ...(layer === undefined && { empty_layer: true }),
  };
  return { history, ...(layer && { layer }) };
}

/** A layer that is to stand on another one than the snapshot does: a blob, of which it is unpacked again. */
async function withBlob(
  env: BuildEnvironment,
  layer: NonNullable<LayeredStep['layer']>,
  lease: Lease,
): Promise<NonNullable<LayeredStep['layer']>> {
  if (layer.blob !== undefined) return layer;
  await env.images.layers.plainTar(layer.diffId, lease);
  return { ...layer, blob: { digest: layer.diffId, mediaType: MediaType.ociLayer } };
}
