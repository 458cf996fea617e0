// Mounting an index over its tar, straight from the files: no loop device (Linux 6.12, EROFS_FS_BACKED_BY_FILE).
import { closeSync, openSync } from 'node:fs';
import { SlipwayError } from '../../model/index.ts';
import { mount, MountFlag } from '../../sys/index.ts';
import type { PackedFiles } from './packed-layer.ts';

/** @throws SlipwayError `snapshot.mount`, system errors when a file cannot be opened */
export function mountIndex({ tar, index }: PackedFiles, target: string): void {
  // named by its descriptor, since a comma in a path would end the option
  const device = openSync(tar, 'r');
  try {
    mount(index, target, 'erofs', MountFlag.MS_RDONLY, `device=/proc/self/fd/${device}`);
  } catch (e) {
    const { code } = e as NodeJS.ErrnoException;
    throw new SlipwayError(
      code === 'EPERM' ? 'permission-denied' : 'failed-precondition',
      'snapshot.mount',
      `cannot mount the layer ${index}: ${code ?? String(e)}`,
      {
        hints:
          code === 'EPERM'
            ? ['mounting needs root']
            : ['layers of this store are EROFS images, which Linux mounts from files since 6.12, on ext4, XFS and Btrfs'],
        cause: e,
      },
    );
  } finally {
    closeSync(device);
  }
}
