// Images and layers as views over content and snapshots.
export {
  applyChanges,
  exportRootfs,
  FolderReader,
  type ImagePlan,
  importRootfs,
  type LayerProgress,
  loadArchive,
  openSink,
  readDockerManifest,
  saveArchive,
  saveImage,
  type Sink,
  TarMembers,
  TarSink,
} from './archive/index.ts';
export { commitLayer } from './commit-layer.ts';
export { BorrowedImages } from './borrowed.ts';
export type { LayoutImage } from './borrowed.ts';
export { type Folder, type HiddenFile, type ImageContents, type ImageFile, type LayerContents, readContents } from './contents.ts';
export { hasLabels } from './filter.ts';
export { type ArrivingBlob, type BuiltLayer } from './layers.ts';
export { ImageStore } from './store.ts';
export type * from './types.ts';
