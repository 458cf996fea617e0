// What images consist of: sizes, what only a build needs, and which image stands on which.
export { type Ballast, leanness, type Leanness } from './lean.ts';
export { type ImageSize, imageSize } from './size.ts';
export { imageMap, type ImageMap, type MappedFile } from './map.ts';
export { heldImage } from './held.ts';
export { imageTree, type ImageTreeNode } from './tree.ts';
