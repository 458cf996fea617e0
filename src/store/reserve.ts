// Room on the disk that a store keeps for itself: what frees space begins with a change of the database, and on a full disk there could
// be none. The file is given up for such a change, and comes back when there is room again.
import { closeSync, openSync, rmSync, statfsSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { allocate } from '../sys/index.ts';

const FILE = 'reserve';
const LEAST = 128 << 10;
const MOST = 4 << 20;
/** Of the file system. */
const SHARE = 1 / 64;
/** Room is taken only where so many times as much is left. */
const PLENTY = 8;

/** Creates the reserve where it is missing. A store without one works too. */
export function keepReserve(root: string): void {
  const path = join(root, FILE);
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return;
  try {
    const { blocks, bavail, bsize } = statfsSync(root);
    const size = Math.min(MOST, Math.max(LEAST, Math.floor(blocks * bsize * SHARE)));
    if (bavail * bsize < size * PLENTY) return;
    const fd = openSync(path, 'wx', 0o600);
    try {
      allocate(fd, size);
    } catch (e) {
      rmSync(path);
      throw e;
    } finally {
      closeSync(fd);
    }
  } catch {
    // read-only, without fallocate(2), or somebody else was faster
  }
}

/** Gives its room away. False when there is none. */
export function giveReserve(root: string): boolean {
  try {
    unlinkSync(join(root, FILE));
    return true;
  } catch {
    return false;
  }
}
