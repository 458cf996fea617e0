// Network namespaces, kept alive by a bind mount on a file as `ip netns` does it. The thread's own namespace is always restored.
import { closeSync, openSync, rmSync } from 'node:fs';
import { mount, MountFlag, unmount, UmountFlag } from './mount.ts';
import { bind, check } from './native.ts';

const CLONE_NEWNET = 0x40000000;
const OWN = '/proc/thread-self/ns/net';

const cUnshare = bind('int unshare(int flags)');
const cSetns = bind('int setns(int fd, int type)');

/** Makes a new, empty network namespace (its loopback is down) that lives as long as its mount on `path`. Creates that file. */
export function createNetworkNamespace(path: string): void {
  closeSync(openSync(path, 'wx', 0o444));
  try {
    returning(() => {
      check(cUnshare(CLONE_NEWNET), 'unshare', path);
      mount(OWN, path, 'none', MountFlag.MS_BIND);
    });
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}

/** Releases it and removes its file; it ends with its last process. No error when it is gone already. */
export function deleteNetworkNamespace(path: string): void {
  try {
    unmount(path, UmountFlag.MNT_DETACH);
  } catch (error) {
    // EINVAL: mounted in another mount namespace only, or not any more.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EINVAL' && code !== 'ENOENT') throw error;
  }
  rmSync(path, { force: true });
}

/** Calls `fn` inside the namespace; processes that it starts stay there. `fn` must not be asynchronous. */
export function withNetworkNamespace<T>(path: string, fn: () => T): T {
  return returning(() => {
    const fd = openSync(path, 'r');
    try {
      check(cSetns(fd, CLONE_NEWNET), 'setns', path);
    } finally {
      closeSync(fd);
    }
    return fn();
  });
}

function returning<T>(fn: () => T): T {
  const home = openSync(OWN, 'r');
  try {
    return fn();
  } finally {
    const back = cSetns(home, CLONE_NEWNET);
    closeSync(home);
    check(back, 'setns', OWN);
  }
}
