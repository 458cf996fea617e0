// The frames of the Debug Adapter Protocol: headers, an empty line, and so many bytes of JSON (microsoft.github.io/debug-adapter-protocol,
// "Base protocol").
import type { DebugProtocol } from '@vscode/debugprotocol';
import { SlipwayError } from '../../model/index.ts';

/** Bytes of one message, and of its headers. */
const LARGEST = 16 << 20;
const LARGEST_HEAD = 8 << 10;

export function frame(message: DebugProtocol.ProtocolMessage): Buffer {
  const body = Buffer.from(JSON.stringify(message));
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]);
}

export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** The messages that are whole now. @throws SlipwayError invalid-argument `dap.frame` */
  read(chunk: Buffer): DebugProtocol.ProtocolMessage[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const messages: DebugProtocol.ProtocolMessage[] = [];
    for (let next = this.#next(); next !== undefined; next = this.#next()) messages.push(next);
    return messages;
  }

  #next(): DebugProtocol.ProtocolMessage | undefined {
    const end = this.#rest.indexOf('\r\n\r\n');
    if (end < 0) {
      if (this.#rest.length > LARGEST_HEAD) throw wrong('its headers do not end');
      return undefined;
    }
    const length = Number(/^content-length: *(\d+) *$/im.exec(this.#rest.toString('latin1', 0, end))?.[1]);
    if (!Number.isSafeInteger(length)) throw wrong('it has no Content-Length');
    if (length > LARGEST) throw wrong(`it has more than ${LARGEST} bytes`);
    const from = end + 4;
    if (this.#rest.length < from + length) return undefined;
    const text = this.#rest.toString('utf8', from, from + length);
    this.#rest = this.#rest.subarray(from + length);
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      throw wrong('it is no JSON');
    }
    if (typeof message !== 'object' || message === null || !('type' in message)) throw wrong('it is no message');
    return message as DebugProtocol.ProtocolMessage;
  }
}

const wrong = (why: string): SlipwayError =>
  new SlipwayError('invalid-argument', 'dap.frame', `what comes in is not the Debug Adapter Protocol: ${why}`, {
    hints: ['slipway dap is started by an editor; docs/guide/debugging.md shows how'],
  });
