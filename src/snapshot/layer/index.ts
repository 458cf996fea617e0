// Layers as tars: unpacking one into a directory, and making the tar of what a directory changed.
export { LayerApplier } from './applier.ts';
export type { Applied, ApplyOptions } from './applier.ts';
export { diffCopy, tarEntry, tarTree } from './copy-diff.ts';
export { FileWriter } from './file-writer.ts';
export { diffTar } from './diff.ts';
export type { DiffResult } from './layer-writer.ts';
