// Layers of an archive on their way to being layers of images: each stored once as it came, and checked against the diff ID that the
// image's configuration gives it, which for compressed ones means to decompress them once.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { ContentSize, contentSizeOf, MAGIC_LENGTH, decompressor, detectCompression } from '../../archive/index.ts';
import type { Compression } from '../../archive/index.ts';
import { MediaType } from '../../model/index.ts';
import type { Digest } from '../../model/index.ts';
import type { NewImage } from '../types.ts';
import type { BlobWriters, StoredBlob } from './blob-writer.ts';
import { mismatch } from './errors.ts';
import type { ArchiveFiles } from './files.ts';
import type { ImageStore } from '../store.ts';
import type { TransferOptions } from './types.ts';

export type NewLayer = NonNullable<NewImage['layers']>[number];

const MEDIA_TYPES: Readonly<Partial<Record<Compression, string>>> = {
  none: MediaType.ociLayer,
  gzip: MediaType.ociLayerGzip,
  zstd: MediaType.ociLayerZstd,
};

/** What a member holds once it was read, by its name. */
interface Intake {
  readonly diffId: Digest;
  readonly layer: Omit<NewLayer, 'diffId'>;
}

export class LayerIntake {
  private readonly store: ImageStore;
  private readonly files: ArchiveFiles;
  private readonly writers: BlobWriters;
  private readonly o: TransferOptions;
  private readonly taken = new Map<string, Intake>();

  constructor(store: ImageStore, files: ArchiveFiles, writers: BlobWriters, o: TransferOptions) {
    this.store = store;
    this.files = files;
    this.writers = writers;
    this.o = o;
  }

  /**
   * Stores the layer in member `name`.
   * @param digest of the member, where the archive says it
   * @param mediaType that the archive gives it, if any
   * @throws SlipwayError `archive.mismatch`, `archive.incomplete`, `archive.compression`
   */
  async take(name: string, diffId: Digest, digest?: Digest, mediaType?: string): Promise<NewLayer> {
    const known = this.taken.get(name);
    const intake = known ?? (await this.read(name, diffId, digest, mediaType));
    this.taken.set(name, intake);
    if (intake.diffId !== diffId) throw mismatch(`layer ${name}`, diffId, intake.diffId);
    return { diffId, ...intake.layer };
  }

  private async read(name: string, diffId: Digest, digest: Digest | undefined, mediaType: string | undefined): Promise<Intake> {
    const before = digest !== undefined && this.store.content.has(digest);
    const report =
      (state: 'copying' | 'verifying') =>
      (current: number, total?: number): void =>
        this.o.onProgress?.({ digest: diffId, state, current, ...(total === undefined ? {} : { total }) });
    let blob = await this.files.blob(name, digest, report('copying'));
    const compression = this.compressionOf(blob);
    let tarSize = blob.size;
    let size: number;
    let actual = blob.digest;
    if (compression === 'none') size = contentSizeOf(this.store.content.path(blob.digest));
    else {
      const keep = MEDIA_TYPES[compression] === undefined;
      const plain = await this.decompress(blob, compression, keep, report('verifying'));
      [actual, tarSize, size] = [plain.digest, plain.size, plain.content];
      // No media type of images says bzip2 or xz: such layers are kept uncompressed.
      if (keep) blob = plain;
    }
    this.o.onProgress?.({ digest: diffId, state: before ? 'present' : 'done', current: blob.size, total: blob.size });
    const plainType = compression === 'none' || MEDIA_TYPES[compression] === undefined ? MediaType.ociLayer : MEDIA_TYPES[compression];
    return { diffId: actual, layer: { size, tarSize, blob: { digest: blob.digest, mediaType: mediaType ?? plainType } } };
  }

  private compressionOf(blob: StoredBlob): Compression {
    const head = Buffer.alloc(MAGIC_LENGTH);
    const fd = fs.openSync(this.store.content.path(blob.digest), 'r');
    try {
      return detectCompression(head.subarray(0, fs.readSync(fd, head, 0, MAGIC_LENGTH, 0)));
    } finally {
      fs.closeSync(fd);
    }
  }

  /** Digest and sizes of what a blob decompresses to; with `keep`, that is stored too. */
  private async decompress(
    blob: StoredBlob,
    compression: Compression,
    keep: boolean,
    onBytes: (current: number, total?: number) => void,
  ): Promise<StoredBlob & { readonly content: number }> {
    const source = this.store.content.stream(blob.digest);
    const writer = keep ? this.writers.begin(undefined) : undefined;
    const hash = createHash('sha256');
    const content = new ContentSize();
    let size = 0;
    let read = 0;
    source.on('data', (chunk: Buffer) => onBytes((read += chunk.length), blob.size));
    await pipeline(
      source,
      decompressor(compression),
      async (plain: AsyncIterable<Buffer>) => {
        for await (const chunk of plain) {
          size += chunk.length;
          content.write(chunk);
          if (writer === undefined) hash.update(chunk);
          else writer.write(chunk);
        }
      },
      this.o.signal === undefined ? {} : { signal: this.o.signal },
    );
    content.finish();
    return { ...(writer?.commit() ?? { digest: `sha256:${hash.digest('hex')}`, size }), content: content.bytes };
  }
}
