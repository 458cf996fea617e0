// WebSockets, as far as `attach/ws` needs them (RFC 6455): messages of bytes both ways, pings, and the end. What clients send is of bounded size.
import { createHash } from 'node:crypto';
import { Readable, type Duplex, Writable } from 'node:stream';
import { SlipwayError } from '../../model/index.ts';
import type { Hijacked } from './hijacked.ts';

const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** Bytes of one frame. */
const LARGEST = 1 << 20;
const Op = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** The answer to `Sec-WebSocket-Key` (section 4.2.2). @throws SlipwayError `api.websocket` for what is no key */
export function acceptKey(key: string | undefined): string {
  if (key === undefined || !/^[A-Za-z0-9+/]{22}==$/.test(key))
    throw new SlipwayError('invalid-argument', 'api.websocket', 'invalid Sec-WebSocket-Key');
  return createHash('sha1').update(`${key}${MAGIC}`).digest('base64');
}

/** Section 5.2; a server does not mask. */
export function encodeFrame(op: number, data: Uint8Array): Buffer {
  const head = Buffer.alloc(data.length < 126 ? 2 : data.length < 65_536 ? 4 : 10);
  head[0] = 0x80 | op;
  if (data.length < 126) head[1] = data.length;
  else if (data.length < 65_536) head[1] = 126;
  else head[1] = 127;
  if (head.length === 4) head.writeUInt16BE(data.length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(data.length), 2);
  return Buffer.concat([head, data]);
}

interface Frame {
  readonly op: number;
  readonly data: Buffer;
}

/** Takes frames apart as their bytes come. @throws SlipwayError `api.websocket` */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  feed(chunk: Buffer): Frame[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    for (let next = this.#next(); next !== undefined; next = this.#next()) frames.push(next);
    return frames;
  }

  #next(): Frame | undefined {
    const bytes = this.#rest;
    if (bytes.length < 2) return undefined;
    const [first = 0, second = 0] = bytes;
    if ((second & 0x80) === 0) throw new SlipwayError('invalid-argument', 'api.websocket', 'a client masks what it sends');
    const short = second & 0x7f;
    const start = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (bytes.length < start + 4) return undefined;
    const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
    if (length > LARGEST) throw new SlipwayError('invalid-argument', 'api.websocket', `a frame has at most ${LARGEST} bytes`);
    if (bytes.length < start + 4 + length) return undefined;
    const mask = bytes.subarray(start, start + 4);
    const data = Buffer.from(bytes.subarray(start + 4, start + 4 + length));
    for (let i = 0; i < length; i++) data[i] = data[i]! ^ mask[i & 3]!;
    this.#rest = bytes.subarray(start + 4 + length);
    return { op: first & 0x0f, data };
  }
}

/** The messages of a connection as streams of bytes. */
export function overWebSocket(connection: Duplex): Hijacked {
  const reader = new FrameReader();
  const input = new Readable({ read: () => void connection.resume() });
  const end = (): void => void input.push(null);
  connection.on('data', (chunk: Buffer) => {
    try {
      for (const { op, data } of reader.feed(chunk)) {
        if (op === Op.close) end();
        else if (op === Op.ping) connection.write(encodeFrame(Op.pong, data));
        else if (op !== Op.pong && !input.push(data)) connection.pause();
      }
    } catch {
      connection.destroy();
    }
  });
  connection.on('end', end).on('close', end);
  const output = new Writable({
    write: (chunk: Buffer, _encoding, done) => void connection.write(encodeFrame(Op.binary, chunk), done),
    final: (done) => void connection.end(encodeFrame(Op.close, Buffer.from([0x03, 0xe8])), done),
  });
  connection.on('close', () => output.destroy());
  return { input, output };
}
