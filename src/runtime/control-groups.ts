// The control groups of a container: one below the root of each hierarchy, and whatever the container has made in them. Their names
// say which run folder they belong to, so that those that were left behind can be told from those of other stores.
import { existsSync, readdirSync, readFileSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Hex } from '../util/index.ts';
import { cgroupMode } from './spec/cgroup.ts';

const ROOT = '/sys/fs/cgroup';

/** What the names of all groups begin with whose runtime keeps its files in `stateRoot`: a folder of that path in a container is another one. */
export function groupPrefix(stateRoot: string): string {
  const { dev, ino } = statSync(stateRoot);
  return `slipway-${sha256Hex(`${dev}:${ino}`).slice(0, 8)}-`;
}

export const groupName = (stateRoot: string, id: string): string => `${groupPrefix(stateRoot)}${id}`;

function hierarchies(): string[] {
  const mode = cgroupMode();
  return mode === 'v1' ? list(ROOT).map((one) => join(ROOT, one)) : mode === 'v2' ? [ROOT] : [];
}

/** Removes them everywhere. False when one cannot be removed: a process is left in it. */
export function removeControlGroups(stateRoot: string, id: string): boolean {
  return hierarchies()
    .map((hierarchy) => removeGroup(join(hierarchy, groupName(stateRoot, id))))
    .every(Boolean);
}

/** Groups without a process, of all containers, steps and probes. */
export function emptyControlGroups(stateRoot: string): { readonly path: string; readonly id: string }[] {
  const prefix = groupPrefix(stateRoot);
  return hierarchies().flatMap((hierarchy) =>
    list(hierarchy)
      .filter((name) => name.startsWith(prefix) && isEmpty(join(hierarchy, name)))
      .map((name) => ({ path: join(hierarchy, name), id: name.slice(prefix.length) })),
  );
}

function isEmpty(group: string): boolean {
  try {
    return readFileSync(join(group, 'cgroup.procs'), 'latin1').trim() === '';
  } catch {
    return false; // it has just ended
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The processes of a container's control group and of those below it; undefined when there is none. */
export function groupProcesses(stateRoot: string, id: string): number[] | undefined {
  const folder = hierarchies()
    .map((hierarchy) => join(hierarchy, groupName(stateRoot, id)))
    .find((one) => existsSync(join(one, 'cgroup.procs')));
  return folder === undefined ? undefined : [...new Set(processesBelow(folder))];
}

function processesBelow(folder: string): number[] {
  try {
    return [
      ...readFileSync(join(folder, 'cgroup.procs'), 'latin1').split('\n').filter(Boolean).map(Number),
      ...readdirSync(folder, { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? processesBelow(join(folder, one.name)) : [])),
    ];
  } catch {
    return []; // it has just ended
  }
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
