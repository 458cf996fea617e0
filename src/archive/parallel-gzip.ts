// gzip on all cores: pieces of the input are deflated side by side in the thread pool, each with the end of the piece before it
// as its dictionary, and put together to one member (RFC 1952). The same input gives the same bytes, whatever the timing.
import { Transform, type TransformCallback } from 'node:stream';
import { constants, crc32, deflateRaw } from 'node:zlib';

/** Bytes of input deflated at a time. */
const PIECE = 1 << 20;
/** How far back deflate refers (RFC 1951). */
const WINDOW = 32 << 10;
/** Magic, deflate, no flags, no time, no level said, unknown system. */
const HEAD = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
/** An empty last block with fixed codes. */
const LAST = Buffer.from([0x03, 0x00]);

export class ParallelGzip extends Transform {
  readonly #level: number;
  readonly #jobs: number;
  readonly #running: Promise<Buffer>[] = [];
  #piece = Buffer.allocUnsafe(PIECE);
  #used = 0;
  #dictionary: Buffer | undefined;
  #crc = 0;
  #size = 0;

  /** @param level of zlib, 1 to 9 @param jobs pieces deflated at once */
  constructor(level: number, jobs: number) {
    super({ highWaterMark: PIECE });
    this.#level = level;
    this.#jobs = jobs;
    this.push(HEAD);
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#take(chunk).then(() => done(), done);
  }

  override _flush(done: TransformCallback): void {
    (async () => {
      this.#start();
      while (this.#running.length > 0) await this.#emit();
      const end = Buffer.alloc(8);
      end.writeUInt32LE(this.#crc, 0);
      end.writeUInt32LE(this.#size % 2 ** 32, 4);
      this.push(Buffer.concat([LAST, end]));
    })().then(() => done(), done);
  }

  async #take(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      const n = chunk.copy(this.#piece, this.#used, at);
      at += n;
      this.#used += n;
      if (this.#used < PIECE) continue;
      this.#start();
      if (this.#running.length > this.#jobs) await this.#emit();
    }
  }

  #start(): void {
    if (this.#used === 0) return;
    const piece = this.#piece.subarray(0, this.#used);
    this.#crc = crc32(piece, this.#crc);
    this.#size += piece.length;
    const dictionary = this.#dictionary;
    this.#dictionary = piece.subarray(Math.max(0, piece.length - WINDOW));
    this.#piece = Buffer.allocUnsafe(PIECE);
    this.#used = 0;
    this.#running.push(
      new Promise((resolve, reject) => {
        const options = { level: this.#level, finishFlush: constants.Z_SYNC_FLUSH, ...(dictionary && { dictionary }) };
        deflateRaw(piece, options, (error, out) => (error ? reject(error) : resolve(out)));
      }),
    );
  }

  async #emit(): Promise<void> {
    this.push(await this.#running.shift());
  }
}
