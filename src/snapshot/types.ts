// The words of snapshot/: mounts that it hands out, snapshots, and what every snapshotter does. A snapshotter knows
// directories and their parents; it never mounts anything and knows nothing of images or containers.
import type { Digest } from '../model/index.ts';
import type { Applied, DiffResult, Graft, LayerApplier, LayerUnpacker } from './layer/index.ts';

/** By what the files of a snapshot lie upon those of its parent. */
export type Driver = 'erofs' | 'overlay' | 'copy';

/** What mount(2) needs; `options` in the words of mount(8). */
export interface Mount {
  readonly type: 'overlay' | 'bind';
  readonly source: string;
  readonly options: readonly string[];
}

export interface Snapshot {
  readonly id: number;
  readonly parentId: number | null;
  readonly state: 'active' | 'committed';
  readonly name?: string;
  readonly chainId?: Digest;
  readonly diffId?: Digest;
  /** Bytes of the layer's tar, once known. */
  readonly size?: number;
}

/** A snapshot that is being written. */
export interface ActiveSnapshot extends Snapshot {
  /** The directory that receives what changes. */
  readonly upper: string;
}

/** What is known of a snapshot's layer. */
export interface LayerLabels {
  readonly name?: string;
  readonly chainId?: Digest;
  readonly diffId?: Digest;
  readonly size?: number;
}

/** Keeps a snapshot from being collected; a `Lease` of content/ is one. */
export interface Holder {
  addSnapshot(id: number): void;
}

/** One suite tests every implementation: test/integration/snapshotter.test.ts. */
export interface Snapshotter {
  /** A new snapshot on a committed parent, or on nothing; the holder keeps it. */
  prepare(parent: number | null, holder: Holder): ActiveSnapshot;
  /** How to mount a snapshot: writable when it is active, read-only when committed. */
  mounts(id: number): Mount[];
  /** How to mount what a snapshot holds, read-only, active or not. */
  view(id: number): Mount[];
  /**
   * Ends the writing. When another snapshot has the same chain ID already, that one is returned, held from then on, and this one
   * removed: two processes that unpack the same layer end with one.
   */
  commit(id: number, holder: Holder, labels?: LayerLabels): Snapshot;
  /** Records what was found out later. A chain ID that another snapshot has stays with that one. */
  label(id: number, labels: LayerLabels): void;
  get(id: number): Snapshot | undefined;
  byChain(chainId: Digest): Snapshot | undefined;
  /** Finds a committed snapshot by its ID or chain ID and keeps it, at once; undefined also when its files are missing. */
  hold(which: number | Digest, holder: Holder): Snapshot | undefined;
  /** Its own directory: what it changed (overlay), or the whole file system (copy). Nothing is in it when the layer is kept as a tar. */
  directory(id: number): string;
  /** Bytes of what it keeps, as stat(2) says of each file. */
  storedSize(id: number): number;
  /** Whether all that it is made of is there. */
  isWhole(id: number): boolean;
  /**
   * Writes the tar of what it changed, always the same bytes; chunks are valid only during the call. Times after `latest` (ns
   * since the epoch) are written as that.
   */
  diff(id: number, sink: (chunk: Buffer) => void, latest?: bigint): DiffResult;
  /** Brings the entries of a layer into an active snapshot. */
  applier(id: number): LayerApplier;
  /** Brings a layer as its tar into an active snapshot, which is to be committed then: it may be kept without being unpacked. */
  unpacker(id: number): LayerUnpacker;
  /**
   * Brings a layer whose tar lies in the store and stays as it is into an active snapshot, without reading its files; undefined where the
   * tar has to be unpacked.
   */
  adopt(id: number, tar: string): Applied | undefined;
  /**
   * Keeps the layer of an active snapshot as its tar, with what the graft puts into it; the snapshot is to be committed then. Missing
   * where layers are directories.
   */
  readonly pack?: (id: number, graft: Graft) => void;
  /** Bytes of a layer's tar, where that is kept. */
  tarSize(id: number): number | undefined;
  readonly driver: Driver;
  /** The folders that a mount of it is made of, by the names that Docker's `inspect` gives them. */
  folders(id: number): Readonly<Record<string, string>>;
  /** Removes a snapshot that has no children; one that is gone already is no error. */
  remove(id: number): void;
  /** Lets go of what this process has mounted to look into layers. */
  close(): void;
}
