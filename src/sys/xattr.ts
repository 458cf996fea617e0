// Extended attributes, of the link itself where the file is one.
import { bind, check, cString, errno, systemError } from './native.ts';

const ENODATA = 61;
const ENOTSUP = 95;
const LARGEST = 65536; // XATTR_SIZE_MAX and XATTR_LIST_MAX of the kernel

const cGet = bind('long lgetxattr(const void *path, const void *name, void *value, size_t size)');
const cList = bind('long llistxattr(const void *path, void *list, size_t size)');
const cSet = bind('int lsetxattr(const void *path, const void *name, const void *value, size_t size, int flags)');
const cRemove = bind('int lremovexattr(const void *path, const void *name)');

let room: Buffer | undefined;

/** undefined when it has no such attribute, or the file system knows none. */
export function getXattr(path: string | Buffer, name: string): Buffer | undefined {
  room ??= Buffer.allocUnsafeSlow(LARGEST);
  const size = cGet(cString(path), cString(name), room, LARGEST);
  if (size >= 0) return Buffer.from(room.subarray(0, size));
  if (errno() === ENODATA || errno() === ENOTSUP) return undefined;
  throw systemError('lgetxattr', path);
}

/** Names in the order in which the kernel gives them; empty where the file system knows none. */
export function listXattrs(path: string | Buffer): string[] {
  room ??= Buffer.allocUnsafeSlow(LARGEST);
  const size = cList(cString(path), room, LARGEST);
  if (size === 0) return [];
  if (size > 0) return room.toString('utf8', 0, size - 1).split('\0');
  if (errno() === ENOTSUP) return [];
  throw systemError('llistxattr', path);
}

export function setXattr(path: string | Buffer, name: string, value: Uint8Array): void {
  // An empty buffer has no address; the size says that nothing of this byte is read.
  check(cSet(cString(path), cString(name), value.length === 0 ? Buffer.alloc(1) : value, value.length, 0), 'lsetxattr', path);
}

/** No error when it is not there. */
export function removeXattr(path: string | Buffer, name: string): void {
  if (cRemove(cString(path), cString(name)) < 0 && errno() !== ENODATA) throw systemError('lremovexattr', path);
}
