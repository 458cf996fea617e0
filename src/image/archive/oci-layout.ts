// An OCI image layout (image-spec, image-layout.md): index.json leads to manifests and, for several platforms, to further indexes.
import {
  formatPlatform,
  MediaType,
  digestHex,
  formatReference,
  hostPlatform,
  isIndexType,
  isManifestType,
  matchesPlatform,
  parseIndex,
  parseManifest,
  parseReference,
  sha256,
  SlipwayError,
  sniffMediaType,
  withDefaultTag,
} from '../../model/index.ts';
import type { Descriptor, Digest, Platform } from '../../model/index.ts';
import { asImageConfig } from './documents.ts';
import type { ImagePlan } from './documents.ts';
import { malformed, mismatch, notAnImageArchive } from './errors.ts';
import type { ArchiveFiles } from './files.ts';
import type { ImageChoice } from './types.ts';

/** containerd and Docker put the whole name here; the spec's own annotation may hold a tag only. */
const WHOLE_NAME = 'io.containerd.image.name';
const REF_NAME = 'org.opencontainers.image.ref.name';
const MAX_DEPTH = 4;

/** @throws SlipwayError `archive.*`, `manifest.invalid`, `config.invalid` */
export function readOciLayout(files: ArchiveFiles, platform?: Platform): ImagePlan[] {
  const plans = new Map<Digest, ImagePlan>();
  for (const descriptor of parseIndex(files.document('index.json')).manifests) {
    const found = findManifest(files, descriptor, 0, platform);
    if (found === undefined) continue;
    const name = nameOf(descriptor);
    const known = plans.get(found.digest);
    const plan = known ?? readManifest(files, found);
    plans.set(found.digest, { ...plan, names: [...plan.names, ...(name === undefined || plan.names.includes(name) ? [] : [name])] });
  }
  if (plans.size === 0)
    throw notAnImageArchive(`its index.json names no image for ${platform === undefined ? 'this machine' : formatPlatform(platform)}`);
  return [...plans.values()];
}

/**
 * One image of a layout, without names.
 * @throws SlipwayError not-found `archive.no-such-image`, which lists the tags that there are, and those of `readOciLayout`
 */
export function readOciImage(files: ArchiveFiles, { tag, digest, platform }: ImageChoice): ImagePlan {
  const all = parseIndex(files.document('index.json')).manifests;
  const tagOf = (d: Descriptor): string | undefined => d.annotations?.[REF_NAME] ?? d.annotations?.[WHOLE_NAME];
  const wanted = tag ?? 'latest';
  const named = all.filter((d) => (digest === undefined ? tagOf(d) === wanted || tagOf(d)?.endsWith(`:${wanted}`) : d.digest === digest));
  // several of one tag are for several platforms
  const fitting = named.length > 1 ? preferred(named, platform) : named;
  const chosen = fitting[0] ?? (tag === undefined && digest === undefined && all.length === 1 ? all[0] : undefined);
  const found = chosen && findManifest(files, chosen, 0, platform);
  if (found !== undefined) return readManifest(files, found);
  if (platform !== undefined && (chosen ?? named[0]) !== undefined)
    throw new SlipwayError('not-found', 'archive.no-platform', `no match for platform ${formatPlatform(platform)} in manifest: not found`);
  const tags = all.flatMap((d) => tagOf(d) ?? []);
  throw new SlipwayError('not-found', 'archive.no-such-image', `the layout has no image ${digest ?? `tagged ${wanted}`}`, {
    hints: [tags.length > 0 ? `its tags: ${tags.join(', ')}` : 'its images have no tags: name one by its digest'],
  });
}

/** The manifest that a descriptor leads to: itself, or the one for this machine out of an index. */
function findManifest(files: ArchiveFiles, descriptor: Descriptor, depth: number, platform?: Platform): Descriptor | undefined {
  if (isManifestType(descriptor.mediaType)) return isImage(descriptor) ? descriptor : undefined;
  if (!isIndexType(descriptor.mediaType)) return undefined;
  if (depth >= MAX_DEPTH) throw malformed('its indexes are nested too deeply');
  const candidates = parseIndex(blobOf(files, descriptor)).manifests.filter(isImage);
  for (const candidate of preferred(candidates, platform)) {
    const found = findManifest(files, candidate, depth + 1, platform);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Those of the wanted platform, the nearest variant first. Unless one is named, those of this machine; the only one there is, whatever its platform. */
function preferred(candidates: readonly Descriptor[], wanted?: Platform): readonly Descriptor[] {
  const variant = (d: Descriptor): number => Number(/\d+/.exec(d.platform?.variant ?? '')?.[0] ?? 0);
  const matching = candidates
    .filter(({ platform }) => platform === undefined || matchesPlatform(platform, wanted ?? hostPlatform()))
    .toSorted((a, b) => variant(b) - variant(a));
  if (wanted !== undefined) return matching;
  return matching.length > 0 || candidates.length !== 1 ? matching : candidates;
}

/** BuildKit keeps provenance beside images under manifests that hold no file system. */
function isImage(descriptor: Descriptor): boolean {
  return descriptor.annotations?.['vnd.docker.reference.type'] === undefined && descriptor.platform?.os !== 'unknown';
}

function readManifest(files: ArchiveFiles, descriptor: Descriptor): ImagePlan {
  const bytes = blobOf(files, descriptor);
  const manifest = parseManifest(bytes);
  const { config } = manifest;
  if (config.mediaType !== MediaType.ociConfig && config.mediaType !== MediaType.dockerConfig)
    throw malformed(`${descriptor.digest} is a manifest of something else than an image (${config.mediaType})`);
  const configBytes = blobOf(files, config);
  const { rootfs } = asImageConfig(configBytes, manifest.layers.length);
  return {
    config: configBytes,
    layers: manifest.layers.map((layer, i) => ({
      name: blobName(layer),
      diffId: rootfs.diff_ids[i]!,
      digest: layer.digest,
      mediaType: layer.mediaType,
    })),
    names: [],
    manifest: { bytes, mediaType: sniffMediaType(bytes) ?? descriptor.mediaType },
  };
}

/** A small blob, verified. */
function blobOf(files: ArchiveFiles, descriptor: Descriptor): Buffer {
  const bytes = files.document(blobName(descriptor));
  const digest = sha256(bytes);
  if (digest !== descriptor.digest) throw mismatch(blobName(descriptor), descriptor.digest, digest);
  return bytes;
}

function blobName(descriptor: Descriptor): string {
  return `blobs/sha256/${digestHex(descriptor.digest)}`;
}

function nameOf(descriptor: Descriptor): string | undefined {
  const whole = descriptor.annotations?.[WHOLE_NAME];
  const ref = descriptor.annotations?.[REF_NAME];
  const name = whole ?? (ref !== undefined && /[/:]/.test(ref) ? ref : undefined);
  return name === undefined ? undefined : formatReference(withDefaultTag(parseReference(name)));
}
