// Collects the pieces of a tar into large chunks for whoever hashes or writes them; file contents are read straight into place.
import fs from 'node:fs';
import { SlipwayError } from '../../model/index.ts';

const CHUNK = 1 << 20;

export class ChunkedOutput {
  size = 0;
  private readonly sink: (chunk: Buffer) => void;
  private readonly chunk = Buffer.allocUnsafeSlow(CHUNK);
  private used = 0;

  /** @param sink gets chunks that are valid only during the call */
  constructor(sink: (chunk: Buffer) => void) {
    this.sink = sink;
  }

  bytes(data: Buffer): void {
    for (let at = 0; at < data.length;) {
      const n = data.copy(this.chunk, this.used, at);
      at += n;
      this.advance(n);
    }
  }

  /**
   * Exactly `size` bytes of an open file. One that has become shorter goes on with zeros, if it is `padded`.
   * @throws `layer.changed` where it is not
   */
  file(fd: number, size: number, path: string, padded = false): void {
    for (let left = size; left > 0;) {
      const room = Math.min(left, CHUNK - this.used);
      let n = fs.readSync(fd, this.chunk, this.used, room, null);
      if (n === 0 && padded) {
        this.chunk.fill(0, this.used, this.used + room);
        n = room;
      }
      if (n === 0) throw new SlipwayError('failed-precondition', 'layer.changed', `${path} became shorter while it was read`);
      left -= n;
      this.advance(n);
    }
  }

  flush(): void {
    if (this.used > 0) this.sink(this.chunk.subarray(0, this.used));
    this.used = 0;
  }

  private advance(n: number): void {
    this.used += n;
    this.size += n;
    if (this.used === CHUNK) this.flush();
  }
}
