// The words of archives of images: what loading and saving tell, and how they are steered.
import type { Digest, Platform } from '../../model/index.ts';
import type { Image } from '../types.ts';

/** How far one layer is. `current` counts bytes of the blob; `total` is absent where it is not known. */
export interface LayerProgress {
  readonly digest: Digest;
  readonly state: 'copying' | 'verifying' | 'done' | 'present';
  readonly current: number;
  readonly total?: number;
}

/** One image out of several. */
export interface ImageChoice {
  readonly tag?: string;
  /** Of its manifest or index. */
  readonly digest?: Digest;
  /** Out of an index the image for this platform and no other; for this machine when left out. */
  readonly platform?: Platform;
}

export interface TransferOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LayerProgress) => void;
}

/** An image that an archive brought. */
export interface Loaded {
  readonly image: Image;
  /** Whole names that it was given; none for an image that the archive does not name. */
  readonly names: readonly string[];
  /** Names that belonged to another image until now. */
  readonly replaced: readonly { readonly name: string; readonly id: Digest }[];
}
