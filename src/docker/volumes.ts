// A volume in Docker's JSON.
import { type Engine, hasLabels, type Volume } from '../engine/index.ts';

export const volumeJson = (v: Volume): Record<string, unknown> => ({
  CreatedAt: `${new Date(v.createdAt).toISOString().slice(0, 19)}Z`,
  Driver: 'local',
  Labels: Object.keys(v.labels).length === 0 ? null : v.labels,
  Mountpoint: v.mountpoint,
  Name: v.name,
  Options: v.options === undefined ? null : Object.fromEntries(Object.entries(v.options).toSorted()),
  Scope: 'local',
});

export const VOLUME_FILTERS: ReadonlySet<string> = new Set(['dangling', 'driver', 'label', 'name']);

/** The volumes that filters mean. `dangling`: that no container has. */
export async function matchingVolumes(
  engine: Engine,
  filters: ReadonlyMap<string, readonly string[]>,
  dangling: readonly boolean[] | undefined,
): Promise<Volume[]> {
  const { volumes, records } = await engine.containers();
  const used = new Set(records.all().flatMap((c) => c.mounts.map((m) => m.name)));
  return volumes
    .list()
    .filter((v) => filters.get('name')?.some((n) => v.name.includes(n)) ?? true)
    .filter((v) => hasLabels(v.labels, filters.get('label') ?? []))
    .filter((v) => dangling?.includes(!used.has(v.name)) ?? true)
    .filter(() => filters.get('driver')?.includes('local') ?? true);
}
