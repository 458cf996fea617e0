// Images and layers as views over content and snapshots.
export { resolveBase } from './base.ts';
export { hasLabels } from './filter.ts';
export { type BuiltLayer, Layers } from './layers.ts';
export { ImageStore } from './store.ts';
export type * from './types.ts';
