// Extended attributes: of a path, the link itself where it is one, or of an open file.
import { bind, check, cString, errno, systemError } from './native.ts';

const ENODATA = 61;
const ENOTSUP = 95;
const LARGEST = 65536; // XATTR_SIZE_MAX and XATTR_LIST_MAX of the kernel

const cGet = bind('long lgetxattr(const void *path, const void *name, void *value, size_t size)');
const cList = bind('long llistxattr(const void *path, void *list, size_t size)');
const cFget = bind('long fgetxattr(int fd, const void *name, void *value, size_t size)');
const cFlist = bind('long flistxattr(int fd, void *list, size_t size)');
const cFset = bind('int fsetxattr(int fd, const void *name, const void *value, size_t size, int flags)');
const cSet = bind('int lsetxattr(const void *path, const void *name, const void *value, size_t size, int flags)');
const cRemove = bind('int lremovexattr(const void *path, const void *name)');

let room: Buffer | undefined;
/** The name that was asked for last: of many files it is the same one. */
let asked: { readonly name: string; readonly bytes: Buffer } = { name: '', bytes: Buffer.alloc(0) };

/** undefined when it has no such attribute, or the file system knows none. */
export function getXattr(path: string | Buffer | number, name: string): Buffer | undefined {
  room ??= Buffer.allocUnsafeSlow(LARGEST);
  if (name !== asked.name) asked = { name, bytes: cString(name) };
  const size = typeof path === 'number' ? cFget(path, asked.bytes, room, LARGEST) : cGet(cString(path), asked.bytes, room, LARGEST);
  if (size >= 0) return Buffer.from(room.subarray(0, size));
  if (errno() === ENODATA || errno() === ENOTSUP) return undefined;
  throw systemError('lgetxattr', shown(path));
}

/** Names in the order in which the kernel gives them; empty where the file system knows none. */
export function listXattrs(path: string | Buffer | number): string[] {
  room ??= Buffer.allocUnsafeSlow(LARGEST);
  const size = typeof path === 'number' ? cFlist(path, room, LARGEST) : cList(cString(path), room, LARGEST);
  if (size === 0) return [];
  if (size > 0) return room.toString('utf8', 0, size - 1).split('\0');
  if (errno() === ENOTSUP) return [];
  throw systemError('llistxattr', shown(path));
}

export function setXattr(path: string | Buffer | number, name: string, value: Uint8Array): void {
  // An empty buffer has no address; the size says that nothing of this byte is read.
  const bytes = value.length === 0 ? Buffer.alloc(1) : value;
  const done =
    typeof path === 'number'
      ? cFset(path, cString(name), bytes, value.length, 0)
      : cSet(cString(path), cString(name), bytes, value.length, 0);
  check(done, 'lsetxattr', shown(path));
}

const shown = (path: string | Buffer | number): string | Buffer | undefined => (typeof path === 'number' ? undefined : path);

/** No error when it is not there. */
export function removeXattr(path: string | Buffer, name: string): void {
  if (cRemove(cString(path), cString(name)) < 0 && errno() !== ENODATA) throw systemError('lremovexattr', path);
}
