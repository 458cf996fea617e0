// File systems of steps, images and containers, as directories on top of each other.
import type { Database, Layout } from '../store/index.ts';
import { OverlaySnapshotter } from './overlay.ts';
import type { Snapshotter } from './types.ts';

export { type Applied, type ApplyOptions, type DiffOptions, type DiffResult, diffTar, LayerApplier } from './layer/index.ts';
export { mountAll, unmountAll, withMounted } from './mount.ts';
export { OverlaySnapshotter } from './overlay.ts';
export type * from './types.ts';

/** The snapshotter of a store. */
export function openSnapshotter(layout: Layout, db: Database): Snapshotter {
  return new OverlaySnapshotter(layout, db);
}
