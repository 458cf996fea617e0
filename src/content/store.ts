// Blobs: immutable bytes named by their digest. A blob is invisible until it is whole: it is written aside, hashed on the
// way, fsynced, renamed, and recorded in one transaction with the lease that holds it.
import {
  closeSync,
  createReadStream,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { createHash, type Hash } from 'node:crypto';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type Descriptor, type Digest, digestHex, sha256, SlipwayError } from '../model/index.ts';
import { type Database, isNoSpace, type Layout, noSpaceError, ownedName } from '../store/index.ts';
import { syncDirectory } from '../sys/index.ts';
import { crashPoint } from '../util/index.ts';
import type { Lease } from './leases.ts';

export interface BlobInfo {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** ms since the epoch. */
  readonly createdAt: number;
}

export interface IngestOptions {
  /** What the bytes must turn out to be. */
  readonly expected?: { readonly digest?: Digest; readonly size?: number };
  /** Holds the blob once it is there. */
  readonly lease?: Lease;
}

/** Bytes read at a time when a blob is verified. */
const CHUNK = 1 << 20;

/** A blob on its way in. Exactly one of `commit` and `abort` ends it. */
export class Ingestion {
  readonly #store: ContentStore;
  readonly #layout: Layout;
  readonly #o: IngestOptions;
  readonly #path: string;
  readonly #hash: Hash = createHash('sha256');
  #fd: number | undefined;
  #size = 0;

  constructor(store: ContentStore, layout: Layout, o: IngestOptions) {
    this.#store = store;
    this.#layout = layout;
    this.#o = o;
    this.#path = store.ingestPath();
    this.#fd = this.#guard(() => openSync(this.#path, 'wx', 0o600));
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  /** Takes the next bytes; they may be reused afterwards. @throws SlipwayError `content.too-long` or no-space. */
  write(chunk: Uint8Array): void {
    const limit = this.#o.expected?.size;
    if (limit !== undefined && this.#size + chunk.length > limit) {
      this.abort();
      throw new SlipwayError('data-loss', 'content.too-long', `a blob is longer than the ${limit} bytes that were announced`);
    }
    const fd = this.#fd as number;
    this.#guard(() => {
      for (let at = 0; at < chunk.length;) at += writeSync(fd, chunk, at);
    });
    this.#hash.update(chunk);
    this.#size += chunk.length;
  }

  /** Makes the blob visible. @throws SlipwayError `content.mismatch` when it is not what was expected. */
  commit(): { digest: Digest; size: number } {
    const digest: Digest = `sha256:${this.#hash.digest('hex')}`;
    const { expected, lease } = this.#o;
    if ((expected?.digest !== undefined && expected.digest !== digest) || (expected?.size !== undefined && expected.size !== this.#size)) {
      this.abort();
      const wanted =
        expected.digest !== undefined && expected.digest !== digest
          ? `digest ${expected.digest}, got ${digest}`
          : `${expected.size} bytes, got ${this.#size}`;
      throw new SlipwayError('data-loss', 'content.mismatch', `a blob is not what was announced: expected ${wanted}`);
    }
    const fd = this.#fd as number;
    try {
      this.#guard(() => fsyncSync(fd));
      crashPoint('blob.synced');
      closeSync(fd);
      this.#fd = undefined;
      this.#store.publish(this.#path, digest, this.#size, lease);
    } catch (e) {
      this.abort();
      throw e;
    }
    return { digest, size: this.#size };
  }

  abort(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    rmSync(this.#path, { force: true });
  }

  #guard<T>(fn: () => T): T {
    try {
      return fn();
    } catch (e) {
      if (isNoSpace(e)) {
        this.abort();
        throw noSpaceError(this.#layout.root, e);
      }
      throw e;
    }
  }
}

export class ContentStore {
  readonly #layout: Layout;
  readonly #db: Database;

  constructor(layout: Layout, db: Database) {
    this.#layout = layout;
    this.#db = db;
  }

  info(digest: Digest): BlobInfo | undefined {
    const row = this.#db.read((sql) =>
      sql.get<{ size: number; created_at: number }>('SELECT size, created_at FROM blobs WHERE digest = ?', digest),
    );
    return row && { digest, size: row.size, createdAt: row.created_at };
  }

  has(digest: Digest): boolean {
    return this.info(digest) !== undefined;
  }

  /** Where the bytes are; whether they are there is for `info` to say. */
  path(digest: Digest): string {
    return join(this.#layout.blobs, 'sha256', digestHex(digest));
  }

  /** The whole of a small blob. @throws SlipwayError `content.not-found`. */
  read(digest: Digest): Buffer {
    return this.#found(digest, () => readFileSync(this.path(digest)));
  }

  /** @throws SlipwayError `content.not-found`. */
  stream(digest: Digest, o: { start?: number } = {}): Readable {
    return this.#found(digest, () =>
      createReadStream(this.path(digest), { fd: openSync(this.path(digest), 'r'), highWaterMark: CHUNK, ...o }),
    );
  }

  ingest(o: IngestOptions = {}): Ingestion {
    return new Ingestion(this, this.#layout, o);
  }

  /** Stores bytes that are in memory. */
  add(bytes: Uint8Array, lease?: Lease): Digest {
    const digest = sha256(bytes);
    if (this.hold(digest, lease)) return digest;
    const ingestion = this.ingest(lease ? { lease } : {});
    ingestion.write(bytes);
    return ingestion.commit().digest;
  }

  /** Where a blob that is on its way in is written: the name begins with its owner, which tells growing files from abandoned ones. */
  ingestPath(): string {
    return join(this.#layout.ingest, ownedName(this.#layout.root));
  }

  /**
   * Takes a lease on a blob: from then on it stays. False when it is not in the store, or when its file is missing: then its row
   * goes, so that the blob is fetched again.
   */
  hold(digest: Digest, lease?: Lease): boolean {
    return this.#db.transaction((sql) => {
      const row = sql.get<{ size: number }>('SELECT size FROM blobs WHERE digest = ?', digest);
      if (row === undefined) return false;
      if (statSync(this.path(digest), { throwIfNoEntry: false })?.size !== row.size) {
        sql.run('DELETE FROM blobs WHERE digest = ?', digest);
        return false;
      }
      lease?.addBlob(digest);
      return true;
    });
  }

  /**
   * Renames a finished file to its place and records it, held by all leases from the beginning. The folder is synced before the
   * row can be durable.
   */
  publish(path: string, digest: Digest, size: number, ...leases: readonly (Lease | undefined)[]): void {
    const target = this.path(digest);
    this.#db.transaction((sql) => {
      // the same bytes may be there already; the new file takes the old one's place
      renameSync(path, target);
      syncDirectory(join(this.#layout.blobs, 'sha256'));
      crashPoint('blob.renamed');
      sql.run(
        'INSERT INTO blobs (digest, size, created_at) VALUES (?, ?, ?) ON CONFLICT (digest) DO UPDATE SET size = excluded.size',
        digest,
        size,
        Date.now(),
      );
      for (const lease of leases) lease?.addBlob(digest);
    });
    crashPoint('blob.recorded');
  }

  /** Whether the bytes are still what the digest says. */
  verify(digest: Digest): boolean {
    const path = this.path(digest);
    if (!existsSync(path)) return false;
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK, statSync(path).size + 1));
    const fd = openSync(path, 'r');
    try {
      for (let n; (n = readSync(fd, buffer)) > 0;) hash.update(buffer.subarray(0, n));
    } finally {
      closeSync(fd);
    }
    return hash.digest('hex') === digestHex(digest);
  }

  list(): BlobInfo[] {
    const rows = this.#db.read((sql) =>
      sql.all<{ digest: Digest; size: number; created_at: number }>('SELECT * FROM blobs ORDER BY digest'),
    );
    return rows.map((r) => ({ digest: r.digest, size: r.size, createdAt: r.created_at }));
  }

  /** A descriptor of a blob that is here. @throws SlipwayError `content.not-found`. */
  describe(digest: Digest, mediaType: string): Descriptor {
    const info = this.info(digest);
    if (!info) throw notFound(digest);
    return { mediaType, digest, size: info.size };
  }

  #found<T>(digest: Digest, fn: () => T): T {
    try {
      return fn();
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code === 'ENOENT') throw notFound(digest);
      throw e;
    }
  }
}

const notFound = (digest: Digest): SlipwayError => new SlipwayError('not-found', 'content.not-found', `blob ${digest} is not in the store`);
