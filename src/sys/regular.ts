// Files that a user, an image, a step or an archive names are opened here: only regular ones, looked at before they are opened
// (opening a FIFO waits, opening a device does something), and read up to a limit.
import { closeSync, constants, fstatSync, openSync, readSync, statSync, writeFileSync } from 'node:fs';

const O_PATH = 0o10000000;
/** More than any Dockerfile, list or account file has. */
const LARGEST_TEXT = 16 << 20;

/** Opens `path` for reading. @throws system errors; code ENOTREG for what is neither a file nor a directory, EISDIR for a directory */
export function openRegular(path: string | Buffer): number {
  return reopenRegular(openSync(path, O_PATH), path.toString());
}

/** The bytes of the regular file `path`. @throws as `openRegular`, and EFBIG when it has more than `largest` bytes */
export function readRegularFile(path: string | Buffer, largest?: number): Buffer {
  return readRegular(openRegular(path), path.toString(), largest);
}

/** /dev/null, by its number (kernel, admin-guide/devices.rst). */
const NULL_DEVICE = 0x103;

/**
 * The bytes of a file that the user named, or of a pipe that their shell made, as `<(command)` does; /dev/null has none. Waiting for
 * a pipe leaves the process responsive, and ends with `signal`. @throws as `readRegularFile`; the signal's reason
 */
export async function readInput(
  path: string,
  { largest = LARGEST_TEXT, signal }: { readonly largest?: number; readonly signal?: AbortSignal } = {},
): Promise<Buffer> {
  const stat = statSync(path);
  if (stat.isCharacterDevice() && stat.rdev === NULL_DEVICE) return Buffer.alloc(0);
  if (!stat.isFIFO()) return readRegularFile(path, largest);
  signal?.throwIfAborted();
  // a socket to Node: it is waited for by the event loop, not by a thread
  const { Socket } = process.getBuiltinModule('node:net');
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const socket = new Socket({ fd, readable: true, writable: false });
  const stop = (): void => void socket.destroy(signal?.reason as Error);
  signal?.addEventListener('abort', stop);
  try {
    return await readStream(socket, path, largest);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** All that a stream gives. @param shown what errors call it. @throws EFBIG above `largest` */
export async function readStream(stream: AsyncIterable<unknown>, shown: string, largest = LARGEST_TEXT): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > largest) throw fault('EFBIG', 'file too large', shown);
  }
  return Buffer.concat(chunks);
}

/**
 * Opens a file that the user named for writing, empty; also a named pipe, a terminal or /dev/null. Until somebody reads from the
 * pipe, the process stays responsive. @throws system errors, ENOTREG for sockets and disks; the signal's reason
 */
export async function openOutput(path: string, signal?: AbortSignal): Promise<number> {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isBlockDevice() === true || stat?.isSocket() === true) throw fault('ENOTREG', 'not a regular file', path);
  if (stat?.isFIFO() !== true)
    return openSync(path, stat === undefined ? 'w' : constants.O_WRONLY | constants.O_TRUNC | constants.O_NOCTTY);
  for (;;) {
    signal?.throwIfAborted();
    try {
      const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
      try {
        // with a reader there, this one does not wait; writes to it do
        return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY);
      } finally {
        closeSync(fd);
      }
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code !== 'ENXIO') throw e;
    }
    await new Promise((resolve) => void setTimeout(resolve, 20));
  }
}

/** Writes a file that the user named; a named pipe as `openOutput` does. */
export async function writeOutput(path: string, text: string, signal?: AbortSignal): Promise<void> {
  const fd = await openOutput(path, signal);
  try {
    writeFileSync(fd, text);
  } finally {
    closeSync(fd);
  }
}

/** The same file, open for reading, in place of its O_PATH descriptor. */
export function reopenRegular(fd: number, shown: string): number {
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw fault('EISDIR', 'is a directory', shown);
    if (!stat.isFile()) throw fault('ENOTREG', 'not a regular file', shown);
    return openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK);
  } finally {
    closeSync(fd);
  }
}

/** Reads an open file to its end and closes it. */
export function readRegular(fd: number, shown: string, largest = LARGEST_TEXT): Buffer {
  try {
    const { size } = fstatSync(fd);
    if (size > largest) throw fault('EFBIG', 'file too large', shown);
    // files of /proc and of FUSE have no size, and others may grow: one byte more than allowed tells
    let bytes = Buffer.allocUnsafe(Math.min(size, largest) + 1);
    let length = 0;
    for (;;) {
      const n = readSync(fd, bytes, length, bytes.length - length, null);
      if (n === 0) return bytes.subarray(0, length);
      length += n;
      if (length > largest) throw fault('EFBIG', 'file too large', shown);
      if (length === bytes.length) bytes = Buffer.concat([bytes], Math.min(2 * length + 4096, largest + 1));
    }
  } finally {
    closeSync(fd);
  }
}

function fault(code: string, text: string, path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${text}, open '${path}'`), { code, syscall: 'open', path });
}
