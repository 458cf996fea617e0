// Pulling: from a name to an image in the store. Layers come side by side and are unpacked while they come; everything is
// verified, and nothing has a name before it is whole.
import { unpackLimit } from '../archive/index.ts';
import type { Lease } from '../content/index.ts';
import type { Image, ImageStore } from '../image/index.ts';
import {
  chainIds,
  type Descriptor,
  type Digest,
  familiarReference,
  formatReference,
  hostPlatform,
  type ImageConfig,
  isIndexType,
  MediaType,
  parseImageConfig,
  parseIndex,
  parseManifest,
  type Platform,
  type Reference,
  repositoryName,
  sha256,
  SlipwayError,
  withDefaultTag,
} from '../model/index.ts';
import { crashPoint } from '../util/index.ts';
import { Download } from './download.ts';
import { choosePlatform } from './platform.ts';
import type { Registries } from './registries.ts';
import type { RemoteManifest, Repository } from './repository.ts';

export type PullState = 'waiting' | 'downloading' | 'downloaded' | 'unpacking' | 'done' | 'present';

export interface PullProgress {
  readonly digest: Digest;
  readonly state: PullState;
  /** Bytes of the blob. */
  readonly current: number;
  readonly total: number;
}

export interface PullOptions {
  readonly platform?: Platform;
  /** Keeps the image beyond the end of the pull. */
  readonly lease?: Lease;
  /** It gets no tag here, only the name of its digest: what has the tag keeps it. */
  readonly untagged?: boolean;
  readonly signal: AbortSignal;
  onProgress?(p: PullProgress): void;
  /** Things to know that are no failure: a mirror that was passed over. */
  onNotice?(message: string): void;
}

export interface Pulled {
  readonly image: Image;
  /** Of what the name stands for: the manifest, or the index. */
  readonly digest: Digest;
  /** False when everything was here already. */
  readonly changed: boolean;
}

/** Layers downloaded at once, as Docker has it. */
const PARALLEL = 3;
const DAY = 86_400_000;
const LARGEST_CONFIG = 8 << 20;

/** What a name stands for at its registry: known by its manifest and configuration, while its layers are not here yet. */
export interface RemoteImage {
  readonly id: Digest;
  readonly config: ImageConfig;
  /** Of the manifest of this platform. */
  readonly manifestDigest: Digest;
  /** Brings the layers and stores the image. @throws SlipwayError `registry.*`, `image.layer-mismatch`, `image.layer-too-large` */
  fetch(o: PullOptions): Promise<Pulled>;
}

/** @throws SlipwayError `registry.*`, `manifest.invalid`, `config.invalid`, `image.layer-mismatch`, `image.layer-too-large` */
export async function pull(store: ImageStore, registries: Registries, ref: Reference, o: PullOptions): Promise<Pulled> {
  using lease = store.leases.create();
  const image = await resolveImage(store, registries, ref, { ...o, lease });
  return await image.fetch(o);
}

/**
 * Asks what a name stands for: two small documents, and no layer. The lease keeps what was read until the image is fetched.
 * @throws SlipwayError `registry.*`, `manifest.invalid`, `config.invalid`
 */
export async function resolveImage(
  store: ImageStore,
  registries: Registries,
  ref: Reference,
  { lease, platform, onNotice }: Pick<PullOptions, 'platform' | 'onNotice'> & { readonly lease: Lease },
): Promise<RemoteImage> {
  const name = withDefaultTag(ref);
  return registries.reading(
    name,
    async (repository) => {
      const described = await describe(store, repository, name, platform ?? hostPlatform(), lease);
      return {
        id: described.id,
        config: described.config,
        manifestDigest: described.manifest.digest,
        fetch: (o) => registries.reading(name, (from) => fetchImage(store, from, described, o), o.onNotice, repository),
      };
    },
    onNotice,
  );
}

/** An image at a registry, all but its layers. */
interface Described {
  readonly ref: Reference;
  readonly id: Digest;
  readonly configBytes: Buffer;
  readonly config: ImageConfig;
  /** What the name stands for: the manifest itself, or the list that it was chosen from. */
  readonly asked: RemoteManifest;
  readonly manifest: RemoteManifest;
  readonly configDescriptor: Descriptor;
  readonly layers: readonly Wanted[];
}

async function describe(store: ImageStore, repository: Repository, ref: Reference, platform: Platform, lease: Lease): Promise<Described> {
  const asked = await repository.manifest(ref.digest ?? ref.tag ?? 'latest');
  const found = isIndexType(asked.mediaType) ? await ofPlatform(repository, asked, ref, platform) : asked;
  const manifest = parseManifest(found.bytes);
  checkIsImage(manifest.config.mediaType, manifest.artifactType, ref);
  const configBytes = await smallBlob(store, repository, manifest.config, lease);
  const config = parseImageConfig(configBytes);
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== manifest.layers.length)
    throw new SlipwayError(
      'data-loss',
      'manifest.invalid',
      `${familiarReference(ref)}: the manifest has ${manifest.layers.length} layers, and the configuration ${diffIds.length}`,
    );
  const chains = chainIds(diffIds);
  const layers = manifest.layers.map((descriptor, i) => ({ descriptor, diffId: diffIds[i]!, chainId: chains[i]! }));
  return { ref, id: sha256(configBytes), configBytes, config, asked, manifest: found, configDescriptor: manifest.config, layers };
}

async function fetchImage(store: ImageStore, repository: Repository, d: Described, o: PullOptions): Promise<Pulled> {
  const { ref, asked, manifest } = d;
  using lease = store.leases.create();
  // What was verified is found again by the next attempt, should this one be cut short.
  const lasting = store.leases.createLasting(DAY);
  for (const keeper of [lease, lasting]) store.content.add(d.configBytes, keeper);
  const before = store.find(formatReference(ref));
  const made = await bringLayers(store, repository, d.layers, [lease, lasting], o);
  const tag = ref.tag === undefined || o.untagged ? [] : [formatReference({ domain: ref.domain, path: ref.path, tag: ref.tag })];
  const digests = o.untagged ? [manifest.digest] : [asked.digest, manifest.digest];
  store.content.add(manifest.bytes, lease);
  crashPoint('pull.complete');
  const image = store.create(
    {
      config: d.configBytes,
      layers: made,
      names: [...tag, ...new Set(digests.map((digest) => `${repositoryName(ref)}@${digest}`))],
      manifest: { digest: manifest.digest, mediaType: manifest.mediaType },
      origin: { action: 'pull', actor: familiarReference(ref), name: familiarReference({ domain: ref.domain, path: ref.path }) },
    },
    lease,
  );
  o.lease?.addImage(image.id);
  store.shipped.rememberAt(`${repository.host.name}/${repository.path}`, [
    ...d.layers.map((l) => l.descriptor.digest),
    d.configDescriptor.digest,
  ]);
  lasting.release();
  return { image, digest: asked.digest, changed: before?.id !== d.id };
}

async function ofPlatform(repository: Repository, index: RemoteManifest, ref: Reference, platform: Platform): Promise<RemoteManifest> {
  const chosen = choosePlatform(parseIndex(index.bytes), platform, familiarReference(ref));
  const found = await repository.manifest(chosen.digest);
  if (found.bytes.length !== chosen.size)
    throw new SlipwayError(
      'data-loss',
      'registry.mismatch',
      `${chosen.digest} has ${found.bytes.length} bytes where the index says ${chosen.size}`,
    );
  return found;
}

function checkIsImage(configType: string, artifactType: string | undefined, ref: Reference): void {
  if (configType === MediaType.ociConfig || configType === MediaType.dockerConfig) return;
  throw new SlipwayError(
    'unsupported',
    'registry.no-image',
    `${familiarReference(ref)} is no image: it is of the type ${artifactType ?? configType}`,
    {
      hints: ['slipway copy moves artifacts of any type between registries'],
    },
  );
}

async function smallBlob(store: ImageStore, repository: Repository, d: Descriptor, lease: Lease): Promise<Buffer> {
  if (store.content.hold(d.digest, lease)) return store.content.read(d.digest);
  const bytes = await readSmallBlob(repository, d);
  store.content.add(bytes, lease);
  return bytes;
}

/** A configuration, verified. @throws SlipwayError `registry.mismatch`, `registry.too-large` */
export async function readSmallBlob(repository: Repository, d: Descriptor): Promise<Buffer> {
  if (d.size > LARGEST_CONFIG) throw new SlipwayError('data-loss', 'registry.too-large', `a configuration of ${d.size} bytes is not read`);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of repository.blob(d.digest, 0, d.size)) {
    if ((size += chunk.length) > d.size) break;
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  if (size !== d.size || sha256(bytes) !== d.digest)
    throw new SlipwayError('data-loss', 'registry.mismatch', `blob ${d.digest} is not what was announced`);
  return bytes;
}

interface Wanted {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  readonly chainId: Digest;
}

type Made = NonNullable<Parameters<ImageStore['create']>[0]['layers']>;

/** Downloads what is missing, some at a time, and unpacks it in order as it comes. */
async function bringLayers(
  store: ImageStore,
  repository: Repository,
  wanted: readonly Wanted[],
  leases: readonly [Lease, Lease],
  o: PullOptions,
): Promise<Made> {
  const [lease] = leases;
  const report = (d: Descriptor, state: PullState, current: number): void =>
    o.onProgress?.({ digest: d.digest, state, current, total: d.size });
  // Counting from the bottom, the first chains whose files are all here need neither download nor unpacking.
  const made: Made[number][] = [];
  let have = 0;
  let parent: number | null = null;
  for (; have < wanted.length; have++) {
    const { chainId, descriptor, diffId } = wanted[have]!;
    const snapshot = store.layers.hold(chainId, lease);
    if (snapshot === undefined) break;
    parent = snapshot;
    report(descriptor, 'present', descriptor.size);
    // A pull that was cut short has left its blob too, which no layer knows yet.
    const blob = store.content.hold(descriptor.digest, lease) && { digest: descriptor.digest, mediaType: descriptor.mediaType };
    made.push({ diffId, ...store.layers.sizes(diffId), ...(blob && { blob }) });
  }
  const missing = wanted.slice(have);
  // An image that was loaded has its layers in another form: they are unpacked from there.
  const local = new Set(missing.filter(({ diffId }) => holdsBlob(store, diffId, lease)));
  const stop = new AbortController();
  const signal = AbortSignal.any([o.signal, stop.signal]);
  const downloads = missing.map(({ descriptor }, i) => {
    if (local.has(missing[i]!)) return undefined;
    report(descriptor, 'waiting', 0);
    let unpacking = false;
    let last = 0;
    return {
      unpacking: () => (unpacking = true),
      download: new Download({
        content: store.content,
        layout: store.layout,
        repository,
        descriptor,
        leases,
        signal,
        onProgress: (current) => {
          if (unpacking || (current < descriptor.size && current - last < 1 << 20)) return;
          last = current;
          report(descriptor, current === descriptor.size ? 'downloaded' : 'downloading', current);
        },
      }),
    };
  });
  try {
    const all = inOrder(
      downloads.flatMap((d) => d?.download ?? []),
      PARALLEL,
    );
    all.catch(() => {});
    for (const [i, layer] of missing.entries()) {
      const arriving = downloads[i];
      const { descriptor, diffId } = layer;
      const unpacked = await store.layers.unpackLayer(layer, parent, lease, {
        signal,
        ...(arriving && { arriving: arriving.download }),
        limit: unpackLimit(descriptor.size),
        onProgress: ({ current }) => {
          arriving?.unpacking();
          report(descriptor, 'unpacking', current);
        },
      });
      parent = unpacked.id;
      await arriving?.download.verified();
      report(descriptor, arriving ? 'done' : 'present', descriptor.size);
      const { size, tarSize } = unpacked;
      made.push({ diffId, size, tarSize, ...(arriving && { blob: { digest: descriptor.digest, mediaType: descriptor.mediaType } }) });
    }
    await all;
    return made;
  } catch (e) {
    stop.abort(e);
    await Promise.allSettled(downloads.flatMap((d) => (d === undefined ? [] : [d.download.verified()])));
    throw e;
  }
}

function holdsBlob(store: ImageStore, diffId: Digest, lease: Lease): boolean {
  const blob = store.layers.blob(diffId);
  return blob !== undefined && store.content.hold(blob.digest, lease);
}

/** Runs downloads, the first ones first, so many at a time. */
async function inOrder(downloads: readonly Download[], most: number): Promise<void> {
  let next = 0;
  const run = async (): Promise<void> => {
    while (next < downloads.length) await downloads[next++]!.verified();
  };
  await Promise.all(Array.from({ length: Math.min(most, downloads.length) }, run));
}
