// An answer: JSON, nothing, a stream of JSON, or the connection itself.
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex, Writable } from 'node:stream';
import { SlipwayError } from '../../model/index.ts';
import { failureOf } from './errors.ts';
import type { Hijacked } from './hijacked.ts';
import { acceptKey, overWebSocket } from './websocket.ts';

export const RAW_STREAM = 'application/vnd.docker.raw-stream';
export const MULTIPLEXED_STREAM = 'application/vnd.docker.multiplexed-stream';

export class Reply {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  /** The connection, where the client asks for it, and the protocol by which it does. */
  readonly #upgrade: { readonly socket: Duplex; readonly protocol: string } | undefined;
  #hijacked = false;

  constructor(request: IncomingMessage, response: ServerResponse, upgrade?: { readonly socket: Duplex; readonly protocol: string }) {
    this.#request = request;
    this.#response = response;
    this.#upgrade = upgrade;
  }

  /** Too late for a status. */
  get begun(): boolean {
    return this.#hijacked || this.#response.headersSent;
  }

  /** The connection is not the server's any more. */
  get hijacked(): boolean {
    return this.#hijacked;
  }

  header(name: string, value: string): void {
    this.#response.setHeader(name, value);
  }

  /** As Go encodes: with a line feed. */
  json(value: unknown, status = 200): void {
    this.text(`${JSON.stringify(value)}\n`, { status, type: 'application/json' });
  }

  empty(status: number): void {
    this.#response.writeHead(status);
    this.#response.end();
  }

  text(text: string, o: { readonly status?: number; readonly type?: string } = {}): void {
    const bytes = Buffer.from(text);
    this.#response.writeHead(o.status ?? 200, { 'Content-Type': o.type ?? 'text/plain; charset=utf-8', 'Content-Length': bytes.length });
    this.#response.end(this.#request.method === 'HEAD' ? undefined : bytes);
  }

  /** Sends the head at once; what is written follows, and the caller ends it. */
  stream(type: string, status = 200): Writable {
    this.#response.writeHead(status, { 'Content-Type': type });
    this.#response.flushHeaders();
    return this.#response;
  }

  /** As `stream`, of JSON values. */
  lines(): JsonLines {
    return new JsonLines(this.stream('application/json'));
  }

  /** A failure: with a status, or when it is too late for that by an end of the connection. */
  fail(error: unknown): void {
    if (this.#hijacked) return;
    if (this.#response.headersSent) return void this.#response.destroy();
    const { status, message } = failureOf(error);
    this.json({ message }, status);
  }

  /**
   * Takes the connection over: by `101 UPGRADED` where the client asks for that, else in the old way, by `200 OK` and the bytes behind it.
   * @param type for the client, which tells frames from bytes by it
   */
  hijack(type: string): Hijacked {
    const common = Object.entries(this.#response.getHeaders()).map(([name, value]) => `${titled(name)}: ${String(value)}\r\n`);
    this.#hijacked = true;
    if (this.#upgrade !== undefined) {
      const { socket, protocol } = this.#upgrade;
      if (protocol.toLowerCase() === 'websocket') return this.#messages(socket, common);
      this.#response.detachSocket(socket as never);
      socket.write(
        `HTTP/1.1 101 UPGRADED\r\n${type === '' ? '' : `Content-Type: ${type}\r\n`}Connection: Upgrade\r\nUpgrade: ${protocol}\r\n${common.join('')}\r\n`,
      );
      return { input: socket, output: socket };
    }
    const { socket } = this.#request;
    if (this.#response.socket !== null) this.#response.detachSocket(socket);
    const hasBody = this.#request.headers['transfer-encoding'] !== undefined;
    if (!hasBody) unparse(socket);
    socket.write(`HTTP/1.1 200 ${STATUS_CODES[200]}\r\nContent-Type: ${type}\r\nConnection: close\r\n${common.join('')}\r\n`);
    return { input: hasBody ? this.#request : socket, output: socket };
  }

  /** @throws SlipwayError `api.websocket` before anything is sent */
  #messages(socket: Duplex, common: readonly string[]): Hijacked {
    this.#hijacked = false;
    const accept = acceptKey(this.#request.headers['sec-websocket-key']);
    this.#hijacked = true;
    this.#response.detachSocket(socket as never);
    const head = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
    socket.write(`${head}Sec-WebSocket-Accept: ${accept}\r\n${common.join('')}\r\n`);
    return overWebSocket(socket);
  }
}

/** What comes from now on is no request: the parser of Node's server, which listens for it, is taken off. */
function unparse(socket: IncomingMessage['socket']): void {
  // by the first listener of one's own, Node has the bytes come by events and not into the parser
  socket.on('data', () => {});
  for (const event of ['data', 'end', 'timeout', 'drain']) socket.removeAllListeners(event);
  socket.setTimeout(0);
}

const titled = (name: string): string => name.replaceAll(/(?:^|-)[a-z]/g, (letter) => letter.toUpperCase());

/** Values of JSON, a line each, that a client reads as they come. */
export class JsonLines {
  readonly #to: Writable;

  constructor(to: Writable) {
    this.#to = to;
  }

  write(value: unknown): void {
    this.#to.write(`${JSON.stringify(value)}\r\n`);
  }

  /** What the next one makes old: left out while the client does not read. */
  progress(value: unknown): void {
    if (!this.#to.writableNeedDrain) this.write(value);
  }

  /** A failure after the head: the last line says so. */
  fail(error: unknown): void {
    const { message } = failureOf(error);
    const code = error instanceof SlipwayError && error.kind === 'process-failed' ? error.exitCode : undefined;
    this.write({ errorDetail: { ...(code !== undefined && { code }), message }, error: message });
  }

  end(): void {
    this.#to.end();
  }
}
