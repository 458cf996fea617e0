// A stream of bytes that travels in messages: what `Control.Session` carries is another HTTP/2 connection.
import { Duplex } from 'node:stream';

/** Bytes of one message. */
const LARGEST = 1 << 20;

export class BytesPipe extends Duplex {
  readonly #incoming: AsyncIterator<{ readonly data: Uint8Array }>;
  readonly #outgoing: Buffer[] = [];
  #wake: (() => void) | undefined;
  #written: (() => void) | undefined;
  #ended = false;
  #reading = false;

  constructor(incoming: AsyncIterable<{ readonly data: Uint8Array }>) {
    super({ highWaterMark: LARGEST });
    this.#incoming = incoming[Symbol.asyncIterator]();
    this.on('error', () => {}); // whoever uses the connection is told
  }

  /** What goes to the other side, until the stream ends. */
  async *outgoing(): AsyncGenerator<{ data: Uint8Array }> {
    try {
      for (;;) {
        if (this.#outgoing.length > 0) {
          const data = this.#outgoing.length === 1 ? (this.#outgoing[0] as Buffer) : Buffer.concat(this.#outgoing);
          this.#outgoing.length = 0;
          const written = this.#written;
          this.#written = undefined;
          for (let at = 0; at < data.length; at += LARGEST) yield { data: data.subarray(at, at + LARGEST) };
          written?.();
        } else if (this.#ended) return;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      this.destroy();
    }
  }

  override _read(): void {
    if (this.#reading) return;
    this.#reading = true;
    const next = (): void => {
      this.#incoming.next().then(
        ({ done, value }) => {
          if (done === true) {
            this.push(null);
            return;
          }
          this.#reading = false;
          if (value.data.length === 0 || this.push(Buffer.from(value.data))) this._read();
        },
        (e: unknown) => this.destroy(e as Error),
      );
    };
    next();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#outgoing.push(chunk);
    this.#written = done;
    this.#wake?.();
  }

  override _final(done: () => void): void {
    this.#ended = true;
    this.#wake?.();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#ended = true;
    this.#wake?.();
    this.#written?.();
    void this.#incoming.return?.().then(
      () => {},
      () => {},
    );
    done(error);
  }
}
