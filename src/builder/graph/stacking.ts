// MERGE and DIFF: layers laid on others than those that they were made on. A layer goes as its tar, from what one snapshot changed
// to a new snapshot, so that deletions travel too, whatever the snapshotter.
import { type TarEntry, type TarHandler, WHITEOUT_PREFIX } from '../../archive/index.ts';
import type { Lease } from '../../content/index.ts';
import { diffCopy, type LayerApplier, type LayerUnpacker, type Snapshotter, tarUnpacker } from '../../snapshot/index.ts';
import type { Layout } from '../../store/index.ts';
import { throwAfter } from '../../util/index.ts';
import { openRootfs } from '../steps/index.ts';

type SnapshotId = number | null;

/** What one file system has changed against another. */
export interface Changes {
  readonly lower: SnapshotId;
  readonly upper: SnapshotId;
}

export class Stacking {
  readonly #layout: Layout;
  readonly #snapshots: Snapshotter;
  readonly #lease: Lease;
  readonly #signal: AbortSignal;

  constructor(layout: Layout, snapshots: Snapshotter, lease: Lease, signal: AbortSignal) {
    this.#layout = layout;
    this.#snapshots = snapshots;
    this.#lease = lease;
    this.#signal = signal;
  }

  /** A snapshot of `base` with all of `changes` upon it. On nothing, there is nothing to delete, and no mark of a deletion is left. */
  lay(base: SnapshotId, changes: Changes): SnapshotId {
    const layers = this.#between(changes);
    if (layers === undefined) return this.#layTree(base, changes);
    let below = base;
    for (const layer of layers) {
      const own = this.#snapshots.get(layer)?.parentId === below;
      below = own ? layer : this.#apply(below, (sink) => void this.#snapshots.diff(layer, sink));
    }
    return below;
  }

  /** The snapshots from `lower` up to `upper`, the lowest first; undefined when one does not stand on the other. */
  #between({ lower, upper }: Changes): number[] | undefined {
    const chain = lower === null ? undefined : this.#snapshots.get(lower)?.chainId;
    const out: number[] = [];
    for (let at = upper; at !== lower;) {
      const snapshot = at === null ? undefined : this.#snapshots.get(at);
      if (snapshot === undefined) return undefined;
      // equal layers may have been made twice
      if (chain !== undefined && snapshot.chainId === chain) break;
      out.push(snapshot.id);
      at = snapshot.parentId;
    }
    return out.reverse();
  }

  #layTree(base: SnapshotId, { lower, upper }: Changes): number {
    const view = (id: SnapshotId) => openRootfs(this.#layout, id === null ? [] : this.#snapshots.view(id));
    using before = view(lower);
    using after = view(upper);
    // no time of a copy is known before which files are alike: their bytes tell
    return this.#apply(base, (sink) => void diffCopy(after.path, { parent: before.path, copiedAt: 0 }, sink));
  }

  #apply(below: SnapshotId, write: (sink: (chunk: Buffer) => void) => void): number {
    const active = this.#snapshots.prepare(below, this.#lease);
    const unpacker = below === null ? additionsOnly(this.#snapshots.applier(active.id)) : this.#snapshots.unpacker(active.id);
    try {
      write((chunk) => {
        this.#signal.throwIfAborted();
        unpacker.write(chunk);
      });
      unpacker.finish();
      return this.#snapshots.commit(active.id, this.#lease).id;
    } catch (e) {
      throwAfter(
        e,
        () => unpacker.abort(),
        () => this.#snapshots.remove(active.id),
      );
    }
  }
}

/** On nothing there is nothing to delete. */
const additionsOnly = (applier: LayerApplier): LayerUnpacker => tarUnpacker(applier, new Additions(applier));

/** Passes on what a layer adds, and not what it deletes (OCI image-spec, layer.md, "Whiteouts"). */
class Additions implements TarHandler {
  readonly #to: TarHandler;
  #skipping = false;

  constructor(to: TarHandler) {
    this.#to = to;
  }

  entry(entry: TarEntry): void {
    this.#skipping = entry.path.slice(entry.path.lastIndexOf('/') + 1).startsWith(WHITEOUT_PREFIX);
    if (!this.#skipping) this.#to.entry(entry);
  }

  data(chunk: Buffer): void {
    if (!this.#skipping) this.#to.data(chunk);
  }

  end(): void {
    if (!this.#skipping) this.#to.end();
  }
}
