// One HTTP exchange and its repetition: connections are kept, failures that may pass are tried again with growing pauses, and
// redirects are followed without taking credentials to another host.
import http from 'node:http';
import https from 'node:https';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { SlipwayError } from '../model/index.ts';
import { readRegularFile } from '../sys/index.ts';
import { type Pace, paced, randomInt } from '../util/index.ts';
import { unreachable } from './errors.ts';
import type { RegistrySettings } from './types.ts';

export type Headers = Record<string, string>;

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers?: Headers;
  /** Bytes, or what makes a stream of them for each attempt. */
  readonly body?: Buffer | (() => Readable);
  readonly signal: AbortSignal;
  /** The server's certificate is not looked at. */
  readonly insecure?: boolean;
  /** Attempts in all; default 5. A body that is a stream is sent once. */
  readonly attempts?: number;
  /** Follow redirects (GET and HEAD). */
  readonly follow?: boolean;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** The address that answered, after redirects. */
  readonly url: URL;
  readonly body: http.IncomingMessage;
  readonly pace?: Pace | undefined;
}

/** How long (ms) a silent connection is waited for. */
export interface Patience {
  /** Until it is established. */
  readonly connect: number;
  /** While bytes are sent or read, and for the answer to what only reads. */
  readonly idle: number;
  /** For the answer to what changes something: registries verify and store a whole layer before they give it. */
  readonly commit: number;
  /** How slowly the bytes of an answer may come. */
  readonly pace?: Pace;
}

const PATIENCE: Patience = { connect: 30_000, idle: 60_000, commit: 900_000 };
const MOST_REDIRECTS = 10;
const LONGEST_PAUSE = 60_000;
/** Answers of small requests are read whole, up to here. */
const SMALL = 4 << 20;
const MAY_PASS = new Set([408, 429, 500, 502, 503, 504]);
const CONNECTION_FAILED = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
  'EAI_AGAIN',
  'ERR_STREAM_PREMATURE_CLOSE',
  'HPE_INVALID_EOF_STATE',
]);

export class Http {
  readonly #settings: RegistrySettings;
  readonly #patience: Patience;
  readonly #agents = new Map<string, http.Agent>();

  constructor(settings: RegistrySettings, patience = PATIENCE) {
    this.#settings = settings;
    this.#patience = patience;
  }

  /** Sends a request, again where that may help. The answer's body must be read or dropped (`drop`, `readSmall`). */
  async send(r: HttpRequest): Promise<HttpResponse> {
    const attempts = typeof r.body === 'function' ? 1 : (r.attempts ?? 5);
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await this.#follow(r);
        if (!MAY_PASS.has(response.status) || attempt >= attempts) return response;
        await drop(response);
        await pause(attempt, response.headers, r.signal);
      } catch (e) {
        r.signal.throwIfAborted();
        if (!mayPass(e) || attempt >= attempts) throw e;
        await pause(attempt, {}, r.signal);
      }
    }
  }

  /** Ends connections that are kept. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  async #follow(r: HttpRequest): Promise<HttpResponse> {
    let { url, headers = {} } = r;
    for (let hops = 0; ; hops++) {
      const response = await this.#once({ ...r, url, headers });
      const { location } = response.headers;
      if (!r.follow || ![301, 302, 303, 307, 308].includes(response.status) || location === undefined) return response;
      await drop(response);
      if (hops >= MOST_REDIRECTS)
        throw new SlipwayError('unavailable', 'registry.redirects', `${r.url.host} redirects endlessly: more than ${MOST_REDIRECTS} times`);
      const next = redirected(url, location);
      if (next.host !== url.host || next.protocol !== url.protocol) headers = without(headers, 'authorization', 'cookie');
      url = next;
    }
  }

  #once(r: HttpRequest & { headers: Headers }): Promise<HttpResponse> {
    const { url, signal } = r;
    const secure = url.protocol === 'https:';
    const options: https.RequestOptions = {
      method: r.method,
      headers: { 'user-agent': 'slipway', ...r.headers, ...(Buffer.isBuffer(r.body) && { 'content-length': String(r.body.length) }) },
      agent: this.#agent(url, r.insecure === true),
      signal,
      timeout: this.#patience.connect,
    };
    const { idle, commit, pace } = this.#patience;
    return new Promise((resolve, reject) => {
      const request = (secure ? https : http).request(url, options);
      // Silence is bounded by the other limits; this one is for an answer that begins a byte at a time.
      let answered = false;
      request.on('finish', () => {
        const late = setTimeout(() => answered || request.destroy(timedOut(url)), commit);
        request.on('close', () => clearTimeout(late));
      });
      request.on('response', (body) => {
        answered = true;
        body.setTimeout(idle, () => body.destroy(timedOut(url)));
        // Whoever reads is told by the reading; between two readers nobody listens.
        body.on('error', () => {});
        resolve({ status: body.statusCode ?? 0, headers: body.headers, url, body, pace });
      });
      request.on('timeout', () => request.destroy(timedOut(url)));
      request.on('socket', (socket) => {
        const established = (): void => void request.setTimeout(idle);
        if (socket.connecting) socket.once(secure ? 'secureConnect' : 'connect', established);
        else established();
      });
      if (r.method !== 'GET' && r.method !== 'HEAD') request.on('finish', () => request.setTimeout(commit));
      let bodyFailed: Error | undefined;
      request.on('error', (e) => {
        if (signal.aborted) reject(signal.reason as Error);
        else if (bodyFailed !== undefined) reject(bodyFailed);
        else reject(unreachable(url, e));
      });
      if (typeof r.body !== 'function') return void request.end(r.body);
      const stream = r.body();
      // What cannot be read here is no failure of the connection, and nothing to try again.
      stream.on('error', (e) => request.destroy((bodyFailed = e)));
      // An answer before the end of the body: the server has had enough of it.
      request.on('close', () => stream.destroy());
      stream.pipe(request);
    });
  }

  #agent(url: URL, insecure: boolean): http.Agent {
    const key = `${url.protocol}//${url.host} ${insecure}`;
    let agent = this.#agents.get(key);
    if (agent !== undefined) return agent;
    // No proxy is asked for what is on this machine, as Go's programs have it.
    const proxyEnv = isLoopback(url.host) ? {} : { ...this.#settings.environment };
    const common = { keepAlive: true, maxSockets: 16, proxyEnv };
    agent =
      url.protocol === 'http:'
        ? new http.Agent(common as http.AgentOptions)
        : new https.Agent({
            ...common,
            ...this.#certificates(url.host),
            ...(insecure && { rejectUnauthorized: false }),
          } as https.AgentOptions);
    this.#agents.set(key, agent);
    return agent;
  }

  /** As Docker has them: `certs.d/HOST/*.crt` are authorities, `*.cert` and `*.key` are this client's own. */
  #certificates(host: string): https.AgentOptions {
    const found: { ca: Buffer[]; cert?: Buffer; key?: Buffer } = { ca: [] };
    for (const folder of this.#settings.certificates.map((root) => join(root, host))) {
      if (!existsSync(folder)) continue;
      for (const name of readdirSync(folder).sort()) {
        if (name.endsWith('.crt')) found.ca.push(readRegularFile(join(folder, name)));
        const key = join(folder, `${name.slice(0, -5)}.key`);
        if (!name.endsWith('.cert') || !existsSync(key)) continue;
        found.cert = readRegularFile(join(folder, name));
        found.key = readRegularFile(key);
      }
    }
    const { ca, ...client } = found;
    if (ca.length === 0) return client;
    return { ...client, ca: [...process.getBuiltinModule('node:tls').getCACertificates('default'), ...ca] };
  }
}

/** The address that a server sends its client on to. @throws SlipwayError `registry.redirects` for one that is not gone to */
export function redirected(from: URL, location: string): URL {
  if (!URL.canParse(location, from.href))
    throw new SlipwayError('data-loss', 'registry.redirects', `${from.host} redirects to what is no address`);
  const to = new URL(location, from);
  if (to.protocol !== 'http:' && to.protocol !== 'https:')
    throw new SlipwayError('data-loss', 'registry.redirects', `${from.host} redirects to an address of the kind ${to.protocol}`);
  if (from.protocol === 'https:' && to.protocol === 'http:')
    throw new SlipwayError(
      'permission-denied',
      'registry.redirects',
      `${from.host} redirects from HTTPS to plain HTTP at ${to.host}, which is not followed`,
    );
  // What listens on this machine alone need not be safe from what others make its users ask for.
  if (isLoopback(to.host) && !isLoopback(from.host))
    throw new SlipwayError(
      'permission-denied',
      'registry.redirects',
      `${from.host} redirects to this machine (${to.host}), which is not followed`,
    );
  return to;
}

/** @param host with or without a port */
export function isLoopback(host: string): boolean {
  const name = host.startsWith('[') ? host.slice(1, host.indexOf(']')) : host.replace(/:\d+$/, '');
  return name === 'localhost' || name === '::1' || /^127\.\d+\.\d+\.\d+$/.test(name);
}

const without = (headers: Headers, ...names: string[]): Headers =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name.toLowerCase())));

const timedOut = (url: URL): Error => Object.assign(new Error(`no answer from ${url.host} in time`), { code: 'ETIMEDOUT' });

/** The bytes of an answer; they end with an error of the connection when the server only trickles them. */
export const bytesOf = ({ body, url, pace }: HttpResponse): AsyncGenerator<Buffer> =>
  paced(body as AsyncIterable<Buffer>, () => Object.assign(new Error(`${url.host} sends next to nothing`), { code: 'ETIMEDOUT' }), pace);

/** Whether a failure is of the connection and not of what was asked. */
export function mayPass(e: unknown): boolean {
  const inner = e instanceof SlipwayError && e.code === 'registry.unreachable' ? e.cause : e;
  const { code, message } = inner as NodeJS.ErrnoException;
  return CONNECTION_FAILED.has(code ?? '') || message === 'aborted' || message === 'socket hang up';
}

/**
 * How long to wait before attempt n+1, in ms: as long as the server asks, up to a minute, by `Retry-After` or the end of its window
 * (RFC 9110; draft RateLimit fields); else 0.2 s, 0.4 s, 0.8 s … and `chance`.
 * @param now ms since the epoch
 */
export function pauseBefore(attempt: number, headers: http.IncomingHttpHeaders, now: number, chance: number): number {
  const asked = askedPause(headers, now);
  return Math.min(LONGEST_PAUSE, asked === undefined ? 200 * 2 ** (attempt - 1) + chance : Math.max(0, asked));
}

function askedPause(headers: http.IncomingHttpHeaders, now: number): number | undefined {
  const after = headers['retry-after'];
  if (after !== undefined) {
    const pause = /^\d+$/.test(after) ? Number(after) * 1000 : Date.parse(after) - now;
    return Number.isNaN(pause) ? undefined : pause;
  }
  const reset = headers['ratelimit-reset'] ?? headers['x-ratelimit-reset'];
  const seconds = Number(typeof reset === 'string' ? reset.split(';')[0] : Number.NaN);
  if (Number.isNaN(seconds)) return undefined;
  // Some send the time itself.
  return seconds > 1e9 ? seconds * 1000 - now : Math.ceil(seconds) * 1000;
}

/** Waits before attempt n+1, as `pauseBefore` says. Throws the signal's reason. */
export async function pause(attempt: number, headers: http.IncomingHttpHeaders, signal: AbortSignal): Promise<void> {
  await sleep(pauseBefore(attempt, headers, Date.now(), randomInt(100)), undefined, { signal });
}

/** The whole of a small answer. @throws SlipwayError when it is larger than any manifest may be (4 MiB, distribution-spec). */
export async function readSmall(response: HttpResponse, limit = SMALL): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of bytesOf(response)) {
      size += chunk.length;
      if (size > limit) {
        response.body.destroy();
        throw new SlipwayError(
          'data-loss',
          'registry.too-large',
          `${response.url.host} answers with more than ${limit} bytes where a document was expected`,
        );
      }
      chunks.push(chunk);
    }
  } catch (e) {
    if (e instanceof SlipwayError) throw e;
    throw unreachable(response.url, e);
  }
  return Buffer.concat(chunks);
}

/** More than any answer that is not looked at needs. */
const DROPPED = 256 << 10;
/** ms; a new connection takes less. */
const DROPPING = 2000;

/** Reads an answer to its end and forgets it, so that the connection can be used again. One that does not end is cut off. */
export async function drop(response: HttpResponse): Promise<void> {
  let size = 0;
  response.body.on('data', (chunk: Buffer) => {
    if ((size += chunk.length) > DROPPED) response.body.destroy();
  });
  const late = setTimeout(() => response.body.destroy(), DROPPING);
  await new Promise<void>((resolve) => {
    response.body
      .on('end', resolve)
      .on('close', resolve)
      .on('error', () => resolve());
  });
  clearTimeout(late);
}
