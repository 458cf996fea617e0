// One blob on its way into the store. It is written to a file that bears its digest, so that what a killed process had got is
// gone on with, by whoever asks next; others wait. Readers may follow the file as it grows.
import { createHash } from 'node:crypto';
import { closeSync, fsync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ContentStore, Lease } from '../content/index.ts';
import { type Descriptor, digestHex, SlipwayError } from '../model/index.ts';
import { isNoSpace, type Layout, noSpaceError } from '../store/index.ts';
import { FileLock } from '../sys/index.ts';
import { crashPoint, deferred } from '../util/index.ts';
import type { Repository } from './repository.ts';

const CHUNK = 1 << 20;

export interface DownloadOptions {
  readonly content: ContentStore;
  readonly layout: Layout;
  readonly repository: Repository;
  readonly descriptor: Descriptor;
  /** Holds the blob once it is there. */
  readonly leases: readonly Lease[];
  readonly signal: AbortSignal;
  onProgress?(current: number): void;
}

export class Download {
  readonly descriptor: Descriptor;
  readonly #o: DownloadOptions;
  /** The growing file, or the blob. */
  #path: string | undefined;
  #available = 0;
  #grown = deferred();
  #done: Promise<void> | undefined;

  constructor(o: DownloadOptions) {
    this.#o = o;
    this.descriptor = o.descriptor;
  }

  get digest(): Descriptor['digest'] {
    return this.descriptor.digest;
  }

  get size(): number {
    return this.descriptor.size;
  }

  /** Begins, once; ends when the blob is whole, verified and held. */
  verified(): Promise<void> {
    if (this.#done === undefined) {
      this.#done = this.#run();
      // Told to whoever awaits it; a reader of chunks is told too.
      this.#done.catch(() => {}).finally(() => this.#grown.resolve());
    }
    return this.#done;
  }

  /** The bytes from the beginning, as they come. Throws what the download throws. */
  async *chunks(): AsyncGenerator<Buffer> {
    const done = this.verified();
    let ended = false;
    done.then(
      () => (ended = true),
      () => (ended = true),
    );
    let fd: number | undefined;
    try {
      for (let at = 0; at < this.size;) {
        const grown = this.#grown.promise;
        if (this.#available > at && this.#path !== undefined) {
          // The open file stays what it is when it is renamed to its place.
          fd ??= openSync(this.#path, 'r');
          // Whoever decompresses may still hold the piece before.
          const buffer = Buffer.allocUnsafe(Math.min(CHUNK, this.#available - at));
          const n = readSync(fd, buffer, 0, buffer.length, at);
          at += n;
          yield buffer.subarray(0, n);
          continue;
        }
        if (ended) break;
        await grown;
      }
      await done;
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }

  async #run(): Promise<void> {
    const { content, layout, leases, signal } = this.#o;
    const hex = digestHex(this.digest);
    if (this.#present()) return;
    using _lock = await FileLock.acquire(join(layout.locks, `download-${hex}`), 'exclusive', { remove: true, signal });
    if (this.#present()) return;
    // Without an owner in its name, the collector leaves it alone for a day.
    const path = join(layout.ingest, `download-${hex}`);
    const hash = createHash('sha256');
    const fd = openSync(path, 'a+', 0o600);
    try {
      let at = hashed(fd, hash, Math.min(statSync(path).size, this.size));
      this.#grow(path, at);
      for await (const chunk of at < this.size ? this.#o.repository.blob(this.digest, at, this.size) : []) {
        if (at + chunk.length > this.size) throw wrong(this.descriptor, `more than the ${this.size} bytes that were announced`);
        writeFully(fd, chunk, layout.root);
        hash.update(chunk);
        crashPoint('download.chunk');
        this.#grow(path, (at += chunk.length));
        signal.throwIfAborted();
      }
      if (at !== this.size) throw wrong(this.descriptor, `${at} bytes instead of ${this.size}`);
      const digest = `sha256:${hash.digest('hex')}`;
      if (digest !== this.digest) throw wrong(this.descriptor, `what has the digest ${digest}`);
      await promisify(fsync)(fd);
      crashPoint('download.synced');
      content.publish(path, this.digest, this.size, ...leases);
      // Whoever has not opened it yet finds it there now.
      this.#path = content.path(this.digest);
    } catch (e) {
      // What is wrong must not be gone on with.
      if (e instanceof SlipwayError && e.kind === 'data-loss') rmSync(path, { force: true });
      throw e instanceof SlipwayError && e.kind === 'not-found' && (this.descriptor.urls ?? []).length > 0 ? elsewhere(this.descriptor) : e;
    } finally {
      closeSync(fd);
    }
  }

  /** Takes a blob that is there already. */
  #present(): boolean {
    const { content, leases } = this.#o;
    const held = leases.map((lease) => content.hold(this.digest, lease));
    if (held.length === 0 ? !content.has(this.digest) : !held.every(Boolean)) return false;
    this.#grow(content.path(this.digest), this.size);
    return true;
  }

  #grow(path: string, available: number): void {
    this.#path = path;
    this.#available = available;
    this.#o.onProgress?.(available);
    const { resolve } = this.#grown;
    this.#grown = deferred();
    resolve();
  }
}

/** Takes the first `size` bytes of a file into a hash. */
function hashed(fd: number, hash: ReturnType<typeof createHash>, size: number): number {
  const buffer = Buffer.allocUnsafe(CHUNK);
  let at = 0;
  while (at < size) {
    const n = readSync(fd, buffer, 0, Math.min(CHUNK, size - at), at);
    if (n === 0) break;
    hash.update(buffer.subarray(0, n));
    at += n;
  }
  return at;
}

function writeFully(fd: number, chunk: Buffer, root: string): void {
  try {
    for (let at = 0; at < chunk.length;) at += writeSync(fd, chunk, at);
  } catch (e) {
    throw isNoSpace(e) ? noSpaceError(root, e) : e;
  }
}

const wrong = (d: Descriptor, what: string): SlipwayError =>
  new SlipwayError('data-loss', 'registry.mismatch', `blob ${d.digest} is not what was announced: the registry gave ${what}`, {
    hints: ['the registry, or something between here and there, is broken: try again, or from another one'],
  });

const elsewhere = (d: Descriptor): SlipwayError =>
  new SlipwayError('unsupported', 'registry.foreign-layer', `layer ${d.digest} is not kept by the registry, but at ${d.urls![0]}`, {
    hints: ['Slipway fetches layers from the registry alone: an image chooses the addresses that others are sent to'],
  });
