// Where a builder elsewhere listens, and a connection to it.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { SlipwayError } from '../../model/index.ts';

const PORT = 1234;

type Address = { readonly kind: 'unix'; readonly path: string } | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

/** `unix:///path` or `tcp://host:port`. @throws SlipwayError `fleet.address`, `fleet.no-tls` */
function parseAddress(text: string): Address {
  if (/^unix:\/\/\/./.test(text)) return { kind: 'unix', path: text.slice('unix://'.length) };
  const [, host, port] = /^tcp:\/\/(\[[0-9a-f:]+\]|[\w.-]+)(?::(\d{1,5}))?$/i.exec(text) ?? [];
  if (host === undefined)
    throw new SlipwayError('invalid-argument', 'fleet.address', `${JSON.stringify(text)} is no address of a builder`, {
      hints: ['unix:///run/buildkit/buildkitd.sock or tcp://127.0.0.1:1234'],
    });
  const name = host.replace(/^\[|\]$/g, '');
  const own = name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
  if (!own)
    throw new SlipwayError(
      'unsupported',
      'fleet.no-tls',
      `${text} would be reached without TLS: everybody on the way could read and change the build`,
      {
        hints: [`forward it to this machine: ssh -L ${port ?? PORT}:${name}:${port ?? PORT} …, and use tcp://127.0.0.1:${port ?? PORT}`],
      },
    );
  return { kind: 'tcp', host: name, port: Number(port ?? PORT) };
}

/** @throws SlipwayError unavailable `fleet.unreachable` */
export async function dial(text: string, signal: AbortSignal): Promise<Socket> {
  const address = parseAddress(text);
  const socket = address.kind === 'unix' ? connect(address.path) : connect({ host: address.host, port: address.port, noDelay: true });
  try {
    await once(socket, 'connect', { signal });
  } catch (cause) {
    socket.destroy();
    signal.throwIfAborted();
    throw new SlipwayError('unavailable', 'fleet.unreachable', `the builder ${text} cannot be reached: ${(cause as Error).message}`, {
      cause,
      hints: ['is it running? buildkitd, or slipway serve'],
    });
  }
  // a connection that breaks is told to whoever uses it
  socket.on('error', () => {});
  return socket;
}

/**
 * The builders in the order in which a build tries them: always the same for one build, so that it finds its cache again, and different
 * for different ones; without one of them, only its builds go elsewhere (rendezvous hashing).
 */
export function inOrder(builders: readonly string[], identity: string): string[] {
  const weight = (address: string): string => createHash('sha256').update(`${address}\0${identity}`).digest('hex');
  return [...new Set(builders)]
    .map((address) => [weight(address), address] as const)
    .sort(([a], [b]) => (a < b ? 1 : -1))
    .map(([, address]) => address);
}
