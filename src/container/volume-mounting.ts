// Mounts what a volume with options stands for at the volume's folder. Like all mounts it belongs to this process and its children; one
// that lies in memory is taken over from a container that uses it already, so that all see the same files.
import { join } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import type { Layout } from '../store/index.ts';
import { borrowMount, FileLock, isMounted, mount, MountFlag, unmount, UmountFlag } from '../sys/index.ts';
import { isAlive } from './transitions.ts';
import type { Container, MountPoint } from './types.ts';
import { isMemory, type VolumeMount, volumeMount, type VolumeOptions } from './volume-options.ts';

/** @param users the other containers that have this volume. @throws SlipwayError `volume.not-mounted`, in Docker's words */
export async function mountVolume(
  layout: Layout,
  point: MountPoint,
  options: VolumeOptions,
  users: () => readonly Container[],
): Promise<void> {
  const target = point.source;
  const wanted = await volumeMount(options);
  using _lock = await FileLock.acquire(join(layout.locks, `volume-mount-${point.name ?? ''}`), 'exclusive', { remove: true });
  if (isMemory(options)) {
    const holders = users().filter(isAlive).flatMap(processesOf);
    if (holders.length > 0 && isMounted(target)) return;
    const holder = holders.find((pid) => isMounted(target, pid));
    if (holder !== undefined) return borrowMount(holder, target, target);
  }
  // of a container that was started by this very process
  unmountVolume(target);
  try {
    mount(wanted.device, target, wanted.type, wanted.flags, wanted.data);
    // a bind takes its other flags only afterwards
    if ((wanted.flags & MountFlag.MS_BIND) !== 0 && (wanted.flags & ~(MountFlag.MS_BIND | MountFlag.MS_REC)) !== 0)
      mount('none', target, '', wanted.flags | MountFlag.MS_REMOUNT);
  } catch (cause) {
    throw notMounted(target, wanted, cause as NodeJS.ErrnoException);
  }
}

/** Afterwards nothing that this process has mounted is at the folder of a volume. @throws system errors */
export function unmountVolume(target: string): void {
  while (isMounted(target)) unmount(target, UmountFlag.MNT_DETACH);
}

/** Those in whose namespaces a container's volumes are mounted. */
function processesOf({ state }: Container): number[] {
  return [state.monitor, state.starter].flatMap((identity) => (identity ? [Number(identity.split(':')[0])] : []));
}

function notMounted(target: string, { device, flags, data }: VolumeMount, cause: NodeJS.ErrnoException): SlipwayError {
  const more = [...(flags === 0 ? [] : [`flags: 0x${flags.toString(16)}`]), ...(data === '' ? [] : [`data: ${data}`])];
  const reason = /^\w+: (.*), \w+ '/.exec(cause.message)?.[1] ?? cause.message;
  const how = [`mount ${device}:${target}`, ...more].join(', ');
  return new SlipwayError(
    'failed-precondition',
    'volume.not-mounted',
    `error while mounting volume '${target}': failed to mount local volume: ${how}: ${reason}`,
    { exitCode: cause.code === 'ENOENT' ? 127 : 125, cause },
  );
}
