// Layers as one tar and an index over it, mounted as EROFS.
export { adoptTar } from './adopt.ts';
export { mountIndex } from './mount.ts';
export { PackedLayer } from './packed-layer.ts';
export type { PackedFiles } from './packed-layer.ts';
export { LayerPacker } from './packer.ts';
export { readLayer } from './read.ts';
