// Messages on a stream: a byte that says whether it is compressed, four of length, and the message (grpc/doc/PROTOCOL-HTTP2.md).
import { Code, GrpcError } from './status.ts';

/** Bytes of a message, as BuildKit's clients and servers have it. */
const LARGEST_MESSAGE = 16 << 20;
const HEAD = 5;

export function frame(message: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(HEAD + message.length);
  out.writeUInt8(0, 0);
  out.writeUInt32BE(message.length, 1);
  out.set(message, HEAD);
  return out;
}

/** Takes bytes as they come, and gives whole messages. */
export class FrameReader {
  readonly #largest: number;
  #pieces: Buffer[] = [];
  #size = 0;
  /** Bytes of the frame that is being read; undefined before its head is there. */
  #wanted: number | undefined;

  constructor(largest = LARGEST_MESSAGE) {
    this.#largest = largest;
  }

  /** @throws GrpcError for a message that is too large, or compressed */
  *push(chunk: Buffer): Generator<Buffer> {
    this.#pieces.push(chunk);
    this.#size += chunk.length;
    for (;;) {
      if (this.#wanted === undefined) {
        if (this.#size < HEAD) return;
        const head = this.#take(HEAD);
        if (head.readUInt8(0) !== 0) throw new GrpcError(Code.unimplemented, 'compressed messages are not supported');
        this.#wanted = head.readUInt32BE(1);
        if (this.#wanted > this.#largest)
          throw new GrpcError(Code.resourceExhausted, `received message larger than max (${this.#wanted} vs. ${this.#largest})`);
      }
      if (this.#size < this.#wanted) return;
      const message = this.#take(this.#wanted);
      this.#wanted = undefined;
      yield message;
    }
  }

  /** Whether the stream ended within a message. */
  get truncated(): boolean {
    return this.#size > 0 || this.#wanted !== undefined;
  }

  #take(n: number): Buffer {
    this.#size -= n;
    const [first] = this.#pieces;
    if (first !== undefined && first.length >= n) {
      if (first.length === n) this.#pieces.shift();
      else this.#pieces[0] = first.subarray(n);
      return first.subarray(0, n);
    }
    const all = Buffer.concat(this.#pieces);
    this.#pieces = all.length > n ? [all.subarray(n)] : [];
    return all.subarray(0, n);
  }
}
