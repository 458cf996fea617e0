// Who the protocol is spoken with: an editor that started this program, over its standard streams, or one that connects to a port of
// this machine's own address. The port takes the user's own connections alone: whoever reaches it runs commands as this user.
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { SlipwayError } from '../../model/index.ts';
import type { Context } from '../command.ts';
import { frame, FrameReader } from './frames.ts';
import { DapSession } from './session.ts';

const LOOPBACK = '127.0.0.1';

/** Speaks until the editor takes its leave, or is gone. @throws SlipwayError invalid-argument `dap.frame` */
export async function speak(ctx: Context, input: Readable, write: (frame: Buffer) => void): Promise<void> {
  const session = new DapSession(ctx, (message) => write(frame(message)));
  const reader = new FrameReader();
  const failed = new Promise<never>((_, reject) => {
    input.on('data', (chunk: Buffer) => {
      try {
        // side by side: a command may run while others are asked
        for (const message of reader.read(chunk)) void session.handle(message);
      } catch (e) {
        session.end();
        reject(e as Error);
      }
    });
  });
  input.on('error', () => session.end());
  input.on('end', () => session.end());
  input.on('close', () => session.end());
  await Promise.race([session.ended(), failed]);
  await session.ended();
}

/** Serves one editor after the other, until it is interrupted. */
export async function listen(ctx: Context, port: number): Promise<void> {
  let last: Promise<void> = Promise.resolve();
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    socket.on('error', () => {});
    if (!isOwn(socket)) {
      ctx.stderr.write('a connection of another user was refused\n');
      return void socket.destroy();
    }
    last = last.then(async () => {
      if (socket.destroyed) return;
      socket.resume();
      try {
        await speak(ctx, socket, (bytes) => void socket.write(bytes));
      } catch (e) {
        ctx.stderr.write(`${(e as Error).message}\n`);
      }
      socket.end();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.on('error', (e: NodeJS.ErrnoException) =>
      reject(
        e.code === 'EADDRINUSE'
          ? new SlipwayError('already-exists', 'dap.port', `port ${port} is taken`, { hints: ['--port 0 takes a free one'] })
          : e,
      ),
    );
    server.listen(port, LOOPBACK, resolve);
  });
  const address = server.address();
  ctx.stdout.write(`listening on ${LOOPBACK}:${typeof address === 'object' ? address?.port : port}\n`);
  const closed = new Promise<void>((resolve) => server.on('close', () => resolve()));
  ctx.signal.addEventListener('abort', () => server.close(), { once: true });
  if (ctx.signal.aborted) server.close();
  await closed;
  await last;
}

/** Whether the other end is this user's, or root's: the kernel lists each connection with its owner (proc_net_tcp.rst). */
function isOwn({ remotePort = 0, localPort = 0 }: Socket): boolean {
  const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');
  for (const list of ['/proc/self/net/tcp', '/proc/self/net/tcp6']) {
    let text: string;
    try {
      text = readFileSync(list, 'latin1');
    } catch {
      continue;
    }
    for (const line of text.split('\n')) {
      const [, local = '', remote = '', , , , , user] = line.trim().split(/\s+/);
      if (!local.endsWith(`:${hex(remotePort)}`) || !remote.endsWith(`:${hex(localPort)}`)) continue;
      return Number(user) === process.geteuid?.() || Number(user) === 0;
    }
  }
  return false;
}
