// A snapshot mounted for a step, below the folder of what dies with the machine.
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { mountAll, type Mount } from '../../snapshot/index.ts';
import type { Layout } from '../../store/index.ts';
import { UmountFlag, unmount } from '../../sys/index.ts';
import type { MountedRootfs } from './types.ts';

/**
 * Mounts `mounts` on a directory of its own (no mounts: an empty one); `unmount` or `using` takes both away.
 * Call it in the private mount namespace only.
 */
export function openRootfs(layout: Layout, mounts: readonly Mount[], upper?: string): MountedRootfs {
  const path = makeMountPoint(layout);
  try {
    mountAll(mounts, path);
  } catch (e) {
    rmdirSync(path);
    throw e;
  }
  let mounted = true;
  const close = (): void => {
    if (!mounted) return;
    mounted = false;
    if (mounts.length > 0) unmount(path, UmountFlag.MNT_DETACH);
    rmdirSync(path);
  };
  return { path, ...(upper === undefined ? {} : { upper }), unmount: close, [Symbol.dispose]: close };
}

/** A new empty directory below `layout.run/mounts`. */
export function makeMountPoint(layout: Layout): string {
  const path = join(layout.run, 'mounts', randomBytes(8).toString('hex'));
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}
