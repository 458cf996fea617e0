// Where builders elsewhere listen, and which of them a build prefers.
import { createHash } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { type BuilderEndpoint, SlipwayError } from '../../model/index.ts';

const PORT = 1234;

export type Address =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp' | 'dns'; readonly host: string; readonly port: number }
  | { readonly kind: 'ssh'; readonly host: string; readonly user?: string; readonly port?: number; readonly path?: string };

/** @throws SlipwayError `fleet.address`, `fleet.no-tls` */
export function parseAddress({ address: text, tls }: BuilderEndpoint): Address {
  if (/^unix:\/\/\/./.test(text)) return { kind: 'unix', path: text.slice('unix://'.length) };
  const ssh = /^ssh:\/\/(?:(\w[\w.-]*)@)?(\w[\w.-]*|\[[0-9a-f:]+\])(?::(\d{1,5}))?(\/.+)?$/i.exec(text);
  if (ssh?.[2] !== undefined) {
    const [, user, host, port, path] = ssh;
    return { kind: 'ssh', host: bare(host), ...(user && { user }), ...(port && { port: Number(port) }), ...(path && { path }) };
  }
  const [, kind, written, number] = /^(tcp|dns):\/\/(\[[0-9a-f:]+\]|[\w.-]+)(?::(\d{1,5}))?$/i.exec(text) ?? [];
  if (written === undefined || Number(number ?? PORT) > 65_535)
    throw new SlipwayError('invalid-argument', 'fleet.address', `${JSON.stringify(text)} is no address of a builder`, {
      hints: ['unix:///run/buildkit/buildkitd.sock, tcp://host:1234, dns://name:1234 or ssh://user@host'],
    });
  const host = bare(written);
  const port = Number(number ?? PORT);
  const own = host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
  if (!own && tls === undefined)
    throw new SlipwayError(
      'unsupported',
      'fleet.no-tls',
      `${text} would be reached without TLS: everybody on the way could read and change the build`,
      {
        hints: [
          'name a folder with ca.pem, cert.pem and key.pem by SLIPWAY_BUILDER_CERTS, or the files by slipway builder create --driver-opt',
          'or go through ssh: ssh://user@host',
        ],
      },
    );
  return { kind: kind?.toLowerCase() === 'dns' ? 'dns' : 'tcp', host, port };
}

const bare = (host: string): string => host.replace(/^\[|\]$/g, '');

/** Every builder that is meant: a name of DNS stands for all its addresses. @throws SlipwayError unavailable `fleet.unreachable`; as `parseAddress` */
export async function expanded(builders: readonly BuilderEndpoint[]): Promise<BuilderEndpoint[]> {
  const found = new Map<string, BuilderEndpoint>();
  for (const one of builders) {
    const address = parseAddress(one);
    for (const each of address.kind === 'dns' ? await named(one, address) : [one]) found.set(each.address, each);
  }
  return [...found.values()];
}

async function named({ address: text, tls }: BuilderEndpoint, { host, port }: { host: string; port: number }): Promise<BuilderEndpoint[]> {
  try {
    const all = await lookup(host, { all: true });
    // the certificates are for the name, whichever address answers
    return all.map(({ address, family }) => ({
      address: `tcp://${family === 6 ? `[${address}]` : address}:${port}`,
      ...(tls && { tls: { ...tls, serverName: tls.serverName ?? host } }),
    }));
  } catch (cause) {
    throw new SlipwayError('unavailable', 'fleet.unreachable', `${text} stands for no builder: ${(cause as Error).message}`, { cause });
  }
}

/**
 * The builders in the order in which something tries them: always the same for one key, so that it finds its cache again, and different
 * for different ones; without one of them, only what was its own goes elsewhere (rendezvous hashing).
 */
export function inOrder(builders: readonly BuilderEndpoint[], key: string): BuilderEndpoint[] {
  const weight = ({ address }: BuilderEndpoint): string => createHash('sha256').update(`${address}\0${key}`).digest('hex');
  return builders
    .map((one) => [weight(one), one] as const)
    .sort(([a], [b]) => (a < b ? 1 : -1))
    .map(([, one]) => one);
}
