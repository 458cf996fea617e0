// What can be copied from and to. A source gives documents by digest and blobs from any byte on; a target takes blobs, and
// documents after all that they refer to. Neither knows the other.
import type { Readable } from 'node:stream';
import type { Descriptor, Digest } from '../../model/index.ts';
import type { RemoteManifest, Repository } from '../repository.ts';

export interface CopySource {
  /** What the name stands for: a manifest or an index. */
  root(): Promise<RemoteManifest>;
  manifest(digest: Digest): Promise<RemoteManifest>;
  blob(d: Descriptor, start: number): Readable;
  /** The manifest is made here, so its layers may be compressed on the way. */
  readonly rewritable: boolean;
  /** Where it is a repository: another one of the same registry can take blobs over. */
  readonly repository?: Repository;
  close(): void;
}

export interface CopyTarget {
  /** Blobs taken at once. */
  readonly parallel: number;
  has(d: Descriptor): Promise<boolean>;
  /** Takes a blob over without its bytes; false when that cannot be. */
  takeOver(d: Descriptor, from: CopySource): Promise<boolean>;
  put(d: Descriptor, open: (start: number) => Readable): Promise<void>;
  /** Takes a plain layer, verifies and compresses it; undefined where plain layers are right. */
  readonly putCompressed?: (d: Descriptor, open: () => Readable) => Promise<{ digest: Digest; size: number }>;
  /** `root` is what the name will stand for. */
  manifest(m: RemoteManifest, root: boolean): Promise<void>;
  finish(): Promise<void>;
  abort(): void;
}
