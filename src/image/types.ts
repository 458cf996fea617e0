// The words of image/: images and their layers as views over the store. Data only.
import type { Digest, ImageConfig } from '../model/index.ts';

export interface ImageLayer {
  readonly diffId: Digest;
  readonly chainId: Digest;
  /** Bytes of its files, which is what Docker calls its size; of the tar while that is not known. */
  readonly size: number;
  /** Bytes of the layer's tar, uncompressed; 0 while it is not known. */
  readonly tarSize: number;
}

/** What lists show of an image; nothing of it needs its configuration. */
export interface ImageSummary {
  /** The digest of the configuration. */
  readonly id: Digest;
  /** Whole names with tags: `docker.io/library/busybox:latest`. */
  readonly names: readonly string[];
  /** Names with digests: `docker.io/library/busybox@sha256:…`. */
  readonly digests: readonly string[];
  /** The image that the original engine built this one on. */
  readonly parentId?: Digest;
  /** Bytes of the files of all layers. */
  readonly size: number;
  /** ms since the epoch. */
  readonly createdAt: number;
}

export interface Image extends ImageSummary {
  readonly config: ImageConfig;
  readonly configBytes: Buffer;
  /** Bottom first. */
  readonly layers: readonly ImageLayer[];
  readonly manifestDigest?: Digest;
  readonly manifestMediaType?: string;
}

export interface NewImage {
  /** Its bytes are the image's identity: bytes are kept as they are, an object is encoded. */
  readonly config: ImageConfig | Uint8Array;
  /** Sizes of layers that the store does not know yet, by diff ID. */
  readonly layers?: readonly {
    readonly diffId: Digest;
    /** Bytes of its files; found out when it is unpacked, if left out. */
    readonly size?: number;
    /** Bytes of its tar, uncompressed. */
    readonly tarSize: number;
    readonly blob?: { readonly digest: Digest; readonly mediaType: string };
  }[];
  readonly parentId?: Digest;
  /** Whole names; they move here from the images that have them. */
  readonly names?: readonly string[];
  readonly manifest?: { readonly digest: Digest; readonly mediaType: string };
  /** What is reported of it; that it was created, when left out. */
  readonly origin?: ImageOrigin;
}

/** How an image came that was not made here; `actor` and `name` are what is reported of it, its ID when left out. */
export interface ImageOrigin {
  readonly action: 'import' | 'load' | 'pull';
  readonly actor?: string;
  readonly name?: string;
}

/** One thing that a removal did. */
/** What removing an image did: `deleted` is the image itself, and each of its layers that nothing else has. */
export type Removal = { readonly kind: 'untagged'; readonly name: string } | { readonly kind: 'deleted'; readonly id: Digest };

/** A container as far as removing images minds it. */
export interface ImageUser {
  readonly id: string;
  readonly running: boolean;
}

export interface ListFilter {
  /** Shell patterns on familiar names: `busybox`, `lab/*:1.*`. */
  readonly references?: readonly string[];
  readonly dangling?: boolean;
  /** `key` or `key=value`. */
  readonly labels?: readonly string[];
  /** Images created before or after this one. */
  readonly before?: string;
  readonly since?: string;
  /** Images created before this time, ms since the epoch. */
  readonly until?: number;
  /** Intermediate images of the original engine too. */
  readonly all?: boolean;
}

/** How far the unpacking of layers is. */
export interface UnpackProgress {
  readonly diffId: Digest;
  /** Bytes of the blob read so far, and in all. */
  readonly current: number;
  readonly total: number;
}

/** Keeps blobs, snapshots and images from being collected; a `Lease` of content/ is one. */
export type { Lease } from '../content/index.ts';
