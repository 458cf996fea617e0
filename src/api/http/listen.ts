// Listens on sockets of files and of networks. A socket of a file belongs to its group; one of a network asks for a certificate, or is of this
// machine alone.
import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { connect, createServer, isIP, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { SlipwayError } from '../../model/index.ts';
import { type Host, hostText, isLoopback } from './hosts.ts';
import type { Guard } from './server.ts';

/** In PEM. */
export interface Tls {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Of those who signed the clients' certificates; a client without one is refused. */
  readonly ca?: Buffer;
}

/** Members may use the socket. */
const GROUP = 'slipway';

export interface Listener {
  /** With the port that was chosen. */
  readonly host: Host;
  close(): void;
}

/**
 * @param serve gets every connection
 * @throws SlipwayError `api.address-in-use`, `api.not-listening`, `api.no-tls`
 */
export async function listenOn(host: Host, tls: Tls | undefined, serve: (socket: Socket, guard?: Guard) => void): Promise<Listener> {
  if (host.kind === 'unix') return listenOnFile(host, serve);
  if (host.kind === 'inherited') return takeOver(host, serve);
  if (tls?.ca === undefined && !isLoopback(host.address))
    throw new SlipwayError(
      'invalid-argument',
      'api.no-tls',
      `${hostText(host)} would give this machine to everybody who can reach it: it needs --tlsverify`,
      { hints: ['give --tlsverify with --tlscacert, --tlscert and --tlskey', 'or listen on loopback: tcp://127.0.0.1:2375'] },
    );
  const guard = tls === undefined ? refuseBrowsers : undefined;
  const server =
    tls === undefined
      ? createServer({ allowHalfOpen: true, noDelay: true }, (socket) => serve(socket, guard))
      : createTlsServer(
          {
            ...tls,
            allowHalfOpen: true,
            minVersion: 'TLSv1.2',
            requestCert: tls.ca !== undefined,
            rejectUnauthorized: true,
            // clients of gRPC insist on being told; whoever can do both means the HTTP API
            ALPNCallback: ({ protocols }) => ['http/1.1', 'h2'].find((one) => protocols.includes(one)),
          },
          (socket) => serve(socket),
        );
  server.on('tlsClientError', () => {}); // a client that is refused has been told
  await begin(server, host, () => server.listen({ host: host.address, port: host.port }));
  const { port } = server.address() as { port: number };
  return { host: { ...host, port }, close: () => server.close() };
}

async function listenOnFile(host: Extract<Host, { kind: 'unix' }>, serve: (socket: Socket) => void): Promise<Listener> {
  const { path } = host;
  await clearStale(host);
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const server = createServer({ allowHalfOpen: true }, serve);
  // nobody else may reach it before its mode and group are right
  const mask = process.umask(0o177);
  const listening = begin(server, host, () => server.listen(path));
  process.umask(mask);
  await listening;
  const group = groupNumber();
  if (group !== undefined) chownSync(path, process.getuid?.() ?? 0, group);
  chmodSync(path, 0o660);
  const { ino } = lstatSync(path);
  return {
    host,
    close: () => {
      server.close();
      // another server may have its own there by now
      if (lstatSync(path, { throwIfNoEntry: false })?.ino === ino) rmSync(path, { force: true });
    },
  };
}

/** A socket of a file, which belongs to who opened it and stays when the server ends. */
async function takeOver(host: Extract<Host, { kind: 'inherited' }>, serve: (socket: Socket) => void): Promise<Listener> {
  const server = createServer({ allowHalfOpen: true }, serve);
  await begin(server, host, () => server.listen({ fd: host.fd }));
  // one of a file has no address that Node knows
  if (server.address() === null) return { host, close: () => server.close() };
  server.close();
  throw notListening(host, 'it is no socket of a file');
}

function begin(server: Server, host: Host, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(cause.code === 'EADDRINUSE' ? inUse(host) : notListening(host, cause.message, cause)),
    );
    server.once('listening', () => resolve());
    listen();
  });
}

/** A socket that a killed server left is removed. @throws SlipwayError when somebody listens there, or it is no socket */
async function clearStale(host: Extract<Host, { kind: 'unix' }>): Promise<void> {
  const stats = lstatSync(host.path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isSocket()) throw notListening(host, 'there is something else than a socket at this path');
  const answered = await new Promise<boolean>((resolve) => {
    const socket = connect(host.path);
    socket.once('connect', () => resolve(true)).once('error', (e: NodeJS.ErrnoException) => resolve(e.code !== 'ECONNREFUSED'));
    socket.once('close', () => socket.destroy());
    socket.once('connect', () => socket.end());
  });
  if (answered) throw inUse(host);
  rmSync(host.path, { force: true });
}

function groupNumber(): number | undefined {
  try {
    const [, number] = new RegExp(`^${GROUP}:[^:]*:(\\d+):`, 'm').exec(readFileSync('/etc/group', 'utf8')) ?? [];
    return number === undefined ? undefined : Number(number);
  } catch {
    return undefined;
  }
}

/**
 * A page in a browser can reach this machine's own ports, also under a name that its owner has stand for 127.0.0.1: neither is a client.
 */
function refuseBrowsers({ headers }: IncomingMessage): SlipwayError | undefined {
  const name = (headers.host ?? '').replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
  const ours = name === '' || name === 'localhost' || isIP(name) !== 0;
  if (ours && headers.origin === undefined && headers['sec-fetch-site'] === undefined) return undefined;
  return new SlipwayError('permission-denied', 'api.browser', 'this server answers no pages in browsers, and no names but localhost');
}

const inUse = (host: Host): SlipwayError =>
  new SlipwayError('already-exists', 'api.address-in-use', `somebody listens on ${hostText(host)} already`, {
    hints: ['choose another one with --host'],
  });

const notListening = (host: Host, why: string, cause?: unknown): SlipwayError =>
  new SlipwayError('failed-precondition', 'api.not-listening', `cannot listen on ${hostText(host)}: ${why}`, { cause });
