// HTTP over a socket as bytes: what no client library would send, and what it would hide.
import { connect, type Socket } from 'node:net';

export interface Conversation {
  readonly socket: Socket;
  /** Resolves when what has come so far matches. */
  until(pattern: RegExp): Promise<string>;
  /** All that came, when the server has ended the connection. */
  readonly ended: Promise<string>;
}

/** Connects with a socket of a file, and sends `text`. */
export function converse(path: string, text: string | Buffer): Conversation {
  const socket = connect({ path, allowHalfOpen: true });
  let got = '';
  const waiting = new Set<() => void>();
  socket.on('data', (chunk) => {
    got += chunk.toString('latin1');
    for (const look of waiting) look();
  });
  const ended = new Promise<string>((resolve) => {
    const over = (): void => resolve(got);
    socket.on('end', over).on('close', over).on('error', over);
    socket.on('end', () => socket.end());
  });
  socket.write(text);
  return {
    socket,
    ended,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!pattern.test(got)) return;
          waiting.delete(look);
          resolve(got);
        };
        waiting.add(look);
        look();
        void ended.then((all) => (pattern.test(all) ? resolve(all) : reject(new Error(`ended without ${String(pattern)}:\n${all}`))));
      }),
  };
}

export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** One request on a connection of its own. A body that is no string is sent as JSON. */
export async function ask(
  path: string,
  line: string,
  o: { readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<RawAnswer> {
  const body =
    o.body === undefined
      ? ''
      : typeof o.body === 'string' || Buffer.isBuffer(o.body)
        ? Buffer.from(o.body as string)
        : Buffer.from(JSON.stringify(o.body));
  const headers = {
    Host: 'd',
    Connection: 'close',
    ...(o.body !== undefined && { 'Content-Type': 'application/json', 'Content-Length': String(body.length) }),
    ...o.headers,
  };
  const text = `${line} HTTP/1.1\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`;
  const all = await converse(path, Buffer.concat([Buffer.from(text), Buffer.from(body)])).ended;
  const end = all.indexOf('\r\n\r\n');
  const head = all.slice(0, end);
  const rest = all.slice(end + 4);
  const chunked = /^transfer-encoding: chunked/im.test(head);
  return { status: Number(head.split(' ')[1]), head, body: Buffer.from(chunked ? unchunked(rest) : rest, 'latin1').toString('utf8') };
}

function unchunked(text: string): string {
  let out = '';
  for (let at = 0; at < text.length;) {
    const line = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, line), 16);
    if (!(size > 0)) break;
    out += text.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
  return out;
}
