// Who a process is to the others that share a store: a file below `leases/` that it keeps locked. The kernel ends the lock with the
// process, whatever PID namespace either of them lives in.
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { FileLock, removeTree } from '../sys/index.ts';
import { randomId } from '../util/index.ts';
import { type Layout, makePrivate } from './layout.ts';

/** Of this process, by the root of a store; held to its end. */
const own = new Map<string, { readonly id: string; readonly lock: FileLock }>();

const folderOf = (root: string): string => join(root, 'leases');

/** The name under which this process owns things in a store. */
export function ownerOf(root: string): string {
  const known = own.get(root);
  if (known !== undefined) return known.id;
  const folder = folderOf(root);
  makePrivate(folder);
  for (;;) {
    const id = randomId(8);
    const lock = FileLock.tryAcquire(join(folder, id), 'exclusive', { remove: true });
    // somebody who swept this folder looked at the new file just now
    if (lock === undefined) continue;
    if (own.size === 0) process.once('exit', releaseAll);
    own.set(root, { id, lock });
    return id;
  }
}

/** Whether the process that owns things under this name still runs. */
export function ownerAlive(root: string, id: string): boolean {
  if (own.get(root)?.id === id) return true;
  return /^[0-9a-f]{16}$/.test(id) && FileLock.isHeld(join(folderOf(root), id));
}

let counter = 0;

/** A name for what this process is making: it begins with its owner, which tells growing things from abandoned ones. */
export const ownedName = (root: string): string => `${ownerOf(root)}.${counter++}`;

/** A new folder of this process, which goes with the next collection if it is killed. */
export function ownedFolder(layout: Layout): string {
  const path = join(layout.ingest, ownedName(layout.root));
  mkdirSync(path, { mode: 0o700 });
  return path;
}

/** Whether a name says that its owner has ended; undefined when it names none. */
export function isAbandoned(root: string, name: string): boolean | undefined {
  const owner = /^([0-9a-f]{16})\./.exec(name)?.[1];
  return owner === undefined ? undefined : !ownerAlive(root, owner);
}

/** Removes what processes that were killed have left in a folder. */
export function sweepOwned(root: string, folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) if (isAbandoned(root, name)) removeTree(join(folder, name));
}

/** Whether a process was killed that owned things. */
export function anyOwnerDead(root: string): boolean {
  const folder = folderOf(root);
  return existsSync(folder) && readdirSync(folder).some((id) => !ownerAlive(root, id));
}

/** Removes the files of processes that were killed. */
export function sweepOwners(root: string): void {
  const folder = folderOf(root);
  makePrivate(folder);
  for (const id of readdirSync(folder)) {
    if (own.get(root)?.id !== id) FileLock.tryAcquire(join(folder, id), 'exclusive', { remove: true })?.release();
  }
}

function releaseAll(): void {
  for (const { lock } of own.values()) {
    try {
      lock.release();
    } catch {
      // the lock ends with the process; its file goes with the next collection
    }
  }
}
