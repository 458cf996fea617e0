// A connection to a builder elsewhere: a socket, one with TLS, or a program that ssh runs beside it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, isIP } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { type BuilderEndpoint, type BuilderTls, SlipwayError } from '../../model/index.ts';
import { clientOn, Control, GrpcClient, type GrpcError } from '../../protocol/index.ts';
import { type Address, parseAddress } from './address.ts';

/** ms in which a builder has to answer its first question, and every one whether it is still there. */
const PATIENCE = 10_000;
/** ms between these. */
const BEAT = 15_000;

export interface Connection extends Disposable {
  readonly client: GrpcClient;
  /** What the builder says of itself. */
  readonly version: string;
  /** `linux/amd64`. */
  readonly platforms: readonly string[];
}

export interface DialOptions {
  readonly signal: AbortSignal;
  /** For programs: ssh. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly patience?: number;
}

/** @throws SlipwayError unavailable `fleet.unreachable`; invalid-argument `fleet.certificates`; as `parseAddress` */
export async function openBuilder(endpoint: BuilderEndpoint, o: DialOptions): Promise<Connection> {
  const { patience = PATIENCE } = o;
  const stop = new AbortController();
  const late = setTimeout(() => stop.abort(new Error(`no answer in ${patience / 1000} seconds`)), patience);
  const signal = AbortSignal.any([o.signal, stop.signal]);
  let dialled: Dialled | undefined;
  try {
    dialled = await dial(endpoint, parseAddress(endpoint), signal, o.environment);
    const { stream } = dialled;
    const client = new GrpcClient(clientOn(stream));
    const { record } = await client.unary(Control.method.listWorkers, {}, { signal });
    const beat = setInterval(() => heartbeat(client, patience), BEAT);
    return {
      client,
      version: record[0]?.BuildkitVersion?.version ?? '',
      platforms: [
        ...new Set(
          record.flatMap((r) => r.platforms.map((p) => [p.OS, p.Architecture, p.Variant].filter((part) => part !== '').join('/'))),
        ),
      ],
      [Symbol.dispose]: () => {
        clearInterval(beat);
        client.session.destroy();
        stream.destroy();
      },
    };
  } catch (cause) {
    dialled?.stream.destroy();
    o.signal.throwIfAborted();
    if (cause instanceof SlipwayError) throw cause;
    const said = await dialled?.said;
    const why = said ? said : stop.signal.aborted ? (stop.signal.reason as Error).message : (cause as Error | GrpcError).message;
    throw new SlipwayError('unavailable', 'fleet.unreachable', `the builder ${endpoint.address} cannot be reached: ${why}`, {
      cause,
      hints: ['is it running? buildkitd, or slipway serve'],
    });
  } finally {
    clearTimeout(late);
  }
}

/** A machine that is gone says nothing: whoever does not answer is taken for lost, and every call to it fails. */
function heartbeat({ session }: GrpcClient, patience: number): void {
  if (session.destroyed) return;
  const late = setTimeout(() => session.destroy(), patience);
  session.ping(() => clearTimeout(late));
  session.once('close', () => clearTimeout(late));
}

interface Dialled {
  readonly stream: Duplex;
  /** What the program between wrote, when it has ended. */
  readonly said?: Promise<string>;
}

async function dial(
  endpoint: BuilderEndpoint,
  address: Address,
  signal: AbortSignal,
  environment: DialOptions['environment'],
): Promise<Dialled> {
  if (address.kind === 'ssh') return throughSsh(address, environment);
  if (address.kind === 'dns') throw new SlipwayError('internal', 'fleet.address', 'a name of DNS stands for several builders');
  const socket =
    address.kind === 'unix'
      ? connect(address.path)
      : endpoint.tls === undefined
        ? connect({ host: address.host, port: address.port, noDelay: true })
        : connectTls({
            host: address.host,
            port: address.port,
            ...certificates(endpoint.tls),
            ...serverName(endpoint.tls.serverName ?? address.host),
            ALPNProtocols: ['h2'],
            minVersion: 'TLSv1.2',
          });
  socket.setKeepAlive(true, BEAT);
  try {
    await once(socket, 'tls' in endpoint && address.kind === 'tcp' ? 'secureConnect' : 'connect', { signal });
  } catch (e) {
    socket.destroy();
    throw e;
  }
  // a connection that breaks is told to whoever uses it
  socket.on('error', () => {});
  return { stream: socket };
}

/** An address has no name to ask for (RFC 6066, section 3): its certificate is compared with the address. */
const serverName = (name: string): { servername?: string } => (isIP(name) === 0 ? { servername: name } : {});

function certificates(tls: BuilderTls): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  const read = (name: 'ca' | 'cert' | 'key'): object => {
    const path = tls[name];
    if (path === undefined) return {};
    try {
      return { [name]: readFileSync(path) };
    } catch (cause) {
      throw new SlipwayError('invalid-argument', 'fleet.certificates', `${path} cannot be read: ${(cause as Error).message}`, { cause });
    }
  };
  return { ...read('ca'), ...read('cert'), ...read('key') };
}

/** What buildx and buildctl run there too: a program that passes its standard streams on to the builder's socket. */
function throughSsh({ host, user, port, path }: Extract<Address, { kind: 'ssh' }>, environment: DialOptions['environment']): Dialled {
  const at = path === undefined ? [] : ['--addr', `unix://${path}`];
  const args = ['-T', ...(port === undefined ? [] : ['-p', String(port)]), ...(user === undefined ? [] : ['-l', user])];
  const child = spawn('ssh', [...args, '--', host, 'buildctl', ...at, 'dial-stdio'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(environment && { env: { ...environment } }),
  });
  const stream = Duplex.from({ writable: child.stdin, readable: child.stdout } as never);
  stream.on('error', () => {}); // told to whoever uses it
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said = (said + data.toString()).slice(-1000)));
  const ended = new Promise<string>((resolve) => child.on('error', (e) => resolve(e.message)).on('close', () => resolve(said.trim())));
  void ended.then(() => stream.destroy());
  stream.on('close', () => child.kill());
  return { stream, said: ended };
}
