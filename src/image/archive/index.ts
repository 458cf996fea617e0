// Images in archives, in and out.
export { applyChanges } from './changes.ts';
export { readDockerManifest } from './docker-archive.ts';
export type { ImagePlan } from './documents.ts';
export { FolderReader } from './folder-reader.ts';
export { TarMembers } from './tar-members.ts';
export { exportRootfs, importRootfs } from './import.ts';
export type { ImportOptions } from './import.ts';
export { loadArchive } from './load.ts';
export { saveArchive, saveImage } from './save.ts';
export type { SaveOptions } from './save.ts';
export { openSink, TarSink } from './sink.ts';
export type { ArchiveTarget, Sink } from './sink.ts';
export type { LayerProgress, Loaded, TransferOptions } from './types.ts';
