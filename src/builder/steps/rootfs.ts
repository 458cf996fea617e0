// A snapshot mounted for a step, below the folder of what dies with the machine.
import { chmodSync, mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { mountAll, type Mount, unescaped } from '../../snapshot/index.ts';
import { type Layout, ownedName } from '../../store/index.ts';
import { UmountFlag, unmount } from '../../sys/index.ts';
import type { MountedRootfs } from './types.ts';

/**
 * Mounts `mounts` on a directory of its own (no mounts: an empty one); `unmount` or `using` takes both away.
 * Call it in the private mount namespace only.
 */
export function openRootfs(layout: Layout, mounts: readonly Mount[], upper?: string, pack?: MountedRootfs['pack']): MountedRootfs {
  const path = makeMountPoint(layout);
  // what is shown of an empty file system is this folder itself
  if (mounts.length === 0) chmodSync(path, 0o755);
  const marks: string[] = [];
  try {
    mountAll(
      mounts.map((m) => withVolatileOverlay(m, marks)),
      path,
    );
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
    for (const mark of marks) rmSync(mark, { recursive: true, force: true });
  };
  return { path, ...(upper !== undefined && { upper }), ...(pack && { pack }), unmount: close, [Symbol.dispose]: close };
}

/**
 * Without `volatile`, unmounting an overlay waits until the disk has all that was written (kernel, overlayfs.rst, "Volatile
 * mount"): after a COPY of many files that is most of the time. The mark it leaves forbids another mount, and goes with this one: that
 * the files may be lost in a power cut is written down with the snapshot, which is dropped then (content/durability.ts).
 */
function withVolatileOverlay(m: Mount, marks: string[]): Mount {
  const work = m.options.find((o) => o.startsWith('workdir='))?.slice('workdir='.length);
  if (m.type !== 'overlay' || work === undefined) return m;
  marks.push(join(unescaped(work), 'work', 'incompat'));
  return { ...m, options: [...m.options, 'volatile'] };
}

/** A new empty directory below `layout.run/mounts`. */
function makeMountPoint(layout: Layout): string {
  const path = join(layout.mounts, ownedName(layout.root));
  mkdirSync(path, { mode: 0o700 });
  return path;
}
