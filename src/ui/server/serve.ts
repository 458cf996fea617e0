// The server of the page: on loopback, for whoever knows the address that it prints.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { isSlipwayError, SlipwayError } from '../../model/index.ts';
import { firstError, randomId } from '../../util/index.ts';
import { servedDocument } from '../document.ts';
import type { PageView } from '../page/views.ts';
import { act } from './actions.ts';
import { admit } from './guard.ts';
import { streamBuild } from './live.ts';
import type { Served, ServePageOptions } from './served.ts';
import { viewOf } from './views.ts';

export interface PageServer {
  readonly address: string;
  /** Lets those that follow a build see its end, for as long as `grace` ms. */
  close(grace: number): Promise<void>;
}

/** Of a page that may be shown nowhere else, and is kept nowhere. */
const HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
};

const STATUSES: Partial<Readonly<Record<SlipwayError['kind'], number>>> = {
  'not-found': 404,
  'invalid-argument': 400,
  'failed-precondition': 409,
  conflict: 409,
  'already-exists': 409,
};

const TITLES: Readonly<Record<PageView['view'], string>> = {
  builds: 'Builds',
  build: 'Build',
  images: 'Images',
  image: 'Image',
  containers: 'Containers',
};

/** @throws SlipwayError unavailable `ui.address-in-use` */
export async function servePage(o: ServePageOptions): Promise<PageServer> {
  const token = randomId(16);
  const served: Served = { ...o, base: `/${token}/`, cancelled: new Set() };
  const stop = new AbortController();
  let port = 0;
  let streams = 0;
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    request.resume(); // no request has a body that counts
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, stop.signal]);
    const path = admit(request.url ?? '', request.headers, { port, token });
    if (typeof path !== 'string') return text(response, path.status, path.message);
    streams++;
    answer(served, path, request, response, signal)
      .catch((e: unknown) => fail(response, e))
      .finally(() => streams--);
  });
  server.listen({ host: '127.0.0.1', port: o.port });
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new SlipwayError('unavailable', 'ui.address-in-use', `127.0.0.1:${o.port}: ${(cause as Error).message}`, { cause });
  }
  ({ port } = server.address() as AddressInfo);
  return {
    address: `http://127.0.0.1:${port}${served.base}${o.first === undefined ? '' : `builds/${o.first}`}`,
    close: async (grace) => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = setTimeout(() => stop.abort(), streams === 0 ? 0 : grace);
      stop.signal.addEventListener('abort', () => server.closeAllConnections());
      await closed;
      clearTimeout(timer);
    },
  };
}

async function answer(served: Served, url: string, request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
  const path = url.replace(/\?.*$/s, '').replace(/\/$/, '');
  if (request.method === 'POST') {
    await act(served, path);
    response.writeHead(204).end();
    return;
  }
  if (request.method !== 'GET') return text(response, 405, 'GET and POST are answered');
  const live = /^builds\/([a-zA-Z\d]+)\/events$/.exec(path)?.[1];
  if (live !== undefined) return await streamBuild(served, live, response, signal);
  const view = await viewOf(served, path, signal);
  if (request.headers.accept === 'application/json') {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(view));
    return;
  }
  const { html, policy } = servedDocument(`${TITLES[view.view]} · Slipway`, view);
  response
    .writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': `${policy}; frame-ancestors 'none'` })
    .end(html);
}

function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  const e = firstError(error);
  text(response, isSlipwayError(e) ? (STATUSES[e.kind] ?? 500) : 500, e instanceof Error ? e.message : String(e));
}

function text(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${message}\n`);
}
