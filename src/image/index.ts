// Images and layers as views over content and snapshots.
export {
  applyChanges,
  type ArchiveTarget,
  exportRootfs,
  FolderReader,
  type ImagePlan,
  type ImportOptions,
  importRootfs,
  type LayerProgress,
  loadArchive,
  type Loaded,
  openSink,
  readDockerManifest,
  saveArchive,
  saveImage,
  type SaveOptions,
  type Sink,
  TarMembers,
  TarSink,
  type TransferOptions,
} from './archive/index.ts';
export { commitLayer } from './commit-layer.ts';
export { BorrowedImages } from './borrowed.ts';
export type { LayoutImage } from './borrowed.ts';
export { type Folder, type HiddenFile, type ImageContents, type ImageFile, type LayerContents, readContents } from './contents.ts';
export { hasLabels } from './filter.ts';
export { type ArrivingBlob, type BuiltLayer } from './layers.ts';
export { ImageStore } from './store.ts';
export type * from './types.ts';
