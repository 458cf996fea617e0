// A mount of another process, in this process's namespace: the same file system, not another one of its kind.
import { closeSync, openSync } from 'node:fs';
import { enterPrivateMountNamespace } from './mount.ts';
import { bind, check, cString } from './native.ts';

// the same numbers on all machines (include/uapi/asm-generic/unistd.h)
const SYS_OPEN_TREE = 428;
const SYS_MOVE_MOUNT = 429;
const OPEN_TREE_CLONE = 1;
const O_CLOEXEC = 0o2000000;
const AT_FDCWD = -100;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const CLONE_NEWNS = 0x20000;
const CLONE_FS = 0x200;

const cUnshare = bind('int unshare(int flags)');
const cSetns = bind('int setns(int fd, int type)');
const cFchdir = bind('int fchdir(int fd)');
const cChroot = bind('int chroot(const void *path)');
const cOpenTree = bind('long syscall(long number, int folder, const void *path, unsigned int flags)');
const cMoveMount = bind('long syscall(long number, int from, const void *empty, int to, const void *target, unsigned int flags)');

/**
 * Mounts here, at `target`, what the process `pid` sees mounted at `path` in its own mount namespace: both see the same files from then on.
 * Throws ENOENT, ESRCH when the process is gone.
 */
export function borrowMount(pid: number, path: string, target: string): void {
  enterPrivateMountNamespace();
  const open: number[] = [];
  const opened = (name: string): number => open[open.push(openSync(name, 'r')) - 1]!;
  try {
    // going to another namespace and back moves this thread to the top of each
    const [root, folder, home] = [opened('/'), opened('.'), opened('/proc/thread-self/ns/mnt')];
    let tree: number;
    check(cUnshare(CLONE_FS), 'unshare'); // threads that came later have the same folder and root
    check(cSetns(opened(`/proc/${pid}/ns/mnt`), CLONE_NEWNS), 'setns');
    try {
      tree = check(Number(cOpenTree(SYS_OPEN_TREE, AT_FDCWD, cString(path), OPEN_TREE_CLONE | O_CLOEXEC)), 'open_tree', path);
      open.push(tree);
    } finally {
      check(cSetns(home, CLONE_NEWNS), 'setns');
      check(cFchdir(root), 'fchdir', '/');
      check(cChroot(cString('.')), 'chroot', '/');
      check(cFchdir(folder), 'fchdir');
    }
    check(Number(cMoveMount(SYS_MOVE_MOUNT, tree, cString(''), AT_FDCWD, cString(target), MOVE_MOUNT_F_EMPTY_PATH)), 'move_mount', target);
  } finally {
    for (const fd of open) closeSync(fd);
  }
}
