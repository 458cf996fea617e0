// Stands between a client and a registry and does what networks and broken servers do.
import { createServer, request as ask, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';

export interface Exchanged {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** Bytes of the answer's body that were passed on. */
  down: number;
  /** Bytes of the request's body. */
  up: number;
}

/** What happens to a request: nothing special when undefined. */
export type Fault =
  | { readonly kind: 'answer'; readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  /** The connection breaks after so many bytes of the answer, or of the request. */
  | { readonly kind: 'cut-down'; readonly after: number }
  | { readonly kind: 'cut-up'; readonly after: number }
  /** The answer's body is changed. */
  | { readonly kind: 'change'; readonly change: (body: Buffer) => Buffer }
  /** After so many bytes of the answer nothing more comes, until the client goes away. */
  | { readonly kind: 'stall'; readonly after: number }
  /** Bytes a second. */
  | { readonly kind: 'slow'; readonly rate: number }
  /** The request is passed on when this is fulfilled. */
  | { readonly kind: 'hold'; readonly until: Promise<void> };

export class FaultProxy {
  readonly seen: Exchanged[] = [];
  fault: (request: { method: string; path: string; headers: IncomingMessage['headers']; n: number }) => Fault | undefined = () => undefined;
  readonly #port: number;
  #server: Server | undefined;

  constructor(registryPort: number) {
    this.#port = registryPort;
  }

  /** `127.0.0.1:PORT`. */
  async start(): Promise<string> {
    this.#server = createServer((req, res) => void this.#handle(req, res));
    await new Promise<void>((resolve) => this.#server?.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  async #handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = req.url ?? '';
    const entry: Exchanged = { method: req.method ?? '', path, headers: req.headers, down: 0, up: 0 };
    const fault = this.fault({ method: entry.method, path, headers: req.headers, n: this.seen.length });
    this.seen.push(entry);
    if (fault?.kind === 'hold') await fault.until;
    if (fault?.kind === 'answer') {
      req.resume();
      res.writeHead(fault.status, fault.headers);
      res.end(fault.body ?? '');
      return;
    }
    const upstream = ask({ host: '127.0.0.1', port: this.#port, method: req.method, path, headers: req.headers }, (answer) => {
      void this.#answer(answer, res, entry, fault);
    });
    upstream.on('error', () => res.destroy());
    req.on('data', (chunk: Buffer) => {
      entry.up += chunk.length;
      if (fault?.kind === 'cut-up' && entry.up >= fault.after) {
        // The registry gets what came until now, and then sees the connection end.
        upstream.write(chunk, () => upstream.destroy());
        req.socket.destroy();
        return;
      }
      if (!upstream.write(chunk)) {
        req.pause();
        upstream.once('drain', () => req.resume());
      }
    });
    req.on('end', () => upstream.end());
    req.on('error', () => upstream.destroy());
  }

  async #answer(answer: IncomingMessage, res: ServerResponse, entry: Exchanged, fault: Fault | undefined): Promise<void> {
    if (fault?.kind === 'change') {
      const body = fault.change(Buffer.concat(await Array.fromAsync(answer as AsyncIterable<Buffer>)));
      res.writeHead(answer.statusCode ?? 500, { ...answer.headers, 'content-length': String(body.length) });
      res.end(body);
      return;
    }
    res.writeHead(answer.statusCode ?? 500, answer.headers);
    const gone = new AbortController();
    const closed = new Promise<void>((resolve) => res.once('close', resolve)).then(() => gone.abort());
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        let rest = chunk;
        while (rest.length > 0) {
          const piece = fault?.kind === 'slow' ? rest.subarray(0, Math.max(1, fault.rate / 20)) : rest;
          rest = rest.subarray(piece.length);
          entry.down += piece.length;
          if (fault?.kind === 'cut-down' && entry.down >= fault.after) {
            const over = entry.down - fault.after;
            res.write(piece.subarray(0, piece.length - over), () => res.destroy());
            return void answer.destroy();
          }
          if (!res.write(piece)) await once(res, 'drain', { signal: gone.signal }).catch(() => {});
          if (fault?.kind === 'stall' && entry.down >= fault.after) await closed;
          if (fault?.kind === 'slow') await new Promise((resolve) => setTimeout(resolve, 50));
          if (res.destroyed) return void answer.destroy();
        }
      }
      res.end();
    } catch {
      res.destroy();
    }
  }
}
