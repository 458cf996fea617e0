// `import`: the tar of a root file system becomes the one layer of a new image; and `export`: the files of a container become such a tar.
import type { Readable } from 'node:stream';
import { ContentSize, BLOCK, decompressor, detectCompression, looksLikeTar } from '../../archive/index.ts';
import { MediaType, SlipwayError, hostPlatform, type ImageConfig, type Platform } from '../../model/index.ts';
import { stoppedBy, withCleanup } from '../../util/index.ts';
import { tarTree } from '../../snapshot/index.ts';
import type { Image } from '../types.ts';
import { BlobWriters } from './blob-writer.ts';
import { applyChanges } from './changes.ts';
import { streamInput } from './open-input.ts';
import { peek, through } from './peek.ts';
import type { Sink } from './sink.ts';
import type { ImageStore } from '../store.ts';
import type { TransferOptions } from './types.ts';

export interface ImportOptions extends TransferOptions {
  /** Instructions of a Dockerfile that alter the settings of the image: `CMD ["sh"]`. */
  readonly changes?: readonly string[];
  /** Comment of the history entry. */
  readonly message?: string;
  /** Name of the image, as people write it. */
  readonly name?: string;
  readonly platform?: Platform;
  /** When the image came to be; now, if left out. */
  readonly created?: Date;
  /** Settles when whoever makes the source knows whether it is whole; its failure is the import's. */
  readonly complete?: Promise<unknown>;
}

/**
 * Makes an image of the tar of a root file system, compressed or not.
 * @throws SlipwayError `archive.*`, `store.full`; system errors of the source
 */
export async function importRootfs(store: ImageStore, source: string | Readable, o: ImportOptions): Promise<Image> {
  const settings = applyChanges({}, o.changes ?? []);
  // A failure that comes before it is asked for must not count as unhandled.
  o.complete?.catch(() => {});
  using lease = store.leases.create();
  const writers = new BlobWriters(store, lease);
  const input = typeof source === 'string' ? streamInput(source) : source;
  const work = async (): Promise<Image> => {
    const { head, stream } = await peek(stoppedBy(input, o.signal), BLOCK);
    const compression = detectCompression(head);
    const plain = await peek(compression === 'none' ? stream : through(stream, decompressor(compression)), BLOCK);
    if (!looksLikeTar(plain.head)) throw notATar();
    const writer = writers.begin(undefined);
    // The parser only judges: an archive that cannot be unpacked must not become an image.
    const content = new ContentSize();
    for await (const chunk of plain.stream as AsyncIterable<Buffer>) {
      o.signal?.throwIfAborted();
      content.write(chunk);
      const { excess } = content;
      writer.write(excess === 0 ? chunk : chunk.subarray(0, -excess));
      if (excess === 0) continue;
      // Zeros are the end of an archive, but nobody means an archive by nothing else.
      if (content.entries === 0) throw notATar();
      break;
    }
    content.finish();
    await o.complete;
    const { digest, size } = writer.commit();
    o.onProgress?.({ digest, state: 'done', current: size, total: size });
    const platform = o.platform ?? hostPlatform();
    const created = (o.created ?? new Date()).toISOString();
    const config: ImageConfig = {
      architecture: platform.architecture,
      os: platform.os,
      ...(platform.variant === undefined ? {} : { variant: platform.variant }),
      created,
      config: settings,
      rootfs: { type: 'layers', diff_ids: [digest] },
      history: [{ created, comment: o.message ?? 'Imported from -' }],
    };
    const layers = [{ diffId: digest, size: content.bytes, tarSize: size, blob: { digest, mediaType: MediaType.ociLayer } }];
    return store.create({ config, layers, origin: { action: 'import' }, ...(o.name === undefined ? {} : { names: [o.name] }) }, lease);
  };
  return await withCleanup(
    work,
    () => input.destroy(),
    () => writers.dispose(),
  );
}

const notATar = (): SlipwayError => new SlipwayError('data-loss', 'archive.not-a-tar', 'the input is not a tar archive');

/** Writes all files of a directory (the mounted file system of a container) as a tar, before it first waits. */
export async function exportRootfs(root: string, sink: Sink): Promise<void> {
  try {
    tarTree(root, (chunk) => sink.write(chunk));
    await sink.finish();
  } catch (error) {
    sink.abort();
    throw error;
  }
}
