// A client's connection with the monitor of a container: what the container writes comes in packets, what the client reads goes the other
// way. The container belongs to its monitor: it goes on when the connection, or the client, ends.
import { close, closeSync, openSync, read, write, writeSync, constants } from 'node:fs';
import { join } from 'node:path';
import { connectPacketSocket, shutdownSocket } from '../sys/index.ts';
import { copyInput, type Escape } from './input.ts';
import type { InputSource, OutputSinks } from './types.ts';

/** What conmon puts before the data of a packet; others are none of ours. */
const STDOUT = 2;
const STDERR = 3;
/** More than conmon ever sends at once, and the most that it takes. */
const PACKET = 32 << 10;
const RESIZE = 1;

export class Attachment {
  readonly #fd: number;
  readonly #bundle: string;
  #over = false;

  private constructor(fd: number, bundle: string) {
    this.#fd = fd;
    this.#bundle = bundle;
  }

  /** @throws a system error when no monitor has the container of this bundle */
  static connect(bundle: string): Attachment {
    return new Attachment(connectPacketSocket(join(bundle, 'attach')), bundle);
  }

  /** Hands out what the container writes, until it has ended or `detach` was called. Then the connection is closed. */
  async receive(to: OutputSinks): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(PACKET);
    try {
      for (;;) {
        const n = await this.#read(buffer);
        if (n === 0) return;
        const data = Buffer.from(buffer.subarray(1, n)); // a copy: whoever gets it may keep it
        if (buffer[0] === STDOUT) to.stdout(data);
        else if (buffer[0] === STDERR) to.stderr(data);
        if (to.ready !== undefined) await to.ready();
      }
    } finally {
      this.#over = true;
      close(this.#fd, () => {});
    }
  }

  /** Passes on what `source` gives, and its end. Returns how to stop. */
  send(source: InputSource, escape?: Escape): () => void {
    return copyInput(source, {
      write: (chunk) => this.#write(chunk),
      end: () => {
        if (!this.#over) shutdownSocket(this.#fd, 'write');
      },
      escape,
    });
  }

  resize(size: { readonly columns: number; readonly rows: number }): void {
    resizeThrough(this.#bundle, size);
  }

  detach(): void {
    if (!this.#over) shutdownSocket(this.#fd, 'both');
  }

  #read(buffer: Buffer): Promise<number> {
    return new Promise((resolve, reject) => {
      const next = (): void =>
        read(this.#fd, buffer, 0, PACKET, null, (error, n) => {
          // the monitor had not read everything that we sent; what it sent before is still there
          if (error?.code === 'ECONNRESET') next();
          else if (error) reject(error);
          else resolve(n);
        });
      next();
    });
  }

  async #write(chunk: Buffer): Promise<boolean> {
    for (let at = 0; at < chunk.length; at += PACKET) {
      if (this.#over) return false;
      const piece = chunk.subarray(at, at + PACKET);
      const sent = await new Promise<boolean>((resolve) => write(this.#fd, piece, (error) => resolve(error === null)));
      if (!sent) return false;
    }
    return true;
  }
}

/** Tells the terminal of the container of this bundle how large its window is. */
export function resizeThrough(bundle: string, { columns, rows }: { readonly columns: number; readonly rows: number }): void {
  try {
    const fd = openSync(join(bundle, 'ctl'), constants.O_WRONLY | constants.O_NONBLOCK);
    writeSync(fd, `${RESIZE} ${rows} ${columns}\n`);
    closeSync(fd);
  } catch {
    // it has just ended
  }
}
