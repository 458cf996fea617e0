// Big blobs on their way into the store: hashed in another thread, and written back to the disk while more is coming, so that the one
// fsync at the end has little left to do. Small ones share a simple way. Either ends in the content store's own publication.
import fs from 'node:fs';
import type { Lease } from '../../content/index.ts';
import type { Digest } from '../../model/index.ts';
import { isNoSpace, noSpaceError } from '../../store/index.ts';
import { CHUNK, LocalHash, ParallelHash } from './parallel-hash.ts';
import type { ChunkHash } from './parallel-hash.ts';
import type { ImageStore } from '../store.ts';

/** From this size on (bytes) another thread pays. */
const PARALLEL_FROM = 16 << 20;
const WRITE_BACK_EVERY = 64 << 20;

export interface StoredBlob {
  readonly digest: Digest;
  readonly size: number;
}

/** Makes blobs one after another, all held by one lease. */
export class BlobWriters {
  private readonly store: ImageStore;
  private readonly lease: Lease;
  private parallel: ParallelHash | undefined;
  private local: LocalHash | undefined;
  private readonly unfinished = new Set<BlobWriter>();

  constructor(store: ImageStore, lease: Lease) {
    this.store = store;
    this.lease = lease;
  }

  /** Holds a blob that is there already. */
  hold(digest: Digest): StoredBlob | undefined {
    const { content } = this.store;
    if (!content.hold(digest, this.lease)) return undefined;
    return { digest, size: content.info(digest)?.size ?? 0 };
  }

  /** A small blob that is in memory. */
  add(bytes: Buffer): StoredBlob {
    return { digest: this.store.content.add(bytes, this.lease), size: bytes.length };
  }

  /** @param size how large it will be, as far as that is known */
  begin(size: number | undefined): BlobWriter {
    const hash = size !== undefined && size < PARALLEL_FROM ? (this.local ??= new LocalHash()) : (this.parallel ??= new ParallelHash());
    const writer: BlobWriter = new BlobWriter(this.store, this.lease, hash, () => this.unfinished.delete(writer));
    this.unfinished.add(writer);
    return writer;
  }

  /** Ends threads and whatever was not finished. */
  dispose(): void {
    for (const writer of this.unfinished) writer.abort();
    this.parallel?.close();
  }
}

export class BlobWriter {
  size = 0;
  private readonly store: ImageStore;
  private readonly lease: Lease;
  private readonly hash: ChunkHash;
  private readonly ended: () => void;
  private readonly path: string;
  private fd: number;
  private chunk: Buffer;
  private used = 0;
  private written = 0;
  private writtenBack = 0;
  private writingBack = false;

  constructor(store: ImageStore, lease: Lease, hash: ChunkHash, ended: () => void) {
    this.store = store;
    this.lease = lease;
    this.hash = hash;
    this.ended = ended;
    this.path = store.content.ingestPath();
    this.fd = this.guard(() => fs.openSync(this.path, 'wx', 0o600));
    this.chunk = hash.next();
  }

  /** Takes bytes; the buffer may be reused afterwards. @throws SlipwayError `store.full` */
  write(data: Buffer): void {
    for (let at = 0; at < data.length;) {
      const n = data.copy(this.chunk, this.used, at);
      at += n;
      this.advance(n);
    }
  }

  /** Reads bytes straight into place; `read` fills a buffer and says how much, 0 at the end. */
  fill(read: (target: Buffer) => number): number {
    const n = read(this.chunk.subarray(this.used));
    if (n > 0) this.advance(n);
    return n;
  }

  /** Makes the blob visible under the lease. `check` sees what it is before that, and may throw. */
  commit(check?: (blob: StoredBlob) => void): StoredBlob {
    try {
      this.flush();
      const blob: StoredBlob = { digest: `sha256:${this.hash.digest()}`, size: this.size };
      check?.(blob);
      this.guard(() => fs.fsyncSync(this.fd));
      this.close();
      this.guard(() => this.store.content.publish(this.path, blob.digest, blob.size, this.lease));
      this.ended();
      return blob;
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  abort(): void {
    this.close();
    fs.rmSync(this.path, { force: true });
    this.ended();
  }

  private advance(n: number): void {
    this.used += n;
    this.size += n;
    if (this.used === CHUNK) this.flush();
  }

  private flush(): void {
    if (this.used === 0) return;
    const chunk = this.chunk.subarray(0, this.used);
    this.hash.push(this.used);
    this.guard(() => {
      for (let at = 0; at < chunk.length;) at += fs.writeSync(this.fd, chunk, at);
    });
    this.written += this.used;
    this.used = 0;
    this.chunk = this.hash.next();
    if (this.written - this.writtenBack >= WRITE_BACK_EVERY) this.writeBack();
  }

  private writeBack(): void {
    if (this.writingBack) return;
    this.writtenBack = this.written;
    this.writingBack = true;
    const { fd } = this;
    // A failure shows again in the fsync of `commit`. Whoever closes the file meanwhile leaves the descriptor to this.
    fs.fdatasync(fd, () => {
      this.writingBack = false;
      if (this.fd < 0) fs.closeSync(fd);
    });
  }

  private close(): void {
    if (this.fd >= 0 && !this.writingBack) fs.closeSync(this.fd);
    this.fd = -1;
  }

  private guard<T>(fn: () => T): T {
    try {
      return fn();
    } catch (error) {
      throw isNoSpace(error) ? noSpaceError(this.store.layout.root, error) : error;
    }
  }
}
