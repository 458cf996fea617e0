// Lists of images for several platforms: what is in them, and making them of images that are at registries already.
import { Readable } from 'node:stream';
import {
  type Descriptor,
  encodeJson,
  type Index,
  isIndexType,
  isManifestType,
  MediaType,
  parseImageConfig,
  parseIndex,
  parseManifest,
  type Reference,
  sha256,
  SlipwayError,
  withDefaultTag,
} from '../model/index.ts';
import { readSmallBlob } from './pull.ts';
import { each } from './push.ts';
import type { Registries } from './registries.ts';
import type { RemoteManifest, Repository } from './repository.ts';

/** An image of a list, and where it is. */
export interface ListEntry {
  readonly from: Reference;
  /** With its platform. */
  readonly descriptor: Descriptor;
}

/** What a name stands for at its registry. */
export async function remoteManifest(registries: Registries, ref: Reference): Promise<RemoteManifest> {
  const name = withDefaultTag(ref);
  return registries.reading(name, (repository) => repository.manifest(name.digest ?? name.tag ?? 'latest'));
}

/** The images that a name stands for, one by one, each with its platform. */
export async function imagesOf(registries: Registries, ref: Reference): Promise<ListEntry[]> {
  const name = withDefaultTag(ref);
  const repository = registries.repository(name, 'pull');
  const found = await repository.manifest(name.digest ?? name.tag ?? 'latest');
  if (isIndexType(found.mediaType)) return parseIndex(found.bytes).manifests.map((descriptor) => ({ from: name, descriptor }));
  const { config } = parseManifest(found.bytes);
  const { architecture, os, variant } = parseImageConfig(await readSmallBlob(repository, config));
  const platform = { architecture, os, ...(variant !== undefined && { variant }) };
  return [{ from: name, descriptor: { mediaType: found.mediaType, digest: found.digest, size: found.bytes.length, platform } }];
}

/** A list in the format that its images have. */
export function makeList(entries: readonly ListEntry[], annotations: Readonly<Record<string, string>> = {}): RemoteManifest {
  const docker =
    entries.every(({ descriptor }) => descriptor.mediaType === MediaType.dockerManifest) && Object.keys(annotations).length === 0;
  const mediaType = docker ? MediaType.dockerManifestList : MediaType.ociIndex;
  const index: Index = {
    schemaVersion: 2,
    mediaType,
    manifests: entries.map(({ descriptor }) => descriptor),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
  const bytes = encodeJson(index);
  return { bytes, mediaType, digest: sha256(bytes) };
}

/** Puts a list under a name; images that the repository has not yet are brought there first. */
export async function pushList(registries: Registries, ref: Reference, list: RemoteManifest, entries: readonly ListEntry[]): Promise<void> {
  const name = withDefaultTag(ref);
  const neighbours = entries.filter(({ from }) => from.domain === name.domain).map(({ from }) => from.path);
  const target = registries.repository(name, 'pull,push', [...new Set(neighbours)]);
  const copied = new Set<string>();
  for (const { from, descriptor } of entries) {
    if ((await target.head(descriptor.digest)) !== undefined) continue;
    await bring(registries.repository(from, 'pull'), target, descriptor, from.domain === name.domain, copied, 0);
  }
  await target.putManifest(name.tag ?? list.digest, list.mediaType, list.bytes);
}

/** @param copied digests that need not be copied again: lists of lists may name one any number of times */
async function bring(
  source: Repository,
  target: Repository,
  d: Descriptor,
  sameRegistry: boolean,
  copied: Set<string>,
  depth: number,
): Promise<void> {
  if (copied.has(d.digest)) return;
  copied.add(d.digest);
  if (depth > 4) throw new SlipwayError('data-loss', 'copy.depth', 'lists of images are nested too deeply');
  const m = await source.manifest(d.digest);
  if (isIndexType(m.mediaType))
    for (const inner of parseIndex(m.bytes).manifests) await bring(source, target, inner, sameRegistry, copied, depth + 1);
  else if (isManifestType(m.mediaType)) {
    const { config, layers } = parseManifest(m.bytes);
    await each([config, ...layers], 3, async (blob) => {
      if ((await target.blobSize(blob.digest)) !== undefined) return;
      if (sameRegistry && (await target.mount(blob.digest, source.path))) return;
      const open = (start: number) => Readable.from(source.blob(blob.digest, start, blob.size), { objectMode: false });
      await target.upload({ size: blob.size, open, digest: () => blob.digest });
    });
  }
  await target.putManifest(m.digest, m.mediaType, m.bytes);
}
