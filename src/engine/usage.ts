// How much room images, containers, volumes and the build cache take, and how much of it pruning would bring.
import type { Container } from '../container/index.ts';
import type { Digest } from '../model/index.ts';
import { treeSize } from '../sys/index.ts';
import type { Engine } from './engine.ts';

/** One line of `system df`. */
export interface Usage {
  readonly type: 'Images' | 'Containers' | 'Local Volumes' | 'Build Cache';
  readonly total: number;
  readonly active: number;
  /** Bytes. */
  readonly size: number;
  readonly reclaimable: number;
}

export async function diskUsage(engine: Engine): Promise<Usage[]> {
  const containers = await engine.containers();
  const all = containers.records.all();
  const used = new Set<Digest>(all.map((c) => c.imageId));
  const images = engine.images.list({ all: true });
  const sum = (list: readonly { size: number }[]): number => list.reduce((n, x) => n + x.size, 0);
  const cache = engine.db.read((sql) =>
    sql.all<{ size: number; shared: number }>(
      `SELECT coalesce(s.size, 0) AS size, EXISTS (SELECT 1 FROM image_layers l WHERE l.chain_id = s.chain_id) AS shared
     FROM cache_records c JOIN snapshots s ON s.id = c.snapshot_id`,
    ),
  );
  const volumes = containers.volumes.list();
  const mounted = new Set(all.flatMap((c) => c.mounts.map((m) => m.name)));
  const written = all.map((c) => ({ running: c.state.status === 'running', size: writtenSize(engine, c.snapshotId) }));
  const kept = volumes.map((v) => ({ mounted: mounted.has(v.name), size: treeSize(v.mountpoint) }));
  return [
    {
      type: 'Images',
      total: images.length,
      active: images.filter((i) => used.has(i.id)).length,
      size: layersSize(engine, images),
      reclaimable:
        layersSize(engine, images) -
        layersSize(
          engine,
          images.filter((i) => used.has(i.id)),
        ),
    },
    {
      type: 'Containers',
      total: all.length,
      active: written.filter((c) => c.running).length,
      size: sum(written),
      reclaimable: sum(written.filter((c) => !c.running)),
    },
    {
      type: 'Local Volumes',
      total: volumes.length,
      active: kept.filter((v) => v.mounted).length,
      size: sum(kept),
      reclaimable: sum(kept.filter((v) => !v.mounted)),
    },
    {
      type: 'Build Cache',
      total: cache.length,
      active: cache.filter((c) => c.shared).length,
      size: sum(cache),
      reclaimable: sum(cache.filter((c) => !c.shared)),
    },
  ];
}

/** Layers that several images share count once. */
function layersSize(engine: Engine, images: readonly { readonly id: Digest }[]): number {
  return (
    engine.db.read((sql) =>
      sql.get<{ n: number | null }>(
        `SELECT sum(coalesce(content_size, size)) AS n FROM layers WHERE diff_id IN
           (SELECT diff_id FROM image_layers WHERE image_id IN (SELECT value FROM json_each(?)))`,
        JSON.stringify(images.map((i) => i.id)),
      ),
    )?.n ?? 0
  );
}

/** What a container has written, and that together with its image, in bytes. */
export function containerSizes(engine: Engine, c: Container): { written: number; total: number } {
  const written = writtenSize(engine, c.snapshotId);
  return { written, total: written + (engine.images.find(c.imageId)?.size ?? 0) };
}

/** What a container wrote: all that is in its snapshot, less what a copying driver put there. */
function writtenSize(engine: Engine, snapshotId: number): number {
  const { snapshots } = engine;
  const parent = snapshots.driver === 'copy' ? snapshots.get(snapshotId)?.parentId : undefined;
  const size = treeSize(snapshots.directory(snapshotId));
  return Math.max(0, parent === undefined || parent === null ? size : size - treeSize(snapshots.directory(parent)));
}
