// What the life of containers stands on; made by the engine.
import type { Leases } from '../content/index.ts';
import type { ImageStore } from '../image/index.ts';
import type { NetworkManager } from '../network/index.ts';
import type { OciRuntime } from '../runtime/index.ts';
import type { Snapshotter } from '../snapshot/index.ts';
import type { Database, Layout } from '../store/index.ts';

export interface ContainerParts {
  readonly layout: Layout;
  readonly db: Database;
  readonly images: ImageStore;
  readonly snapshots: Snapshotter;
  readonly leases: Leases;
  readonly network: NetworkManager;
  /** How to run slipway itself: a detached container's monitor calls it when the container has ended. */
  readonly selfCommand: readonly string[];
  /** What slipway needs in its environment, called so, to find this store. */
  readonly selfEnvironment: Readonly<Record<string, string>>;
  runtime(): Promise<OciRuntime>;
  /** ms since the epoch. */
  now(): number;
}
