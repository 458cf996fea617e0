// File systems of steps, images and containers, as directories on top of each other, or as copies of each other.
import type { Database, Layout } from '../store/index.ts';
import { CopySnapshotter } from './copy.ts';
import { chooseDriver } from './driver.ts';
import { ErofsSnapshotter } from './erofs.ts';
import { OverlaySnapshotter } from './overlay.ts';
import type { Snapshotter } from './types.ts';

export { diffCopy, FileWriter, LayerApplier, layerXattrs, tarUnpacker, tarEntry, tarTree } from './layer/index.ts';
export type { Applied, DiffResult, EntrySink, Graft, LayerUnpacker } from './layer/index.ts';
export { escaped, mountAll, unescaped, withMounted } from './mount.ts';
export type * from './types.ts';

const SNAPSHOTTERS = { erofs: ErofsSnapshotter, overlay: OverlaySnapshotter, copy: CopySnapshotter };

/** The snapshotter of a store: the one that it was begun with. Throws failed-precondition 'snapshot.driver' when `wanted` is another. */
export function openSnapshotter(layout: Layout, db: Database, wanted?: Snapshotter['driver']): Snapshotter {
  return new SNAPSHOTTERS[chooseDriver(layout, db, wanted)](layout, db);
}
