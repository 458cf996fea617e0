// Loading images: from a file, a stream or a directory, in either format, compressed or not. Layers are stored as they came and not
// unpacked. Images appear only after everything in the archive was read and found to be right.
import fs from 'node:fs';
import type { Readable } from 'node:stream';
import { BLOCK, decompressor, detectCompression, looksLikeTar } from '../../archive/index.ts';
import { formatPlatform, matchesPlatform, type Platform, platformOfImage, SlipwayError, sha256, type Digest } from '../../model/index.ts';
import { stoppedBy, withCleanup } from '../../util/index.ts';
import type { Lease } from '../../content/index.ts';
import type { NewImage } from '../types.ts';
import { BlobWriters } from './blob-writer.ts';
import { Directory } from './directory.ts';
import { readDockerManifest } from './docker-archive.ts';
import { asImageConfig, type ImagePlan } from './documents.ts';
import { notAnImageArchive } from './errors.ts';
import type { ArchiveFiles } from './files.ts';
import { LayerIntake } from './layer-intake.ts';
import { readOciImage, readOciLayout } from './oci-layout.ts';
import { openInput } from './open-input.ts';
import { peek, through } from './peek.ts';
import { StreamedArchive } from './stream.ts';
import { TarFile } from './tar-file.ts';
import type { ImageStore } from '../store.ts';
import type { ImageChoice, Loaded, TransferOptions } from './types.ts';

/**
 * Brings the images of an archive into the store.
 * @param source a path (file, directory, named pipe), or a stream
 * @param o with `only`, one image of an OCI layout is brought, and it gets no name; with `lease`, images stay held; with `platform`, only images for that one are taken
 * @throws SlipwayError `archive.*`, `config.invalid`, `manifest.invalid`, `reference.invalid`, `store.full`; system errors of the source
 */
export async function loadArchive(
  store: ImageStore,
  source: string | Readable,
  o: TransferOptions & { only?: ImageChoice; lease?: Lease; platform?: Platform } = {},
): Promise<Loaded[]> {
  using lease = store.leases.create();
  const writers = new BlobWriters(store, lease);
  const all = async (): Promise<Loaded[]> => {
    const files = await open(store, source, writers, o);
    const work = async (): Promise<Loaded[]> => {
      const plans = o.only === undefined ? ofPlatform(readPlans(files, o.platform), o.platform) : [readOciImage(files, o.only)];
      const intake = new LayerIntake(store, files, writers, o);
      const images: Array<{ image: NewImage; names: readonly string[]; id: Digest }> = [];
      for (const plan of plans) images.push(await takeIn(plan, intake, writers));
      // Nothing was visible until here.
      return images.map(({ image, names, id }) => {
        const replaced = names.flatMap((name) => {
          const before = store.find(name);
          return before === undefined || before.id === id ? [] : [{ name, id: before.id }];
        });
        const created = store.create(image, lease);
        o.lease?.addImage(created.id);
        return { image: created, names, replaced };
      });
    };
    return await withCleanup(work, () => files.close());
  };
  return await withCleanup(all, () => writers.dispose());
}

/** @throws SlipwayError `archive.no-platform` */
function ofPlatform(plans: ImagePlan[], wanted: Platform | undefined): ImagePlan[] {
  if (wanted === undefined) return plans;
  const found = plans.filter(({ config, layers }) => matchesPlatform(platformOfImage(asImageConfig(config, layers.length)), wanted));
  if (found.length > 0) return found;
  throw new SlipwayError('not-found', 'archive.no-platform', `the archive has no image for platform ${formatPlatform(wanted)}`);
}

function readPlans(files: ArchiveFiles, platform: Platform | undefined): ImagePlan[] {
  if (files.has('manifest.json')) return readDockerManifest(files);
  if (files.has('index.json')) return readOciLayout(files, platform);
  if (files.has('repositories')) {
    throw new SlipwayError(
      'unsupported',
      'archive.legacy',
      'this archive is in the format of Docker before version 1.10, which is not supported',
      { hints: ['load it into a newer engine and save it again'] },
    );
  }
  throw notAnImageArchive();
}

async function takeIn(
  plan: ImagePlan,
  intake: LayerIntake,
  writers: BlobWriters,
): Promise<{ image: NewImage; names: readonly string[]; id: Digest }> {
  const layers = [];
  for (const layer of plan.layers) layers.push(await intake.take(layer.name, layer.diffId, layer.digest, layer.mediaType));
  const manifest =
    plan.manifest === undefined ? undefined : { digest: writers.add(plan.manifest.bytes).digest, mediaType: plan.manifest.mediaType };
  return {
    image: { config: plan.config, layers, names: plan.names, origin: { action: 'load' }, ...(manifest === undefined ? {} : { manifest }) },
    names: plan.names,
    id: sha256(plan.config),
  };
}

/** Finds out how an archive can be read: at random where it is an uncompressed file, else as it passes by. */
async function open(store: ImageStore, source: string | Readable, writers: BlobWriters, o: TransferOptions): Promise<ArchiveFiles> {
  if (typeof source !== 'string') return await openStream(store, source, writers, o);
  if (fs.statSync(source).isDirectory()) return new Directory(source, writers, o.signal);
  const input = openInput(source);
  if ('stream' in input) return await openStream(store, input.stream, writers, o);
  const { fd } = input;
  let taken = false;
  try {
    const head = Buffer.alloc(BLOCK);
    const n = fs.readSync(fd, head, 0, BLOCK, 0);
    if (n === 0) throw notAnImageArchive('the file is empty');
    if (detectCompression(head) === 'none') {
      if (!looksLikeTar(head.subarray(0, n))) throw notAnImageArchive();
      const file = new TarFile(fd, writers, o.signal);
      taken = true;
      return file;
    }
    taken = true;
    return await openStream(store, fs.createReadStream(source, { fd, start: 0, highWaterMark: 1 << 20 }), writers, o);
  } finally {
    if (!taken) fs.closeSync(fd);
  }
}

async function openStream(store: ImageStore, source: Readable, writers: BlobWriters, o: TransferOptions): Promise<ArchiveFiles> {
  const { head, stream } = await peek(stoppedBy(source, o.signal), BLOCK);
  if (head.length === 0) throw notAnImageArchive('there was no input');
  const compression = detectCompression(head);
  const plain = await peek(compression === 'none' ? stream : through(stream, decompressor(compression)), BLOCK);
  if (!looksLikeTar(plain.head)) throw notAnImageArchive();
  const onBytes = (name: string, current: number, total: number): void => {
    const digest = digestOfName(name);
    if (digest !== undefined) o.onProgress?.({ digest, state: 'copying', current, total });
  };
  return await StreamedArchive.read(plain.stream, writers, store.content, { signal: o.signal, onBytes });
}

function digestOfName(name: string): Digest | undefined {
  const hex = /(?:^|\/)([0-9a-f]{64})(?:\.tar|\/layer\.tar)?$/.exec(name)?.[1];
  return hex === undefined ? undefined : `sha256:${hex}`;
}
