// Removes what is not used. Whether something is used is looked at again in the transaction that removes it.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { hasLabels, type Removal } from '../image/index.ts';
import { isSlipwayError } from '../model/index.ts';
import { type EventType, recordEvent } from '../store/index.ts';
import { FileLock, treeSize } from '../sys/index.ts';
import { crashPoint } from '../util/index.ts';
import type { Engine } from './engine.ts';

export interface Pruned<T> {
  readonly removed: readonly T[];
  /** Bytes. */
  readonly reclaimed: number;
}

export interface PruneFilter {
  /** Only what was made before this time, ms since the epoch. */
  readonly until?: number;
  /** `key` or `key=value`. */
  readonly labels?: readonly string[];
  /** What has one of these stays. */
  readonly otherLabels?: readonly string[];
}

/** Removes images without a name, or with `all` those that no container uses. */
export async function pruneImages(engine: Engine, o: PruneFilter & { all: boolean }): Promise<Pruned<Removal>> {
  const removed: Removal[] = [];
  if (o.until === undefined && !o.labels && !o.otherLabels) dropUnfinishedPulls(engine);
  // what was built on others goes first, so that the others are free
  for (const image of engine.images.list({ all: true })) {
    if (!o.all && image.names.length > 0) continue;
    if (o.until !== undefined && image.createdAt >= o.until) continue;
    if ((o.labels || o.otherLabels) && !isMeant(engine.images.find(image.id)?.config.config?.Labels ?? {}, o)) continue;
    removed.push(...engine.images.removeUnused(image.id, { named: o.all }));
    crashPoint('prune.image-removed');
  }
  return pruned(engine, 'image', { removed, reclaimed: engine.collector().collect().bytes });
}

/** Reports it. */
function pruned<T>(engine: Engine, type: EventType, result: Pruned<T>): Pruned<T> {
  const attributes = { reclaimed: String(result.reclaimed) };
  engine.db.removal((sql) => recordEvent(sql, { type, action: 'prune', actor: '', attributes }));
  return result;
}

const isMeant = (labels: Readonly<Record<string, string>>, o: PruneFilter): boolean =>
  hasLabels(labels, o.labels ?? []) && !(o.otherLabels ?? []).some((label) => hasLabels(labels, [label]));

/** What pulls that were cut short have kept for another attempt; those that are going on hold what they need themselves. */
function dropUnfinishedPulls({ layout, leases }: Engine): void {
  leases.endLasting();
  for (const name of readdirSync(layout.ingest)) {
    const hex = /^download-([0-9a-f]{64})$/.exec(name)?.[1];
    if (hex === undefined) continue;
    using lock = FileLock.tryAcquire(join(layout.locks, `download-${hex}`), 'exclusive', { remove: true });
    if (lock !== undefined) rmSync(join(layout.ingest, name), { force: true });
  }
}

/** Removes containers that do not run. */
export async function pruneContainers(engine: Engine, o: PruneFilter = {}): Promise<Pruned<string>> {
  const containers = await engine.containers();
  await containers.reconcile();
  const idle = containers.records
    .all()
    .filter((c) => o.until === undefined || c.createdAt < o.until)
    .filter((c) => isMeant(c.request.labels, o));
  const removed = (await containers.prune(idle)).map((c) => c.id);
  return pruned(engine, 'container', { removed, reclaimed: engine.collector().collect().bytes });
}

/** Removes volumes that no container uses: anonymous ones, or with `all` named ones too. */
export async function pruneVolumes(
  engine: Engine,
  o: { all: boolean; labels?: readonly string[]; otherLabels?: readonly string[] },
): Promise<Pruned<string>> {
  const { volumes } = await engine.containers();
  let reclaimed = 0;
  const removed = volumes.prune({
    all: o.all,
    wanted: (v) => {
      if (!isMeant(v.labels, o)) return false;
      reclaimed += treeSize(v.mountpoint);
      return true;
    },
  });
  return pruned(engine, 'volume', { removed, reclaimed });
}

/** What a network answers that cannot be removed: it has containers, or always exists. */
const STAYING = new Set(['network.in-use', 'network.predefined']);

/** Removes networks that no container is attached to. They take no room. */
export async function pruneNetworks(engine: Engine, o: PruneFilter = {}): Promise<Pruned<string>> {
  const network = await engine.network();
  const removed: string[] = [];
  for (const n of network.list().sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if ((o.until !== undefined && n.createdAt >= o.until) || !isMeant(n.labels, o)) continue;
    try {
      await network.remove(n.name);
      removed.push(n.name);
    } catch (e) {
      if (!isSlipwayError(e) || !STAYING.has(e.code)) throw e;
    }
  }
  return pruned(engine, 'network', { removed, reclaimed: 0 });
}
