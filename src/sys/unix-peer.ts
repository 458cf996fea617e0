// What the kernel knows of sockets that Node does not say: who is at the other end, and descriptors that a parent has handed over.
import { bind, check } from './native.ts';

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const F_SETFD = 2;
const FD_CLOEXEC = 1;

const cGetsockopt = bind('int getsockopt(int fd, int level, int name, _Out_ void *value, _Inout_ uint32_t *length)');
const cFcntl = bind('int fcntl(int fd, int command, int argument)');

/** When the connection was made (unix(7), SO_PEERCRED). */
export interface Peer {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Who connected to a socket of a file. */
export function peerOf(fd: number): Peer {
  const value = Buffer.alloc(12);
  check(cGetsockopt(fd, SOL_SOCKET, SO_PEERCRED, value, [value.length]), 'getsockopt');
  return { pid: value.readInt32LE(0), uid: value.readUInt32LE(4), gid: value.readUInt32LE(8) };
}

/** Keeps a descriptor from the programs that this process starts. */
export function keepFromChildren(fd: number): void {
  check(cFcntl(fd, F_SETFD, FD_CLOEXEC), 'fcntl');
}
