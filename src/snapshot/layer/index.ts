// Layers as tars: unpacking one into a directory, and making the tar of what a directory changed.
export { LayerApplier } from './applier.ts';
export type { Applied, ApplyOptions } from './applier.ts';
export { diffCopy, tarEntry, tarTree } from './copy-diff.ts';
export { FileWriter } from './file-writer.ts';
export { diffTar } from './diff.ts';
export type { Graft } from './diff.ts';
export { tarUnpacker } from './unpacker.ts';
export type { LayerUnpacker } from './unpacker.ts';
export { readXattrs as layerXattrs } from './layer-writer.ts';
export type { DiffResult, EntrySink } from './layer-writer.ts';
