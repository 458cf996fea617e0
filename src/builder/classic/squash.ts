// `--squash`: all layers that a build made as one, upon the base; its history keeps the steps, without layers.
import type { Lease } from '../../content/index.ts';
import type { Image } from '../../image/index.ts';
import { type HistoryEntry, type ImageConfig, MediaType } from '../../model/index.ts';
import { diffCopy, type DiffResult, type Mount } from '../../snapshot/index.ts';
import { openRootfs } from '../steps/index.ts';
import type { BuildEnvironment } from '../types.ts';

/** @param base what the last stage began with; undefined is `scratch` */
export async function squash(env: BuildEnvironment, image: Image, base: Image | undefined, lease: Lease): Promise<Image> {
  if (image.layers.length === (base?.layers.length ?? 0)) return image;
  const view = async (of: Image | undefined): Promise<Mount[]> =>
    of === undefined || of.layers.length === 0 ? [] : env.snapshots.view(await env.images.snapshot(of, lease));
  const [above, below] = [await view(image), await view(base)];
  // the difference of the two file systems, whichever layers led from the one to the other
  const ingestion = env.content.ingest({ lease });
  let made: DiffResult;
  try {
    using one = openRootfs(env.layout, above);
    using other = openRootfs(env.layout, below);
    made = diffCopy(one.path, { parent: other.path, copiedAt: 0 }, (chunk) => ingestion.write(chunk));
  } catch (e) {
    ingestion.abort();
    throw e;
  }
  const { digest } = ingestion.commit();
  const layer =
    made.files === 0
      ? undefined
      : { diffId: digest, size: made.content, tarSize: made.size, blob: { digest, mediaType: MediaType.ociLayer } };
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
