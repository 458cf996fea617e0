// Layers between their two forms: a tar blob as it came, and a snapshot. What came as a blob is unpacked when its files are first
// needed; what was built here is a snapshot, and its tar is made, always the same bytes, when it is shipped.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { decompressor, detectCompression, MAGIC_LENGTH, unpackLimit } from '../archive/index.ts';
import type { ContentStore, Lease } from '../content/index.ts';
import { chainId, type Digest, digestHex, MediaType, SlipwayError } from '../model/index.ts';
import type { Snapshotter } from '../snapshot/index.ts';
import type { Database, Layout } from '../store/index.ts';
import { FileLock } from '../sys/index.ts';
import { crashPoint, throwAfter } from '../util/index.ts';
import type { ImageLayer, UnpackProgress } from './types.ts';

/** Bytes read from a blob at a time. */
const CHUNK = 4 << 20;

interface LayerRow {
  readonly diff_id: Digest;
  readonly blob_digest: Digest | null;
  readonly media_type: string | null;
  /** Of the tar. */
  readonly size: number | null;
  readonly content_size: number | null;
}

/** A blob that is being downloaded. */
export interface ArrivingBlob {
  /** Bytes. */
  readonly size: number;
  readonly digest: Digest;
  /** Its bytes from the beginning, each piece as soon as it is there. They are not verified yet. */
  chunks(): AsyncIterable<Buffer>;
  /** Ends when the whole blob is there and right. */
  verified(): Promise<void>;
}

export interface BuiltLayer {
  readonly diffId: Digest;
  readonly chainId: Digest;
  /** Bytes of its files. */
  readonly size: number;
  readonly tarSize: number;
}

export class Layers {
  readonly #layout: Layout;
  readonly #db: Database;
  readonly #content: ContentStore;
  readonly #snapshots: Snapshotter;

  constructor(layout: Layout, db: Database, content: ContentStore, snapshots: Snapshotter) {
    this.#layout = layout;
    this.#db = db;
    this.#content = content;
    this.#snapshots = snapshots;
  }

  /** The blob that a layer came as, if it did and is still here. */
  blob(diffId: Digest): { digest: Digest; mediaType: string; size: number } | undefined {
    const row = this.#row(diffId);
    const info = row?.blob_digest == null ? undefined : this.#content.info(row.blob_digest);
    return info && { digest: info.digest, mediaType: trueType(row?.media_type ?? '', this.#content.path(info.digest)), size: info.size };
  }

  /**
   * The committed snapshot that holds the files of a chain of layers; what is missing is unpacked, by one process while others
   * wait. @throws SlipwayError `image.layer-mismatch` when a layer is not what the configuration says.
   */
  async unpack(
    layers: readonly ImageLayer[],
    lease: Lease,
    o: { onProgress?: (p: UnpackProgress) => void; signal?: AbortSignal } = {},
  ): Promise<number> {
    let parent: number | null = null;
    // from the top: usually everything is there
    let have = layers.length;
    for (; have > 0; have--) {
      const found = this.hold((layers[have - 1] as ImageLayer).chainId, lease);
      if (found === undefined) continue;
      parent = found;
      break;
    }
    for (const layer of layers.slice(have)) parent = await this.#unpackOne(layer, parent, lease, o);
    if (parent === null) throw new SlipwayError('failed-precondition', 'image.no-layers', 'an image without layers has no files');
    return parent;
  }

  /**
   * Writes the tar of a layer, uncompressed or as it came: `writer` gets chunks that are valid only during the call.
   * @throws SlipwayError `image.layer-lost`, `image.layer-mismatch`.
   */
  writeTar(diffId: Digest, write: (chunk: Buffer) => void): void {
    const snapshot = this.#db.read((sql) =>
      sql.get<{ id: number }>('SELECT id FROM snapshots WHERE diff_id = ? AND state = ?', diffId, 'committed'),
    );
    if (!snapshot) throw lost(diffId);
    const hash = createHash('sha256');
    this.#snapshots.diff(snapshot.id, (chunk) => {
      hash.update(chunk);
      write(chunk);
    });
    if (hash.digest('hex') !== digestHex(diffId)) {
      throw new SlipwayError(
        'data-loss',
        'image.layer-mismatch',
        `the files of layer ${diffId} were changed in the store since it was built`,
        {
          hints: ['remove the image and build it again'],
        },
      );
    }
  }

  /**
   * Feeds the tar of a layer, uncompressed, from whatever the store has of it, and stores nothing. A chunk is valid only during the call.
   * @throws SlipwayError `image.layer-too-large` for a blob that unpacks to more than it may; else as `writeTar` does.
   */
  async readTar(diffId: Digest, take: (chunk: Buffer) => void, signal?: AbortSignal): Promise<void> {
    const blob = this.blob(diffId);
    const limit = blob === undefined ? Number.POSITIVE_INFINITY : unpackLimit(blob.size);
    let size = 0;
    const counted = (chunk: Buffer): void => {
      signal?.throwIfAborted();
      if ((size += chunk.length) > limit) throw tooLarge(diffId, limit);
      take(chunk);
    };
    if (blob === undefined) this.writeTar(diffId, counted);
    else await this.#readBlob(blob.digest, counted, () => {});
  }

  /**
   * The uncompressed tar of a layer as a file, there for as long as the lease is: the blob that it came as, or one that is made
   * of that or of the snapshot. Throws as `writeTar` does.
   */
  async plainTar(diffId: Digest, lease: Lease): Promise<{ path: string; size: number }> {
    const blob = this.blob(diffId);
    const plain = this.#content.info(diffId);
    if (plain !== undefined && this.#content.hold(diffId, lease)) return { path: this.#content.path(diffId), size: plain.size };
    const ingestion = this.#content.ingest({ expected: { digest: diffId }, lease });
    try {
      if (blob !== undefined && this.#content.hold(blob.digest, lease))
        await this.#readBlob(
          blob.digest,
          (chunk) => ingestion.write(chunk),
          () => {},
        );
      else this.writeTar(diffId, (chunk) => ingestion.write(chunk));
    } catch (e) {
      ingestion.abort();
      throw e;
    }
    const { size } = ingestion.commit();
    return { path: this.#content.path(diffId), size };
  }

  /** Computes diff ID, chain ID and size of a snapshot that was built here, in one pass over what it changed, once. */
  register(snapshotId: number, parentChain: Digest | undefined): BuiltLayer {
    const known = this.#snapshots.get(snapshotId);
    let { diffId, size } = known ?? {};
    let tarSize = diffId && (this.#row(diffId)?.size ?? this.#snapshots.tarSize(snapshotId));
    if (diffId === undefined || size === undefined || typeof tarSize !== 'number') {
      const hash = createHash('sha256');
      const made = this.#snapshots.diff(snapshotId, (chunk) => hash.update(chunk));
      [size, tarSize, diffId] = [made.content, made.size, `sha256:${hash.digest('hex')}`];
    }
    const chain = parentChain === undefined ? diffId : chainId([parentChain, diffId]);
    this.#db.transaction((sql) => {
      this.#snapshots.label(snapshotId, { chainId: chain, diffId: diffId as Digest, size: size as number });
      sql.run(
        'INSERT INTO layers (diff_id, size, content_size) VALUES (?, ?, ?) ON CONFLICT (diff_id) DO UPDATE SET size = excluded.size, content_size = excluded.content_size',
        diffId as Digest,
        tarSize as number,
        size as number,
      );
    });
    crashPoint('layer.registered');
    return { diffId, chainId: chain, size, tarSize };
  }

  /**
   * A layer that was built here, with no time after `latest` (seconds since the epoch): a blob of its own, since the files of the
   * snapshot keep their times for the steps that stand on it.
   */
  rewrite(snapshotId: number, latest: number, lease: Lease): BuiltLayer & { blob: { digest: Digest; mediaType: string } } {
    const ingestion = this.#content.ingest({ lease });
    let made: { size: number; content: number };
    try {
      made = this.#snapshots.diff(snapshotId, (chunk) => ingestion.write(chunk), BigInt(latest) * 1_000_000_000n);
    } catch (e) {
      ingestion.abort();
      throw e;
    }
    const { digest } = ingestion.commit();
    return { diffId: digest, chainId: digest, size: made.content, tarSize: made.size, blob: { digest, mediaType: MediaType.ociLayer } };
  }

  /** Takes a lease on the snapshot of a chain, if there is one. */
  hold(chain: Digest, lease: Lease): number | undefined {
    return this.#snapshots.hold(chain, lease)?.id;
  }

  async #unpackOne(
    layer: ImageLayer,
    parent: number | null,
    lease: Lease,
    o: { onProgress?: (p: UnpackProgress) => void; signal?: AbortSignal },
  ): Promise<number> {
    return (await this.unpackLayer(layer, parent, lease, o)).id;
  }

  /**
   * Unpacks one layer upon its parent, unless that was done before. `arriving` is a blob that is still on its way: its bytes are
   * unpacked as they come, and the snapshot appears only when `verified` says that they were right.
   * @throws SlipwayError `image.layer-mismatch`, `image.layer-too-large`
   */
  async unpackLayer(
    layer: Pick<ImageLayer, 'diffId' | 'chainId'>,
    parent: number | null,
    lease: Lease,
    o: { onProgress?: (p: UnpackProgress) => void; signal?: AbortSignal; arriving?: ArrivingBlob; limit?: number },
  ): Promise<{ id: number; size: number; tarSize: number }> {
    using _lock = await FileLock.acquire(join(this.#layout.locks, `unpack-${digestHex(layer.chainId)}`), 'exclusive', {
      remove: true,
      signal: o.signal,
    });
    const made = this.hold(layer.chainId, lease);
    if (made !== undefined) return { id: made, ...this.sizes(layer.diffId) };
    const blob = o.arriving ?? this.blob(layer.diffId);
    if (!blob) throw lost(layer.diffId);
    const active = this.#snapshots.prepare(parent, lease);
    try {
      // a blob was verified when it came, and an uncompressed one is the tar
      const whole = o.arriving === undefined && blob.digest === layer.diffId ? this.#content.path(blob.digest) : undefined;
      const adopted = whole === undefined ? undefined : this.#snapshots.adopt(active.id, whole);
      const { size, tarSize } = adopted
        ? { size: adopted.size, tarSize: blob.size }
        : await this.#unpackInto(active.id, layer.diffId, blob, o);
      this.#recordSizes(layer.diffId, tarSize, size);
      crashPoint('layer.unpacked');
      const { id } = this.#snapshots.commit(active.id, lease, { chainId: layer.chainId, diffId: layer.diffId, size });
      return { id, size, tarSize };
    } catch (e) {
      throwAfter(e, () => this.#snapshots.remove(active.id));
    }
  }

  async #unpackInto(
    id: number,
    diffId: Digest,
    blob: { readonly digest: Digest; readonly size: number },
    o: { onProgress?: (p: UnpackProgress) => void; signal?: AbortSignal; arriving?: ArrivingBlob; limit?: number },
  ): Promise<{ size: number; tarSize: number }> {
    const unpacker = this.#snapshots.unpacker(id);
    try {
      const hash = createHash('sha256');
      let tarSize = 0;
      const take = (chunk: Buffer): void => {
        o.signal?.throwIfAborted();
        hash.update(chunk);
        tarSize += chunk.length;
        if (o.limit !== undefined && tarSize > o.limit) throw tooLarge(diffId, o.limit);
        unpacker.write(chunk);
      };
      const report = (current: number): void => o.onProgress?.({ diffId, current, total: blob.size });
      if (o.arriving === undefined) await this.#readBlob(blob.digest, take, report);
      else await readArriving(o.arriving, take, report);
      const { size } = unpacker.finish();
      if (hash.digest('hex') !== digestHex(diffId)) {
        throw new SlipwayError('data-loss', 'image.layer-mismatch', `layer ${diffId} does not hold what the image's configuration says`);
      }
      await o.arriving?.verified();
      return { size, tarSize };
    } catch (e) {
      throwAfter(e, () => unpacker.abort());
    }
  }

  /** What was not known of a layer before it was unpacked. */
  #recordSizes(diffId: Digest, tar: number, content: number): void {
    if (this.#row(diffId)?.content_size === content) return;
    this.#db.transaction((sql) => {
      sql.run(
        `INSERT INTO layers (diff_id, size, content_size) VALUES (?, ?, ?)
         ON CONFLICT (diff_id) DO UPDATE SET size = excluded.size, content_size = excluded.content_size`,
        diffId,
        tar,
        content,
      );
      sql.run(
        `UPDATE images SET size = (SELECT sum(coalesce(l.content_size, l.size, 0)) FROM image_layers i JOIN layers l USING (diff_id) WHERE i.image_id = images.id)
         WHERE id IN (SELECT image_id FROM image_layers WHERE diff_id = ?)`,
        diffId,
      );
    });
  }

  /** Feeds the uncompressed bytes of a blob: read in large pieces, and through no stream when nothing is to be decompressed. */
  async #readBlob(digest: Digest, take: (chunk: Buffer) => void, report: (current: number) => void): Promise<void> {
    const path = this.#content.path(digest);
    const compression = detectCompression(readHead(path));
    let current = 0;
    if (compression === 'none') {
      const fd = openSync(path, 'r');
      try {
        const buffer = Buffer.allocUnsafe(CHUNK);
        for (let n; (n = readSync(fd, buffer, 0, CHUNK, null)) > 0; report((current += n))) take(buffer.subarray(0, n));
      } finally {
        closeSync(fd);
      }
      return;
    }
    const source = this.#content.stream(digest);
    source.on('data', (chunk: Buffer) => report((current += chunk.length)));
    const out = decompressor(compression);
    source.on('error', (e) => out.destroy(e));
    source.pipe(out);
    for await (const chunk of out) take(chunk as Buffer);
  }

  /** Bytes of a layer's files and of its tar, as far as they are known. */
  sizes(diffId: Digest): { size: number; tarSize: number } {
    const row = this.#row(diffId);
    return { size: row?.content_size ?? row?.size ?? 0, tarSize: row?.size ?? 0 };
  }

  #row(diffId: Digest): LayerRow | undefined {
    return this.#db.read((sql) => sql.get<LayerRow>('SELECT * FROM layers WHERE diff_id = ?', diffId));
  }
}

/** Decompresses bytes as they come; which compression it is, their first ones tell. */
async function readArriving(blob: ArrivingBlob, take: (chunk: Buffer) => void, report: (current: number) => void): Promise<void> {
  let current = 0;
  let out: Duplex | undefined;
  let unpacked: Promise<void> | undefined;
  try {
    for await (const chunk of blob.chunks()) {
      if (current === 0) {
        const compression = detectCompression(chunk.subarray(0, MAGIC_LENGTH));
        if (compression !== 'none') {
          const stream = (out = decompressor(compression));
          unpacked = (async () => {
            for await (const plain of stream) take(plain as Buffer);
          })();
          // Told where it is awaited.
          unpacked.catch(() => {});
        }
      }
      current += chunk.length;
      if (out === undefined) take(chunk);
      else if (!out.write(chunk)) await Promise.race([once(out, 'drain'), unpacked]);
      report(current);
    }
    out?.end();
    await unpacked;
  } catch (e) {
    out?.destroy();
    throw e;
  }
}

/** The media type that a layer was announced with, unless its bytes are something else: registries hold zstd that is labelled gzip. */
function trueType(announced: string, path: string): string {
  const compression = detectCompression(readHead(path));
  const said = /(gzip|zstd)$/.exec(announced)?.[0] ?? 'none';
  if (said === compression) return announced;
  if (compression === 'gzip') return MediaType.ociLayerGzip;
  return compression === 'zstd' ? MediaType.ociLayerZstd : MediaType.ociLayer;
}

function readHead(path: string): Buffer {
  const fd = openSync(path, 'r');
  try {
    const head = Buffer.alloc(MAGIC_LENGTH);
    return head.subarray(0, readSync(fd, head, 0, MAGIC_LENGTH, 0));
  } finally {
    closeSync(fd);
  }
}

const lost = (diffId: Digest): SlipwayError =>
  new SlipwayError('data-loss', 'image.layer-lost', `layer ${diffId} is not in the store`, { hints: ['load or build the image again'] });

const tooLarge = (diffId: Digest, limit: number): SlipwayError =>
  new SlipwayError('data-loss', 'image.layer-too-large', `layer ${diffId} unpacks to more than ${limit} bytes: it was stopped`, {
    hints: ['if it is meant to be so large, set SLIPWAY_LAYER_LIMIT to more, such as 500g'],
  });
