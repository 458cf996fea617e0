// A program that `serve` asks about each request: what is asked for, and by whom, as JSON on its standard input. Exit code 0 allows; anything
// else denies, and what it printed is the reason.
import type { Socket } from 'node:net';
import { basename } from 'node:path';
import { TLSSocket } from 'node:tls';
import type { Authorize } from '../api/index.ts';
import { SlipwayError } from '../model/index.ts';
import { peerOf, run } from '../sys/index.ts';

/** ms for an answer. */
const PATIENCE = 10_000;
/** Characters of a reason that a client gets. */
const LONGEST_REASON = 1000;

/** @param program its path */
export function askProgram(program: string): Authorize {
  return async ({ method, path, query }, socket, signal) => {
    const input = JSON.stringify({ method, path, query: Object.fromEntries(new URLSearchParams(query)), user: userOf(socket) });
    const failed = (why: string): SlipwayError =>
      new SlipwayError('permission-denied', 'api.denied', `authorization denied by ${basename(program)}: ${why}`);
    const answer = await run(program, [], { input, signal, timeout: PATIENCE }).catch((e: NodeJS.ErrnoException) => {
      signal.throwIfAborted();
      throw failed(`it cannot be run: ${e.code ?? e.message}`);
    });
    if (answer.exitCode === 0) return;
    const said = (answer.stdout.trim() || answer.stderr.trim()).slice(0, LONGEST_REASON);
    throw failed(said || (answer.signal === null ? `exit code ${answer.exitCode}` : `it was ended by ${answer.signal}`));
  };
}

type User = {
  readonly uid?: number;
  readonly gid?: number;
  readonly pid?: number;
  readonly certificate?: string;
  readonly address?: string;
};

/** The process at the other end, the name in its certificate, or its address. */
function userOf(socket: Socket): User {
  if (socket instanceof TLSSocket) {
    const { subject } = socket.getPeerCertificate();
    const [name] = [subject?.CN].flat();
    return {
      ...(name !== undefined && { certificate: name }),
      ...(socket.remoteAddress !== undefined && { address: socket.remoteAddress }),
    };
  }
  if (socket.remoteAddress !== undefined) return { address: socket.remoteAddress };
  const { fd } = (socket as unknown as { _handle?: { fd?: number } })._handle ?? {};
  return fd === undefined || fd < 0 ? {} : { ...peerOf(fd) };
}
