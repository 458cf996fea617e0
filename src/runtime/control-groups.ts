// The control groups of a container: one below the root of each hierarchy, and whatever the container has made in them.
import { readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupMode } from './spec/cgroup.ts';

const ROOT = '/sys/fs/cgroup';

export const groupName = (id: string): string => `slipway-${id}`;

/** Removes them everywhere. False when one cannot be removed: a process is left in it. */
export function removeControlGroups(name: string): boolean {
  const mode = cgroupMode();
  const hierarchies = mode === 'v1' ? readdirSync(ROOT).map((one) => join(ROOT, one)) : mode === 'v2' ? [ROOT] : [];
  return hierarchies.map((hierarchy) => removeGroup(join(hierarchy, name))).every(Boolean);
}

function removeGroup(folder: string): boolean {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) removeGroup(join(folder, entry.name));
    rmdirSync(folder);
    return true;
  } catch (e) {
    return ['ENOENT', 'ENOTDIR'].includes((e as NodeJS.ErrnoException).code ?? '');
  }
}
