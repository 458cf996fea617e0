// Who a process is to the others that share a store: a file below `leases/` that it keeps locked. The kernel ends the lock with the
// process, whatever PID namespace either of them lives in.
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { FileLock } from '../sys/index.ts';
import { randomId } from '../util/index.ts';

/** Of this process, by the root of a store; held to its end. */
const own = new Map<string, { readonly id: string; readonly lock: FileLock }>();

const folderOf = (root: string): string => join(root, 'leases');

/** The name under which this process owns things in a store. */
export function ownerOf(root: string): string {
  const known = own.get(root);
  if (known !== undefined) return known.id;
  const folder = folderOf(root);
  mkdirSync(folder, { recursive: true, mode: 0o711 });
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

/** Removes the files of processes that were killed. */
export function sweepOwners(root: string): void {
  const folder = folderOf(root);
  mkdirSync(folder, { recursive: true, mode: 0o711 });
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
