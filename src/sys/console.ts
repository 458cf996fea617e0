// The other end of `--console-socket`: an OCI runtime makes a terminal for a container and sends us its master over a Unix socket
// (runc, docs/terminals.md). Node hands no descriptors out of sockets, so the calls are made here.
import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { bind, check, errno, struct } from './native.ts';
import { AF_UNIX, SOCK_CLOEXEC, withUnixAddress } from './unix-socket.ts';

const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const EAGAIN = 11;
const TIOCSWINSZ = 0x5414;
/** Between two looks whether the runtime has connected, in ms. */
const POLL = 2;
/** A control message with one descriptor: header and padding (cmsg(3)). */
const CONTROL = 24;
const HEADER = 16;

const iovec = struct('iovec', { base: 'void *', len: 'size_t' });
const message = struct('msghdr', {
  name: 'void *',
  namelen: 'uint32_t',
  iov: 'iovec *',
  iovlen: 'size_t',
  control: 'void *',
  controllen: 'size_t',
  flags: 'int',
});

const cSocket = bind('int socket(int domain, int type, int protocol)');
const cBind = bind('int bind(int fd, const void *address, uint32_t length)');
const cListen = bind('int listen(int fd, int backlog)');
const cAccept = bind('int accept4(int fd, void *address, void *length, int flags)');
const cReceive = bind('long recvmsg(int fd, _Inout_ msghdr *message, int flags)', iovec, message);
const cIoctl = bind('int ioctl(int fd, unsigned long request, const void *argument)');

export interface ConsoleListener {
  /** The master of the terminal; the caller closes it. Rejects with the signal's reason when none was sent before. */
  receive(signal: AbortSignal): Promise<number>;
  close(): void;
}

/** Listens on `path`. @throws a system error */
export function listenForConsole(path: string): ConsoleListener {
  const socket = check(cSocket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), 'socket');
  try {
    withUnixAddress(path, (address, length) => check(cBind(socket, address, length), 'bind', path));
    check(cListen(socket, 1), 'listen', path);
  } catch (e) {
    closeSync(socket);
    throw e;
  }
  return { receive: (signal) => receive(socket, signal), close: () => closeSync(socket) };
}

async function receive(socket: number, signal: AbortSignal): Promise<number> {
  const connection = await polled(signal, () => cAccept(socket, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC), 'accept4');
  try {
    const control = Buffer.alloc(CONTROL);
    const base = Buffer.alloc(4096);
    const header = { name: null, namelen: 0, iov: [{ base, len: base.length }], iovlen: 1, control, controllen: CONTROL, flags: 0 };
    await polled(signal, () => cReceive(connection, header, MSG_CMSG_CLOEXEC), 'recvmsg');
    if (control.readInt32LE(8) !== SOL_SOCKET || control.readInt32LE(12) !== SCM_RIGHTS)
      throw Object.assign(new Error('EPROTO: no terminal was sent'), { code: 'EPROTO', syscall: 'recvmsg' });
    return control.readInt32LE(HEADER);
  } finally {
    closeSync(connection);
  }
}

async function polled(signal: AbortSignal, call: () => number, name: string): Promise<number> {
  for (;;) {
    const result = call();
    if (result >= 0) return result;
    if (errno() !== EAGAIN) check(result, name);
    signal.throwIfAborted();
    // an abort is no reason not to look once more: what was sent before is still there
    await sleep(POLL, undefined, { signal }).catch(() => {});
  }
}

/** Tells a terminal how large its window is. */
export function setWindowSize(fd: number, { columns, rows }: { readonly columns: number; readonly rows: number }): void {
  const size = Buffer.alloc(8);
  size.writeUInt16LE(rows, 0);
  size.writeUInt16LE(columns, 2);
  cIoctl(fd, TIOCSWINSZ, size);
}
