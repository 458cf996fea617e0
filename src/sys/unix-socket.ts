// Unix sockets that Node does not speak: those of packets (SOCK_SEQPACKET), and paths longer than a socket's name may be.
import { closeSync, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { bind, check } from './native.ts';

export const AF_UNIX = 1;
export const SOCK_CLOEXEC = 0o2000000;
const SOCK_SEQPACKET = 5;

const cSocket = bind('int socket(int domain, int type, int protocol)');
const cConnect = bind('int connect(int fd, const void *address, uint32_t length)');
const cShutdown = bind('int shutdown(int fd, int how)');

/** Calls `fn` with the address of `path` and its length. A name has 107 bytes only (unix(7)): a descriptor of its directory stands for the rest. */
export function withUnixAddress<T>(path: string, fn: (address: Buffer, length: number) => T): T {
  const directory = openSync(dirname(path), 'r');
  try {
    const address = Buffer.alloc(110);
    address.writeUInt16LE(AF_UNIX, 0);
    const length = 2 + address.write(`/proc/self/fd/${directory}/${basename(path)}`, 2);
    return fn(address, length + 1);
  } finally {
    closeSync(directory);
  }
}

/** A blocking socket that keeps the bounds of packets; `fs.read` and `fs.write` work on it. The caller closes it. */
export function connectPacketSocket(path: string): number {
  const socket = check(cSocket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), 'socket');
  try {
    withUnixAddress(path, (address, length) => check(cConnect(socket, address, length), 'connect', path));
    return socket;
  } catch (e) {
    closeSync(socket);
    throw e;
  }
}

/** Ends one direction or both; who is blocked in it goes on. Harmless when the other side has gone. */
export function shutdownSocket(fd: number, how: 'write' | 'both'): void {
  cShutdown(fd, how === 'write' ? 1 : 2);
}
