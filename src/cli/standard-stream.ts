// Standard output and standard error. Node's streams for them take 3 ms to load, and what goes to a file or a pipe needs none: it is written
// at once. Terminals get Node's stream, and so does a pipe that another program has made non-blocking, once it is full.
import { constants, fstatSync, writeSync } from 'node:fs';
import { printableWithColor } from '../util/index.ts';
import type { Output } from './command.ts';

/** Their major number. */
const MEMORY_DEVICES = 1;

type StreamName = 'stdout' | 'stderr';

export class StandardStream implements Output {
  readonly #name: StreamName;
  readonly #fd: number;
  readonly #exit: (code: number) => void;
  #stream: NodeJS.WriteStream | undefined;

  /** `exit` is called when it cannot be written: with 0 for a pipe that nobody reads any more, with 1 for everything else. */
  constructor(name: StreamName, exit: (code: number) => void) {
    this.#name = name;
    this.#exit = exit;
    this.#fd = name === 'stdout' ? 1 : 2;
    if (needsStream(this.#fd)) this.#open();
  }

  get isTTY(): boolean {
    return this.#stream?.isTTY ?? false;
  }

  get columns(): number | undefined {
    return this.#stream?.columns;
  }

  get rows(): number | undefined {
    return this.#stream?.rows;
  }

  /** Text is made printable on a terminal; bytes are what containers and screens write, and pass as they are (decision 022). */
  write(text: string | Uint8Array): unknown {
    const stream = this.#stream;
    if (stream !== undefined) return stream.write(typeof text === 'string' && stream.isTTY ? printableWithColor(text) : text);
    let rest = typeof text === 'string' ? Buffer.from(text) : text;
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(this.#fd, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return this.#open().write(rest);
      this.#failed(error as NodeJS.ErrnoException);
    }
    return true;
  }

  /** Calls back when everything was written. */
  ended(then: () => void): void {
    if (this.#stream?.writableLength) this.#stream.once('drain', then);
    else then();
  }

  #open(): NodeJS.WriteStream {
    this.#stream = process[this.#name];
    this.#stream.on('error', (error: NodeJS.ErrnoException) => this.#failed(error));
    return this.#stream;
  }

  #failed(error: NodeJS.ErrnoException): void {
    this.#exit(error.code === 'EPIPE' ? 0 : 1);
  }
}

/** Whether Node has to look at it: for all devices but /dev/null and its like (mem(4)), and for what is not open. */
function needsStream(fd: number): boolean {
  try {
    const { rdev, mode } = fstatSync(fd);
    return (mode & constants.S_IFMT) === constants.S_IFCHR && rdev >> 8 !== MEMORY_DEVICES;
  } catch {
    return true;
  }
}
