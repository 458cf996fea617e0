// Layers as one tar and an index over it, mounted as EROFS.
export { mountIndex } from './mount.ts';
export { adoptTar } from './adopt.ts';
export { LayerPacker } from './packer.ts';
export type { PackedFiles } from './packer.ts';
export { readLayer } from './read.ts';
