// Device nodes and FIFOs, device numbers, and times of a file that is not followed when it is a link.
import { bind, check, cString } from './native.ts';

export const FileType = {
  S_IFMT: 0o170000,
  S_IFIFO: 0o010000,
  S_IFCHR: 0o020000,
  S_IFDIR: 0o040000,
  S_IFBLK: 0o060000,
  S_IFREG: 0o100000,
  S_IFLNK: 0o120000,
  S_IFSOCK: 0o140000,
} as const;

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;

const cMknod = bind('int mknod(const void *path, unsigned int mode, uint64_t device)');
const cUtimensat = bind('int utimensat(int directory, const void *path, const void *times, int flags)');
const cFutimens = bind('int futimens(int fd, const void *times)');

/** `mode` with its type bits (`FileType`) and permissions; the umask applies. */
export function mknod(path: string | Buffer, mode: number, major = 0, minor = 0): void {
  check(cMknod(cString(path), mode, makeDevice(major, minor)), 'mknod', path);
}

export function mkfifo(path: string | Buffer, mode: number): void {
  mknod(path, FileType.S_IFIFO | (mode & 0o7777));
}

/** As in glibc: major in bits 8–19 and 44–63, minor in 0–7 and 20–43. */
function makeDevice(major: number, minor: number): bigint {
  const [a, i] = [BigInt(major), BigInt(minor)];
  return ((a & 0xfffff000n) << 32n) | ((a & 0xfffn) << 8n) | ((i & 0xffffff00n) << 12n) | (i & 0xffn);
}

export function deviceMajor(device: number | bigint): number {
  const d = BigInt(device);
  return Number(((d >> 8n) & 0xfffn) | ((d >> 32n) & 0xfffff000n));
}

export function deviceMinor(device: number | bigint): number {
  const d = BigInt(device);
  return Number((d & 0xffn) | ((d >> 12n) & 0xffffff00n));
}

const times = Buffer.alloc(32);

/** Nanoseconds since the epoch; may lie before it. */
export function lutimesNs(path: string | Buffer, atime: bigint, mtime: bigint): void {
  putTimespec(0, atime);
  putTimespec(16, mtime);
  check(cUtimensat(AT_FDCWD, cString(path), times, AT_SYMLINK_NOFOLLOW), 'utimensat', path);
}

/** As `lutimesNs`, of an open file. */
export function futimesNs(fd: number, atime: bigint, mtime: bigint): void {
  putTimespec(0, atime);
  putTimespec(16, mtime);
  check(cFutimens(fd, times), 'futimens');
}

function putTimespec(offset: number, ns: bigint): void {
  const rest = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  times.writeBigInt64LE((ns - rest) / 1_000_000_000n, offset);
  times.writeBigInt64LE(rest, offset + 8);
}
