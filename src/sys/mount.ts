// mount(2), umount2(2) and private mount namespaces. A command that mounts enters one first, so that whatever it mounted
// vanishes with it, however it ends.
import { readFileSync } from 'node:fs';
import { mountPoints } from './mount-points.ts';
import { bind, check, cString } from './native.ts';

export const MountFlag = {
  MS_RDONLY: 1,
  MS_NOSUID: 2,
  MS_NODEV: 4,
  MS_NOEXEC: 8,
  MS_SYNCHRONOUS: 16,
  MS_REMOUNT: 32,
  MS_NOATIME: 1024,
  MS_NODIRATIME: 2048,
  MS_BIND: 4096,
  MS_MOVE: 8192,
  MS_REC: 16384,
  MS_SILENT: 32768,
  MS_UNBINDABLE: 1 << 17,
  MS_PRIVATE: 1 << 18,
  MS_SLAVE: 1 << 19,
  MS_SHARED: 1 << 20,
  MS_RELATIME: 1 << 21,
  MS_STRICTATIME: 1 << 24,
  MS_LAZYTIME: 1 << 25,
} as const;

export const UmountFlag = { MNT_FORCE: 1, MNT_DETACH: 2, MNT_EXPIRE: 4, UMOUNT_NOFOLLOW: 8 } as const;

const CLONE_NEWNS = 0x20000;

const cMount = bind('int mount(const void *source, const void *target, const void *type, unsigned long flags, const void *data)');
const cUmount = bind('int umount2(const void *target, int flags)');
const cUnshare = bind('int unshare(int flags)');

/** Mounts in this process's private mount namespace, which it enters first: nothing that is mounted here outlives it. */
export function mount(source: string, target: string, type: string, flags: number, data?: string): void {
  enterPrivateMountNamespace();
  mountHere(source, target, type, flags, data);
}

function mountHere(source: string, target: string, type: string, flags: number, data?: string): void {
  check(cMount(cString(source), cString(target), cString(type), flags, data === undefined ? null : cString(data)), 'mount', target);
}

export function unmount(target: string, flags = 0): void {
  check(cUmount(cString(target), flags), 'umount2', target);
}

/** Leaves the mount namespace that this thread shares with others. Mounts still travel both ways where `/` is shared. */
function unshareMountNamespace(): void {
  check(cUnshare(CLONE_NEWNS), 'unshare');
}

let entered = false;

/**
 * Gives this thread and the processes it starts mounts of their own: what is mounted here is seen by nobody else and ends
 * with the last process that lives here, while mounts of the host still arrive. Does nothing the second time. Threads that
 * run already (libuv's pool, workers) stay outside, so below such mounts only synchronous calls are right.
 * Throws EPERM when not root.
 */
export function enterPrivateMountNamespace(): void {
  if (entered) return;
  unshareMountNamespace();
  entered = true;
  mountHere('none', '/', 'none', MountFlag.MS_REC | MountFlag.MS_SLAVE);
  hideHybridCgroup();
}

/**
 * Lets go of what is mounted at a folder and below it in the namespace that whoever started this process has left to it: it is not ours
 * to keep, and its folders could not be removed.
 */
export function leaveMounts(folder: string): void {
  enterPrivateMountNamespace();
  const places = mountPoints().filter((place) => place === folder || place.startsWith(`${folder}/`));
  for (const place of places.reverse()) {
    try {
      unmount(place, UmountFlag.MNT_DETACH);
    } catch {
      // below one that went before
    }
  }
}

/** Unmounts what is mounted on a folder here, once or several times; nothing is no error, and where this process may not, nothing is. */
export function leaveMount(folder: string): void {
  try {
    for (;;) unmount(folder, UmountFlag.MNT_DETACH);
  } catch {
    // nothing (more) is
  }
}

/**
 * A cgroup2 without controllers beside those of v1 makes crun give up; nothing here needs it. What crun creates in its place must not stay in
 * the folder below the mount, where nobody would ever see it: it gets memory that goes with the namespace.
 */
function hideHybridCgroup(): void {
  let unified = false;
  let legacy = false;
  for (const line of readFileSync('/proc/thread-self/mountinfo', 'utf8').split('\n')) {
    const [before, after] = line.split(' - ');
    const target = before?.split(' ')[4];
    if (target === '/sys/fs/cgroup') legacy = after?.startsWith('tmpfs ') === true;
    else if (target === '/sys/fs/cgroup/unified') unified = after?.startsWith('cgroup2 ') === true;
  }
  if (!unified || !legacy) return;
  unmount('/sys/fs/cgroup/unified', UmountFlag.MNT_DETACH);
  mountHere('tmpfs', '/sys/fs/cgroup/unified', 'tmpfs', MountFlag.MS_NOSUID | MountFlag.MS_NODEV | MountFlag.MS_NOEXEC, 'mode=0700');
}
