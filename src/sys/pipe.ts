// pipe2(2). What Node calls a pipe to a child is a socket, and a program cannot open a socket again as /dev/stdout or
// /dev/stderr; it can open a pipe.
import { bind, check } from './native.ts';

const O_CLOEXEC = 0o2000000;

const cPipe = bind('int pipe2(void *fds, int flags)');

/** Descriptors of the reading and the writing end; both are the caller's to close, and no child inherits them by itself. */
export function makePipe(): { read: number; write: number } {
  const fds = Buffer.alloc(8);
  check(cPipe(fds, O_CLOEXEC), 'pipe2');
  return { read: fds.readInt32LE(0), write: fds.readInt32LE(4) };
}
