// Images in archives, in and out.
export { applyChanges } from './changes.ts';
export { exportRootfs, importRootfs } from './import.ts';
export type { ImportOptions } from './import.ts';
export { loadArchive } from './load.ts';
export { saveArchive, saveImage } from './save.ts';
export type { SaveOptions } from './save.ts';
export { openSink, TarSink } from './sink.ts';
export type { ArchiveTarget, Sink } from './sink.ts';
export type { LayerProgress, Loaded, TransferOptions } from './types.ts';
