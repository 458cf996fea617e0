// Where an archive goes: a file, which appears under its name only when it is complete, an open descriptor, or a stream. Producers are
// synchronous; between members they wait for streams to catch up.
import fs from 'node:fs';
import { once } from 'node:events';
import { basename, dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { END_OF_ARCHIVE, encodeHeader, padding } from '../../archive/index.ts';
import type { TarEntry } from '../../archive/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { isNoSpace, noSpaceError } from '../../store/index.ts';
import { openOutput } from '../../sys/index.ts';
import { randomId } from '../../util/index.ts';

/** A path, a descriptor that is written synchronously, or a stream. */
export type ArchiveTarget = string | number | Writable;

export interface Sink {
  /** Takes bytes; the buffer may be reused afterwards. */
  write(chunk: Buffer): void;
  /** Lets a slow reader catch up. */
  drain(): Promise<void>;
  /** True where `write` itself waits for the reader, so that any amount may be written without `drain`. */
  readonly waits: boolean;
  /** Completes the archive. */
  finish(): Promise<void>;
  /** Leaves nothing behind where that is possible. */
  abort(): void;
}

export interface SinkOptions {
  /** A link to a file, or to nothing, is an error; else it is written through. */
  readonly refuseLinks?: boolean;
}

/**
 * A named pipe is waited for until somebody reads from it.
 * @throws invalid-argument `archive.link`; system errors, ENOTREG for sockets and disks; the signal's reason
 */
export async function openSink(target: ArchiveTarget, signal?: AbortSignal, o: SinkOptions = {}): Promise<Sink> {
  if (typeof target === 'number') return new DescriptorSink(target);
  if (typeof target !== 'string') return new StreamSink(target);
  const stats = fs.statSync(target, { throwIfNoEntry: false });
  if (stats === undefined || stats.isFile()) {
    if (o.refuseLinks !== true) return new FileSink(fs.existsSync(target) ? fs.realpathSync(target) : target);
    if (fs.lstatSync(target, { throwIfNoEntry: false })?.isSymbolicLink() === true) throw isLink(target);
    return new FileSink(target); // which replaces a link that comes now
  }
  return new DescriptorSink(await openOutput(target, signal), true);
}

const isLink = (path: string): SlipwayError =>
  new SlipwayError('invalid-argument', 'archive.link', `cannot write to a symbolic link directly: ${path}`, {
    hints: [`name the file that it leads to: ${fs.readlinkSync(path)}`],
  });

/** Writes the members of a tar of plain files and directories, all of the same owner and time. */
export class TarSink {
  private readonly sink: Sink;
  private readonly common: Pick<TarEntry, 'uid' | 'gid' | 'mtimeNs'>;

  /** @param time of every member, in seconds since the epoch */
  constructor(sink: Sink, time = 0) {
    this.sink = sink;
    this.common = { uid: 0, gid: 0, mtimeNs: BigInt(time) * 1_000_000_000n };
  }

  directory(path: string): void {
    this.sink.write(encodeHeader({ ...this.common, path, type: 'dir', mode: 0o755, size: 0 }));
  }

  file(path: string, content: Buffer): void {
    this.begin(path, content.length);
    this.sink.write(content);
    this.end(content.length);
  }

  /** A member whose bytes follow by `write` of the sink, and then `end`. */
  begin(path: string, size: number): void {
    this.sink.write(encodeHeader({ ...this.common, path, type: 'file', mode: 0o644, size }));
  }

  end(size: number): void {
    this.sink.write(padding(size));
  }

  finish(): void {
    this.sink.write(END_OF_ARCHIVE);
  }
}

class DescriptorSink implements Sink {
  readonly waits = true;
  private readonly fd: number;
  private owned: boolean;

  constructor(fd: number, owned = false) {
    this.fd = fd;
    this.owned = owned;
  }

  write(chunk: Buffer): void {
    writeFully(this.fd, chunk);
  }

  async drain(): Promise<void> {}

  async finish(): Promise<void> {
    this.abort();
  }

  abort(): void {
    if (!this.owned) return;
    this.owned = false;
    fs.closeSync(this.fd);
  }
}

class FileSink implements Sink {
  readonly waits = true;
  private readonly path: string;
  private readonly aside: string;
  private readonly fd: number;
  private open = true;

  constructor(path: string) {
    this.path = path;
    this.aside = join(dirname(this.path), `.${basename(this.path).slice(0, 200)}.${randomId(12)}.part`);
    this.fd = fs.openSync(this.aside, 'wx', 0o600);
  }

  write(chunk: Buffer): void {
    try {
      writeFully(this.fd, chunk);
    } catch (error) {
      throw isNoSpace(error) ? noSpaceError(dirname(this.path), error) : error;
    }
  }

  async drain(): Promise<void> {}

  async finish(): Promise<void> {
    this.close();
    fs.renameSync(this.aside, this.path);
  }

  abort(): void {
    if (this.open) this.close();
    fs.rmSync(this.aside, { force: true });
  }

  private close(): void {
    this.open = false;
    fs.closeSync(this.fd);
  }
}

class StreamSink implements Sink {
  readonly waits = false;
  private readonly stream: Writable;
  private failure: Error | undefined;

  constructor(stream: Writable) {
    this.stream = stream;
    stream.on('error', (error: Error) => void (this.failure ??= error));
  }

  write(chunk: Buffer): void {
    this.check();
    this.stream.write(Buffer.from(chunk));
  }

  async drain(): Promise<void> {
    this.check();
    if (this.stream.writableNeedDrain) await Promise.race([once(this.stream, 'drain'), once(this.stream, 'close')]);
    this.check();
  }

  async finish(): Promise<void> {
    this.check();
    await new Promise<void>((resolve, reject) => {
      this.stream.once('error', reject);
      this.stream.end(resolve);
    });
  }

  abort(): void {
    this.stream.destroy();
  }

  private check(): void {
    if (this.failure !== undefined) throw this.failure;
    if (this.stream.destroyed) throw Object.assign(new Error('the stream was closed'), { code: 'EPIPE' });
  }
}

/** Pipes that are shared with other programs may be non-blocking: then the reader is waited for here. */
function writeFully(fd: number, chunk: Buffer): void {
  for (let at = 0; at < chunk.length;) {
    try {
      at += fs.writeSync(fd, chunk, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(PAUSE, 0, 0, 2);
    }
  }
}

const PAUSE = new Int32Array(new SharedArrayBuffer(4));
