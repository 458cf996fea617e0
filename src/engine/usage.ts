// How much room images, containers, volumes and the build cache take on the disk, how much of it pruning would free, and what the store takes in all.
import { join } from 'node:path';
import { type Container, marksSize, type Volume } from '../container/index.ts';
import type { Digest } from '../model/index.ts';
import { diskBytes, treeSize } from '../sys/index.ts';
import type { Engine } from './engine.ts';

/** One line of `system df`. */
export interface Usage {
  readonly type: 'Images' | 'Containers' | 'Local Volumes' | 'Build Cache';
  readonly total: number;
  readonly active: number;
  /** Bytes of the files. */
  readonly size: number;
  readonly reclaimable: number;
}

/** What an image shares with others; bytes of its layers. */
export interface ImageShare {
  readonly shared: number;
  readonly unique: number;
  /** Of how many containers it is the image. */
  readonly containers: number;
}

/** The folder of the tour's own store, below the one that it was started for. */
export const TOUR_STORE = 'tour';

export async function diskUsage(engine: Engine): Promise<Usage[]> {
  const containers = await engine.containers();
  const all = containers.records.all();
  const used = new Set<Digest>(all.map((c) => c.imageId));
  const images = engine.images.list({ all: true });
  const sum = (list: readonly { size: number }[]): number => list.reduce((n, x) => n + x.size, 0);
  const mountsCached = engine.db.read((sql) => sql.all<{ directory: string }>('SELECT directory FROM cache_mounts'));
  const results = engine.db.read((sql) =>
    sql.all<{ id: number; shared: number }>(
      `SELECT DISTINCT s.id, EXISTS (SELECT 1 FROM image_layers l WHERE l.chain_id = s.chain_id) AS shared
       FROM cache_records c JOIN snapshots s ON s.id = c.snapshot_id`,
    ),
  );
  const cache = [
    // the layers of images are counted with these
    ...results.map((r) => ({ shared: r.shared === 1, size: r.shared === 1 ? 0 : engine.snapshots.storedSize(r.id) })),
    ...mountsCached.map((m) => ({ shared: false, size: treeSize(join(engine.layout.root, 'cache-mounts', m.directory)) })),
  ];
  const volumes = containers.volumes.list();
  const mounted = new Set(all.flatMap((c) => c.mounts.map((m) => m.name)));
  const written = all.map((c) => ({ running: c.state.status === 'running', size: writtenSize(engine, c.snapshotId) }));
  const kept = volumes.map((v) => ({ mounted: mounted.has(v.name), size: volumeSize(v) }));
  const imagesSize = filesOf(engine, images);
  return [
    {
      type: 'Images',
      total: images.length,
      active: images.filter((i) => used.has(i.id)).length,
      size: imagesSize,
      reclaimable:
        imagesSize -
        filesOf(
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

/** What the store and, beside it, that of the tour take of the disk, in bytes. */
export function storeSize(engine: Engine): { store: number; tour: number } {
  const tour = diskBytes(join(engine.layout.root, TOUR_STORE));
  return { store: diskBytes(engine.layout.root) - tour, tour };
}

/**
 * Bytes of the files that images are made of: their blobs, and their layers where these are unpacked. A layer that came from a registry or an archive and
 * was used has both. What several images share counts once.
 */
function filesOf(engine: Engine, images: readonly { readonly id: Digest }[]): number {
  const ids = JSON.stringify(images.map((i) => i.id));
  const blobs = engine.db.read((sql) =>
    sql.get<{ n: number | null }>(
      `WITH wanted AS (SELECT value AS id FROM json_each(?)),
            diffs AS (SELECT DISTINCT diff_id FROM image_layers WHERE image_id IN (SELECT id FROM wanted))
       SELECT sum(size) AS n FROM blobs WHERE digest IN (
         SELECT id FROM wanted
         UNION SELECT manifest_digest FROM images WHERE id IN (SELECT id FROM wanted)
         UNION SELECT blob_digest FROM layers WHERE diff_id IN (SELECT diff_id FROM diffs)
         UNION SELECT digest FROM layer_forms WHERE diff_id IN (SELECT diff_id FROM diffs))`,
      ids,
    ),
  );
  const snapshots = engine.db.read((sql) =>
    sql.all<{ id: number }>(
      `SELECT id FROM snapshots WHERE chain_id IN
         (SELECT chain_id FROM image_layers WHERE image_id IN (SELECT value FROM json_each(?)))`,
      ids,
    ),
  );
  return (blobs?.n ?? 0) + snapshots.reduce((n, { id }) => n + engine.snapshots.storedSize(id), 0);
}

/** What each image shares with another one, in bytes of its layers' files. */
export async function imageShares(engine: Engine): Promise<ReadonlyMap<Digest, ImageShare>> {
  const users = (await engine.containers()).records.all().map((c) => c.imageId);
  const rows = engine.db.read((sql) =>
    sql.all<{ image_id: Digest; size: number; images: number }>(
      `SELECT l.image_id, coalesce(y.content_size, y.size, 0) AS size,
              (SELECT count(DISTINCT o.image_id) FROM image_layers o WHERE o.chain_id = l.chain_id) AS images
       FROM image_layers l LEFT JOIN layers y ON y.diff_id = l.diff_id`,
    ),
  );
  const shares = new Map<Digest, ImageShare>();
  for (const { id } of engine.images.list({ all: true })) {
    const own = rows.filter((r) => r.image_id === id);
    const bytes = (shared: boolean): number => own.reduce((n, r) => (r.images > 1 === shared ? n + r.size : n), 0);
    shares.set(id, { shared: bytes(true), unique: bytes(false), containers: users.filter((u) => u === id).length });
  }
  return shares;
}

/** Bytes of the files of a volume. */
export const volumeSize = ({ mountpoint }: Volume): number => treeSize(mountpoint);

/** What a container has written, and that together with its image, in bytes. */
export function containerSizes(engine: Engine, c: Container): { written: number; total: number } {
  const written = writtenSize(engine, c.snapshotId);
  return { written, total: written + (engine.images.find(c.imageId)?.size ?? 0) };
}

/** What a container wrote: all that is in its snapshot, less what a copying driver and every start put there. */
function writtenSize(engine: Engine, snapshotId: number): number {
  const { snapshots } = engine;
  const parent = snapshots.driver === 'copy' ? snapshots.get(snapshotId)?.parentId : undefined;
  const sizeOf = (id: number): number => treeSize(snapshots.directory(id)) - marksSize(snapshots.directory(id));
  return Math.max(0, parent === undefined || parent === null ? sizeOf(snapshotId) : sizeOf(snapshotId) - sizeOf(parent));
}
