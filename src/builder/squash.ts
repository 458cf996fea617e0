// Squashing: what several layers lead to, as one. The difference of two file systems, whichever layers led from the one to the other.
import type { Lease } from '../content/index.ts';
import type { Image } from '../image/index.ts';
import { type Digest, type HistoryEntry, type ImageConfig, MediaType } from '../model/index.ts';
import { diffCopy, type DiffResult, type Mount } from '../snapshot/index.ts';
import { openRootfs } from './steps/index.ts';
import type { BuildEnvironment } from './types.ts';

export interface SquashedLayer {
  readonly diffId: Digest;
  /** Bytes of its files. */
  readonly size: number;
  readonly tarSize: number;
  readonly blob: { readonly digest: Digest; readonly mediaType: string };
}

/**
 * The layer that leads from the files of `below` to those of `above`: undefined when there is no difference.
 * @param latest no time in it is later, in seconds since the epoch
 */
export function squashedLayer(
  env: Pick<BuildEnvironment, 'content' | 'layout'>,
  { above, below, latest }: { readonly above: readonly Mount[]; readonly below: readonly Mount[]; readonly latest?: number | undefined },
  lease: Lease,
): SquashedLayer | undefined {
  const ingestion = env.content.ingest({ lease });
  let made: DiffResult;
  try {
    using one = openRootfs(env.layout, above);
    using other = openRootfs(env.layout, below);
    const bound = latest === undefined ? undefined : BigInt(latest) * 1_000_000_000n;
    made = diffCopy(one.path, { parent: other.path, copiedAt: 0 }, (chunk) => ingestion.write(chunk), bound);
    if (made.files === 0) {
      ingestion.abort();
      return undefined;
    }
  } catch (e) {
    ingestion.abort();
    throw e;
  }
  const { digest } = ingestion.commit();
  return { diffId: digest, size: made.content, tarSize: made.size, blob: { digest, mediaType: MediaType.ociLayer } };
}

/**
 * All layers that a build of the original engine made as one, upon the base; its history keeps the steps, without layers.
 * @param base what the last stage began with; undefined is `scratch`
 */
export async function squashImage(env: BuildEnvironment, image: Image, base: Image | undefined, lease: Lease): Promise<Image> {
  if (image.layers.length === (base?.layers.length ?? 0)) return image;
  const view = async (of: Image | undefined): Promise<Mount[]> =>
    of === undefined || of.layers.length === 0 ? [] : env.snapshots.view(await env.images.snapshot(of, lease));
  const layer = squashedLayer(env, { above: await view(image), below: await view(base) }, lease);
  const created = new Date(env.now()).toISOString();
  const inherited = base?.config.history?.length ?? 0;
  const history = (image.config.history ?? []).map((h, i): HistoryEntry => (i < inherited ? h : { ...h, empty_layer: true }));
  const comment = base === undefined ? `create new from ${image.id}` : `merge ${image.id} to ${base.id}`;
  const config: ImageConfig = {
    ...image.config,
    created,
    history: [...history, { created, comment, ...(layer === undefined && { empty_layer: true }) }],
    rootfs: { type: 'layers', diff_ids: [...(base?.config.rootfs.diff_ids ?? []), ...(layer ? [layer.diffId] : [])] },
  };
  return env.images.create({ config, layers: layer ? [layer] : [] }, lease);
}
