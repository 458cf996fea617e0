// From what a step wrote to a layer: its tar is made and hashed in one pass, and the snapshot committed under its chain ID.
import { createHash } from 'node:crypto';
import { chainId, type Digest } from '../model/index.ts';
import type { ActiveSnapshot, Holder, Snapshotter } from '../snapshot/index.ts';

interface CommittedLayer {
  /** Of the committed snapshot; another one's when somebody made the same layer before. */
  readonly snapshotId: number;
  readonly diffId: Digest;
  readonly chainId: Digest;
  /** Bytes of its files. */
  readonly size: number;
  readonly tarSize: number;
}

/**
 * Commits an active snapshot (unmounted) on top of layers with `parents` as diff IDs.
 * Undefined when nothing changed: then the snapshot is removed, and its parent serves.
 */
export function commitLayer(
  snapshots: Snapshotter,
  active: ActiveSnapshot,
  parents: readonly Digest[],
  holder: Holder,
): CommittedLayer | undefined {
  const hash = createHash('sha256');
  const { size: tarSize, content: size, files } = snapshots.diff(active.id, (chunk) => hash.update(chunk));
  if (files === 0) {
    snapshots.remove(active.id);
    return undefined;
  }
  const diffId: Digest = `sha256:${hash.digest('hex')}`;
  const chain = chainId([...parents, diffId]);
  const committed = snapshots.commit(active.id, holder, { chainId: chain, diffId, size });
  return { snapshotId: committed.id, diffId, chainId: chain, size, tarSize };
}
