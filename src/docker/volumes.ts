// A volume in Docker's JSON.
import type { Volume } from '../engine/index.ts';

export const volumeJson = (v: Volume): Record<string, unknown> => ({
  CreatedAt: `${new Date(v.createdAt).toISOString().slice(0, 19)}Z`,
  Driver: 'local',
  Labels: Object.keys(v.labels).length === 0 ? null : v.labels,
  Mountpoint: v.mountpoint,
  Name: v.name,
  Options: v.options === undefined ? null : Object.fromEntries(Object.entries(v.options).toSorted()),
  Scope: 'local',
});
