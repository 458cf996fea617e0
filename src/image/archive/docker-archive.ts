// The older half of the format that `docker save` writes: manifest.json lists images with the members that hold their configuration and
// layers. Podman, skopeo and crane write it too, each with its own names for the members.
import { asImageConfig, parseDocument } from './documents.ts';
import type { ImagePlan } from './documents.ts';
import { malformed } from './errors.ts';
import type { ArchiveFiles } from './files.ts';
import { isDigest, withDefaultTag, parseReference, formatReference } from '../../model/index.ts';
import type { Digest } from '../../model/index.ts';

/** @throws SlipwayError `archive.malformed`, `archive.incomplete`, `config.invalid`, `reference.invalid` */
export function readDockerManifest(files: Pick<ArchiveFiles, 'document'>): ImagePlan[] {
  const list = parseDocument(files.document('manifest.json'), 'manifest.json');
  if (!Array.isArray(list)) throw malformed('manifest.json is not a list');
  return list.map((item: unknown, i): ImagePlan => {
    const { Config: config, Layers: layers, RepoTags: tags } = (item ?? {}) as { Config?: unknown; Layers?: unknown; RepoTags?: unknown };
    if (typeof config !== 'string') throw malformed(`image ${i} of manifest.json has no "Config"`);
    if (layers !== null && layers !== undefined && !isStrings(layers))
      throw malformed(`"Layers" of image ${i} in manifest.json is not a list of names`);
    if (tags !== null && tags !== undefined && !isStrings(tags))
      throw malformed(`"RepoTags" of image ${i} in manifest.json is not a list of names`);
    const bytes = files.document(config);
    const members = layers ?? [];
    const image = asImageConfig(bytes, members.length);
    return {
      config: bytes,
      layers: members.map((name, n) => {
        const digest = digestInName(name);
        return { name, diffId: image.rootfs.diff_ids[n]!, ...(digest === undefined ? {} : { digest }) };
      }),
      names: (tags ?? []).map((tag) => formatReference(withDefaultTag(parseReference(tag)))),
    };
  });
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((v) => typeof v === 'string');
}

/** In a member that is also a blob of an OCI layout, the name is a promise. */
function digestInName(name: string): Digest | undefined {
  const match = /^(?:\.\/)?blobs\/sha256\/([0-9a-f]{64})$/.exec(name);
  const digest = `sha256:${match?.[1] ?? ''}`;
  return match !== null && isDigest(digest) ? digest : undefined;
}
