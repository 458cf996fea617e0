// Where the server can be reached: `unix:///path` and `tcp://host:port`, as Docker writes them.
import { isIP } from 'node:net';
import { isAbsolute } from 'node:path';
import { SlipwayError } from '../../model/index.ts';

export type Host =
  | { readonly kind: 'unix'; readonly path: string }
  /** A listening socket that this process was started with. */
  | { readonly kind: 'inherited'; readonly fd: number }
  | { readonly kind: 'tcp'; readonly address: string; readonly port: number };

/** What sun_path holds, without the zero at its end (unix(7)). */
const LONGEST_PATH = 107;

/** @throws SlipwayError `api.host` */
export function parseHost(text: string, o: { readonly tls: boolean }): Host {
  const [, scheme, rest = ''] = /^(unix|tcp):\/\/(.*)$/s.exec(text) ?? [];
  if (scheme === 'unix') {
    if (!isAbsolute(rest)) throw refuse(text, 'the path of a socket is absolute: unix:///run/slipway/docker.sock');
    if (Buffer.byteLength(rest) > LONGEST_PATH) throw refuse(text, `the path of a socket has at most ${LONGEST_PATH} bytes`);
    return { kind: 'unix', path: rest };
  }
  if (scheme !== 'tcp') throw refuse(text, 'a host is unix:///path or tcp://host:port');
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:/]*))(?::(\d{1,5}))?\/?$/.exec(rest) ?? [];
  const address = bracketed ?? plain;
  const number = port === undefined ? (o.tls ? 2376 : 2375) : Number(port);
  if (address === undefined || number > 65_535) throw refuse(text, 'a host is unix:///path or tcp://host:port');
  return { kind: 'tcp', address: address === '' ? '0.0.0.0' : address, port: number };
}

/** As clients are told: `DOCKER_HOST`. */
export function hostText(host: Host): string {
  if (host.kind === 'unix') return `unix://${host.path}`;
  if (host.kind === 'inherited') return `fd://${host.fd}`;
  return `tcp://${host.address.includes(':') ? `[${host.address}]` : host.address}:${host.port}`;
}

/** The first descriptor that systemd hands over (sd_listen_fds(3)). */
const FIRST = 3;

/** `fd://`: the sockets that systemd has opened for this process. @throws SlipwayError `api.not-activated` when there are none */
export function activatedHosts(env: Readonly<Record<string, string | undefined>>, pid: number): Host[] {
  const count = Number(env['LISTEN_FDS']);
  if (Number(env['LISTEN_PID']) === pid && Number.isSafeInteger(count) && count > 0 && count < 100)
    return Array.from({ length: count }, (_, i) => ({ kind: 'inherited', fd: FIRST + i }));
  throw new SlipwayError('failed-precondition', 'api.not-activated', 'fd:// means sockets of systemd, and none was handed over', {
    hints: ['`slipway system service install --api` writes a unit that does'],
  });
}

/** Only programs of this machine reach it. */
export function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}

const refuse = (text: string, hint: string): SlipwayError =>
  new SlipwayError('invalid-argument', 'api.host', `invalid host: ${text}`, { hints: [hint] });
