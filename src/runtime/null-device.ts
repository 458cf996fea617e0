// An own /dev/null for a runtime's standard streams. crun gives the streams of a process in a running container to its user (fchown),
// and with the machine's /dev/null that was the node of the whole machine: it changed hands, and a container could change its mode.
import { constants, fchmodSync, openSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { MountFlag, UmountFlag, mknod, mount, unmount } from '../sys/index.ts';
import { randomId } from '../util/index.ts';
import { scratchFolder } from './scratch.ts';

let device: number | undefined;

/** A descriptor that stays open as long as this process. The node was on memory that is mounted nowhere any more. */
export function nullDevice(stateRoot: string): number {
  if (device !== undefined) return device;
  const at = scratchFolder(stateRoot, randomId(8));
  try {
    // The state folder itself is often on a file system without devices.
    mount('tmpfs', at, 'tmpfs', MountFlag.MS_NOSUID | MountFlag.MS_NOEXEC, 'size=4k,mode=0700');
    try {
      mknod(join(at, 'null'), constants.S_IFCHR | 0o666, 1, 3);
      device = openSync(join(at, 'null'), 'r+');
      fchmodSync(device, 0o666);
    } finally {
      unmount(at, UmountFlag.MNT_DETACH);
    }
  } finally {
    rmdirSync(at);
  }
  return device;
}
