// A mount of another process, in this process's namespace: the same file system, not another one of its kind.
import { closeSync, openSync, readFileSync } from 'node:fs';
import { enterPrivateMountNamespace } from './mount.ts';
import { bind, check, cString, systemError } from './native.ts';

// the same numbers on all machines (include/uapi/asm-generic/unistd.h)
const SYS_open_tree = 428;
const SYS_move_mount = 429;
const OPEN_TREE_CLONE = 1;
const OPEN_TREE_CLOEXEC = 0o2000000;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const AT_FDCWD = -100;
const CLONE_NEWNS = 0x20000;

const cSetns = bind('int setns(int fd, int type)');
const cOpenTree = bind('long syscall(long number, int directory, const void *path, unsigned int flags)');
const cMoveMount = bind('long syscall(long number, int from, const void *fromPath, int to, const void *toPath, unsigned int flags)');

/** Whether something is mounted at `path`, as the process sees it. False of a process that is gone. */
export function isMounted(path: string, pid: number | 'self' = 'self'): boolean {
  let table: string;
  try {
    table = readFileSync(`/proc/${pid}/mountinfo`, 'utf8');
  } catch {
    return false;
  }
  // blanks and the like are written in octal (proc(5))
  const plain = (word: string): string => word.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
  return table.split('\n').some((line) => plain(line.split(' ')[4] ?? '') === path);
}

/** Mounts here, at `target`, what the process `pid` has mounted at `path`. @throws system errors */
export function mountOf(pid: number, path: string, target: string): void {
  enterPrivateMountNamespace();
  const fd = inNamespaceOf(pid, () =>
    check(cOpenTree(SYS_open_tree, AT_FDCWD, cString(path), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC), 'open_tree', path),
  );
  try {
    const moved = cMoveMount(SYS_move_mount, fd, cString(''), AT_FDCWD, cString(target), MOVE_MOUNT_F_EMPTY_PATH);
    if (moved < 0) throw systemError('move_mount', target);
  } finally {
    closeSync(fd);
  }
}

/** Calls `fn` in the mount namespace of another process. What is done in between is done there: nothing may be asynchronous. */
function inNamespaceOf<T>(pid: number, fn: () => T): T {
  const folder = process.cwd();
  const home = openSync('/proc/thread-self/ns/mnt', 'r');
  try {
    const there = openSync(`/proc/${pid}/ns/mnt`, 'r');
    try {
      check(cSetns(there, CLONE_NEWNS), 'setns', `/proc/${pid}/ns/mnt`);
    } finally {
      closeSync(there);
    }
    try {
      return fn();
    } finally {
      check(cSetns(home, CLONE_NEWNS), 'setns');
      process.chdir(folder);
    }
  } finally {
    closeSync(home);
  }
}
