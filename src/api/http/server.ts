// The HTTP server: finds the route of a request, gives it to its handler, and answers for what fails. Every answer says which engine and
// version it comes from.
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { SlipwayError } from '../../model/index.ts';
import type { Api } from '../api.ts';
import type { Authorize } from './authorize.ts';
import { Call, type Upgrade } from './call.ts';
import { Query } from './query.ts';
import { Reply } from './reply.ts';
import type { Match, RouteTable } from './routes.ts';
import { API_VERSION, splitVersion } from './versions.ts';

/** ms that a client has for the head of a request. */
const HEAD_TIME = 30_000;
/** ms that a connection may rest between requests. */
const REST_TIME = 120_000;
/** Bytes of a head: credentials for many registries come in one. */
const LARGEST_HEAD = 256 << 10;

/** Whether a request may be answered at all. */
export type Guard = (request: IncomingMessage) => SlipwayError | undefined;

interface Found {
  readonly match: Match | undefined;
  readonly path: string;
  readonly minor: number;
  readonly query: URLSearchParams;
}

export class HttpServer {
  readonly #api: Api;
  readonly #routes: RouteTable;
  readonly #server: Server;
  readonly #guards = new WeakMap<Duplex, Guard>();
  readonly #authorize: Authorize | undefined;
  /** Of requests that are being answered. */
  readonly #working = new Set<AbortController>();

  constructor(api: Api, routes: RouteTable, authorize?: Authorize) {
    this.#authorize = authorize;
    this.#api = api;
    this.#routes = routes;
    this.#server = createServer({
      maxHeaderSize: LARGEST_HEAD,
      headersTimeout: HEAD_TIME,
      requestTimeout: 0, // an archive may take hours
      keepAliveTimeout: REST_TIME,
      shouldUpgradeCallback: (request) => upgradeOf(request, this.#find(request)) !== undefined,
    });
    // it never listens itself: by this it begins to look after the times of its connections
    this.#server.emit('listening');
    this.#server.on('request', (request, response) => void this.#answer(request, response));
    this.#server.on('upgrade', (request, socket, rest) => {
      if (rest.length > 0) socket.unshift(rest);
      const response = new ServerResponse(request);
      response.assignSocket(socket as never);
      void this.#answer(request, response, socket);
    });
  }

  /** Serves a connection, whatever it came by. */
  connect(socket: Duplex, guard?: Guard): void {
    if (guard !== undefined) this.#guards.set(socket, guard);
    this.#server.emit('connection', socket);
  }

  /** How many requests are being answered. */
  get working(): number {
    return this.#working.size;
  }

  /** No further request on a connection that rests. */
  closeIdle(): void {
    this.#server.closeIdleConnections();
  }

  /** Ends what is being answered. */
  abort(reason: Error): void {
    for (const one of this.#working) one.abort(reason);
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse, socket?: Duplex): Promise<void> {
    const found = this.#find(request);
    const reply = new Reply(request, response, socket && { socket, protocol: request.headers.upgrade ?? '' });
    for (const [name, value] of this.#headers()) response.setHeader(name, value);
    const over = new AbortController();
    const connection = socket ?? request.socket;
    const gone = (): void => over.abort(new SlipwayError('cancelled', 'api.client-gone', 'the client has gone'));
    const closed = (): void => {
      if (!response.writableFinished) gone();
    };
    response.on('close', closed);
    connection.on('close', gone);
    connection.on('error', gone);
    this.#working.add(over);
    try {
      if (found instanceof SlipwayError) throw found;
      const refusal = this.#guards.get(request.socket)?.(request);
      if (refusal !== undefined) throw refusal;
      await this.#authorize?.(
        { method: request.method ?? '', path: found.path, query: found.query.toString() },
        request.socket,
        over.signal,
      );
      if (request.method === 'OPTIONS') return reply.empty(200);
      if (found.match === undefined) throw new SlipwayError('not-found', 'api.no-route', 'page not found');
      const { route, params } = found.match;
      const { api } = this;
      await route.handle(new Call({ api, request, reply, minor: found.minor, params, query: new Query(found.query), signal: over.signal }));
    } catch (error) {
      if (over.signal.aborted) response.destroy();
      else reply.fail(error);
    } finally {
      this.#working.delete(over);
      connection.off('close', gone).off('error', gone);
      // whatever comes now is nobody's; a connection has many requests
      if (!connection.listeners('error').includes(ignore)) connection.on('error', ignore);
      // what nobody read of a body would stand before the next request
      if (!request.readableEnded) request.resume();
      // both halves: a client that keeps its own open would keep the connection
      if (socket !== undefined || reply.hijacked) endConnection(connection);
    }
  }

  get api(): Api {
    return this.#api;
  }

  #find({ method = '', url = '' }: IncomingMessage): Found | SlipwayError {
    const [path = '', query = ''] = url.split(/\?(.*)/s);
    try {
      const { minor, rest } = splitVersion(path);
      return { match: this.#routes.find(method, rest), path: rest, minor, query: new URLSearchParams(query) };
    } catch (e) {
      if (e instanceof SlipwayError) return e;
      throw e;
    }
  }

  *#headers(): Iterable<[string, string]> {
    yield ['Api-Version', API_VERSION];
    yield ['Docker-Experimental', 'false'];
    yield ['Ostype', 'linux'];
    yield ['Server', `Slipway/${this.#api.program.version} (linux)`];
  }
}

const ignore = (): void => {};

/** After all that was written. */
function endConnection(connection: Duplex): void {
  if (connection.writableFinished) return void connection.destroy();
  connection.once('finish', () => connection.destroy());
  connection.end();
}

/** The protocol that a request asks for, when its route knows it. */
function upgradeOf({ headers }: IncomingMessage, found: Found | SlipwayError): Upgrade | undefined {
  const wanted = headers.upgrade?.toLowerCase();
  return found instanceof SlipwayError ? undefined : found.match?.route.upgrades?.find((one) => one === wanted);
}
