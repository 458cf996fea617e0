// The control groups of a container: one below the root of each hierarchy, and whatever the container has made in them. Their names
// say which run folder they belong to, so that those that were left behind can be told from those of other stores.
import { existsSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { killNow } from '../sys/index.ts';
import { sha256Hex } from '../util/index.ts';
import { cgroupHierarchies } from './spec/cgroup.ts';

/** ms that SIGKILL has for its work. */
export const KILL_TIME = 10_000;
/** ms between two looks, at most. */
const MOST_WAIT = 50;

/** What the names of all groups begin with whose runtime keeps its files in `stateRoot`: a folder of that path in a container is another one. */
export function groupPrefix(stateRoot: string): string {
  const { dev, ino } = statSync(stateRoot);
  return `slipway-${sha256Hex(`${dev}:${ino}`).slice(0, 8)}-`;
}

export const groupName = (stateRoot: string, id: string): string => `${groupPrefix(stateRoot)}${id}`;

/**
 * Removes them everywhere, with whatever process is left in them. A process that was killed is in its group until its parent has seen its
 * end (cgroups(7)): that is waited for. False when one is still there after 10 s, as of a process that hangs in the kernel.
 */
export async function endControlGroups(stateRoot: string, id: string): Promise<boolean> {
  const groups = cgroupHierarchies().map((hierarchy) => join(hierarchy, groupName(stateRoot, id)));
  const until = Date.now() + KILL_TIME;
  for (let wait = 1; ; wait = Math.min(2 * wait, MOST_WAIT)) {
    const left = groups.filter((group) => !removeGroup(group));
    if (left.length === 0) return true;
    if (Date.now() > until) return false;
    for (const group of left) killIn(group);
    await sleep(wait);
  }
}

function killIn(group: string): void {
  for (const pid of processesBelow(group)) killNow(pid);
  thaw(group);
}

/** A runtime that is killed while it kills leaves a group frozen, where SIGKILL waits (version 1). */
function thaw(group: string): void {
  try {
    writeFileSync(join(group, 'freezer.state'), 'THAWED', { flag: 'r+' });
  } catch {
    // another hierarchy, or it has just ended
  }
}

/** Groups without a process, of all containers, steps and probes. */
export function emptyControlGroups(stateRoot: string): { readonly path: string; readonly id: string }[] {
  const prefix = groupPrefix(stateRoot);
  return cgroupHierarchies().flatMap((hierarchy) =>
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
  const folder = cgroupHierarchies()
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
