// The server from its beginning to its end: its listeners, its routes, and a stop that lets work in hand be finished.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProgramFacts } from '../docker/index.ts';
import { BuildKitService } from '../buildkit/index.ts';
import { type CallerOf, type Engine, performInWorker, SpareWorker } from '../engine/index.ts';
import { SlipwayError } from '../model/index.ts';
import type { Api, WorkerCommand } from './api.ts';
import { BUILD_ROUTES } from './build/routes.ts';
import { Execs } from './containers/exec-records.ts';
import { CONTAINER_ROUTES } from './containers/routes.ts';
import { Ended } from './containers/ended.ts';
import { Waiting } from './containers/waiting.ts';
import type { Authorize } from './http/authorize.ts';
import type { Host } from './http/hosts.ts';
import { Connections } from './http/idle.ts';
import { type Listener, listenOn, type Tls } from './http/listen.ts';
import { type Route, RouteTable } from './http/routes.ts';
import { HttpServer } from './http/server.ts';
import { speakers } from './http/speakers.ts';
import { IMAGE_ROUTES } from './images/routes.ts';
import { NETWORK_ROUTES } from './networks.ts';
import { VOLUME_ROUTES } from './volumes.ts';
import { aboutRoutes } from './system/about.ts';
import { buildkitRoutes } from './system/buildkit.ts';
import { ELSEWHERE_ROUTES } from './system/elsewhere.ts';

export interface ServeOptions {
  readonly engine: Engine;
  readonly program: ProgramFacts;
  readonly worker: WorkerCommand;
  /** At least one. */
  readonly hosts: readonly Host[];
  /** Besides, those of them that nobody else listens on. */
  readonly ifFree?: readonly Host[];
  readonly tls?: Tls;
  /** Asked about each request, and about each connection that begins with BuildKit's protocol as about `POST /grpc`. */
  readonly authorize?: Authorize;
  /** ms without a connection after which the server ends. */
  readonly idleTimeout?: number;
  /** When it aborts, the server stops. */
  readonly signal: AbortSignal;
  onListening(hosts: readonly Host[]): void;
  warn(message: string): void;
  readonly now: () => number;
}

/** ms that work in hand has for its end when the server is to stop. */
const GRACE = 10_000;
const POLL = 20;

export const API_ROUTES: readonly Route[] = [
  ...aboutRoutes('2'),
  ...CONTAINER_ROUTES,
  ...IMAGE_ROUTES,
  ...NETWORK_ROUTES,
  ...VOLUME_ROUTES,
  ...BUILD_ROUTES,
  ...ELSEWHERE_ROUTES,
];

/** Serves until `signal` aborts. @throws SlipwayError `api.address-in-use`, `api.not-listening`, `api.no-tls` */
export async function serveApi(o: ServeOptions): Promise<void> {
  const { engine, program, warn, now } = o;
  const spare = new SpareWorker(o.worker);
  const ended = new Ended();
  const over = new AbortController();
  const noticing = ended.follow(engine, over.signal).catch((e: unknown) => warn(String(e)));
  const worker = { ...o.worker, spare };
  const buildkit = new BuildKitService({
    perform: (operation, caller) =>
      performInWorker({ ...worker, onText: (text) => warn(text.toString().trim()) }, operation as never, caller as CallerOf<never>),
    engine,
    scratch: engine.layout.ingest,
    version: program.version,
    now,
  });
  const api: Api = {
    engine,
    program,
    worker,
    ended,
    execs: new Execs(),
    waiting: new Waiting(),
    builds: new Map(),
    clientSession: (id, signal) => buildkit.session(id, signal),
    stopping: o.signal,
    warn,
    now,
  };
  const server = new HttpServer(api, new RouteTable([...buildkitRoutes(buildkit), ...API_ROUTES]), o.authorize);
  const connections = new Connections(o.idleTimeout);
  const listeners: Listener[] = [];
  try {
    const listen = (host: Host): Promise<Listener> =>
      listenOn(host, o.tls, (socket, guard) => {
        connections.add(socket);
        const http2 = async (): Promise<void> => {
          await o.authorize?.({ method: 'POST', path: '/grpc', query: '' }, socket, o.signal);
          buildkit.serve(socket);
        };
        speakers(socket, { http1: () => server.connect(socket, guard), http2: () => void http2().catch(() => socket.destroy()) });
      });
    for (const host of o.hosts) listeners.push(await listen(host));
    for (const host of o.ifFree ?? []) {
      try {
        listeners.push(await listen(host));
      } catch (e) {
        if (!(e instanceof SlipwayError) || e.code !== 'api.address-in-use') throw e;
        warn(e.message);
      }
    }
    o.onListening(listeners.map((one) => one.host));
    await Promise.race([aborted(o.signal), connections.idle]);
  } finally {
    connections.close();
    for (const one of listeners) one.close();
    server.closeIdle();
    for (const until = Date.now() + GRACE; server.working > 0 && Date.now() < until; await sleep(POLL)) server.closeIdle();
    server.abort(new SlipwayError('cancelled', 'api.stopped', 'the server has been stopped'));
    spare.close();
    over.abort();
    await noticing;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
