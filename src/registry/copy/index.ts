// Copying images between registries, layouts and archives, without a store in between: what the target has is not moved, and
// what was copied has the digest that it had.
import {
  type Descriptor,
  encodeJson,
  hostPlatform,
  isIndexType,
  isManifestType,
  type Manifest,
  MediaType,
  parseIndex,
  parseManifest,
  parseReference,
  type Platform,
  sha256,
  SlipwayError,
  withDefaultTag,
} from '../../model/index.ts';
import { openSink } from '../../image/index.ts';
import { choosePlatform } from '../platform.ts';
import type { Compression } from '../push.ts';
import { each } from '../push.ts';
import type { Registries } from '../registries.ts';
import type { RemoteManifest } from '../repository.ts';
import { openFiles } from './files.ts';
import { DockerArchiveSource } from './docker-archive.ts';
import { LayoutSource, RegistrySource } from './sources.ts';
import { DockerArchiveTarget, LayoutTarget, RegistryTarget } from './targets.ts';
import type { CopySource, CopyTarget } from './types.ts';

export type { CopySource, CopyTarget };

export interface CopyOptions {
  readonly signal: AbortSignal;
  /** All images of a list, and the list; else the one for the platform. */
  readonly all: boolean;
  readonly platform?: Platform;
  /** For plain layers that go to a registry out of an archive. */
  readonly compression: Compression;
  onBlob?(d: Descriptor, state: 'copying' | 'copied' | 'present' | 'mounted'): void;
}

export interface Copied {
  readonly manifest: RemoteManifest;
  /** Bytes of blobs that were moved. */
  readonly moved: number;
}

const KINDS = ['docker', 'oci', 'oci-archive', 'docker-archive'] as const;
type Kind = (typeof KINDS)[number];

export interface Place {
  readonly kind: Kind;
  /** A reference, or a path. */
  readonly at: string;
  /** Behind the path. */
  readonly name?: string;
  /** Of a repository: what is put there gets no tag. */
  readonly byDigest?: boolean;
}

/** `docker://NAME`, `oci:PATH[:TAG]`, `oci-archive:PATH[:TAG]`, `docker-archive:PATH[:NAME]`; a name alone is one of a registry. */
export function parsePlace(text: string): Place {
  const { kind, rest } = /^(?<kind>docker|oci-archive|oci|docker-archive):(?<rest>.*)$/s.exec(text)?.groups ?? {};
  if (kind === undefined || rest === undefined) return { kind: 'docker', at: text };
  if (kind === 'docker') {
    if (!rest.startsWith('//')) return { kind: 'docker', at: text };
    return { kind: 'docker', at: rest.slice(2) };
  }
  const colon = rest.indexOf(':');
  const at = colon < 0 ? rest : rest.slice(0, colon);
  if (at === '') throw new SlipwayError('invalid-argument', 'copy.place', `${text} names no path`);
  return { kind: kind as Kind, at, ...(colon >= 0 && { name: rest.slice(colon + 1) }) };
}

export async function copy(registries: Registries, from: Place, to: Place, o: CopyOptions): Promise<Copied> {
  const source = openSource(registries, from, o.signal);
  try {
    const target = await openTarget(registries, to, from, o);
    try {
      const copied = await new Copying(source, target, o).run();
      await target.finish();
      return copied;
    } catch (e) {
      target.abort();
      throw e;
    }
  } finally {
    source.close();
  }
}

export function openSource(registries: Registries, place: Place, signal: AbortSignal): CopySource {
  if (place.kind === 'docker') {
    const ref = withDefaultTag(parseReference(place.at));
    return new RegistrySource(registries.repository(ref, 'pull'), ref.digest ?? ref.tag ?? 'latest');
  }
  const files = openFiles(place.at);
  // Newer archives are layouts too, which say more.
  if (place.kind !== 'docker-archive' || files.has('index.json')) return new LayoutSource(files, place.name);
  return new DockerArchiveSource(files, place.name, signal);
}

/** @param from where the blobs come from, if they come from a registry: another repository of it may be taken over from */
export async function openTarget(
  registries: Registries,
  place: Place,
  from: Place | undefined,
  o: Pick<CopyOptions, 'compression' | 'signal'>,
): Promise<CopyTarget> {
  switch (place.kind) {
    case 'docker': {
      const ref = parseReference(place.at);
      const also = from?.kind === 'docker' && parseReference(from.at).domain === ref.domain ? [parseReference(from.at).path] : [];
      const tag = place.byDigest ? undefined : (ref.tag ?? (ref.digest === undefined ? 'latest' : undefined));
      return new RegistryTarget(registries.repository(ref, 'pull,push', also), tag, o.compression);
    }
    case 'oci':
      return new LayoutTarget(place.at, place.name === undefined ? [] : [{ tag: place.name }]);
    case 'docker-archive':
    case 'oci-archive':
      return new DockerArchiveTarget(await openSink(place.at, o.signal), place.name === undefined ? [] : [place.name]);
  }
}

class Copying {
  readonly #source: CopySource;
  readonly #target: CopyTarget;
  readonly #o: CopyOptions;
  #moved = 0;
  /** Lists may name one manifest any number of times, and lists of lists multiply that. */
  readonly #copied = new Set<string>();

  constructor(source: CopySource, target: CopyTarget, o: CopyOptions) {
    this.#source = source;
    this.#target = target;
    this.#o = o;
  }

  async run(): Promise<Copied> {
    let root = await this.#source.root();
    if (isIndexType(root.mediaType) && !this.#o.all) {
      const chosen = choosePlatform(parseIndex(root.bytes), this.#o.platform ?? hostPlatform(), 'what is copied');
      root = await this.#source.manifest(chosen.digest);
    }
    return { manifest: await this.#document(root, true, 0), moved: this.#moved };
  }

  /** A manifest after its blobs, an index after its manifests. */
  async #document(document: RemoteManifest, root: boolean, depth: number): Promise<RemoteManifest> {
    let m = document;
    if (isIndexType(m.mediaType)) {
      if (depth > 4) throw new SlipwayError('data-loss', 'copy.depth', 'lists of images are nested too deeply');
      for (const d of parseIndex(m.bytes).manifests) {
        if (this.#copied.has(d.digest)) continue;
        this.#copied.add(d.digest);
        const inner = await this.#source.manifest(d.digest);
        if (isIndexType(inner.mediaType) || isManifestType(inner.mediaType)) await this.#document(inner, false, depth + 1);
      }
    } else {
      const { config, layers } = parseManifest(m.bytes);
      const blobs = [...new Map([config, ...layers].map((d) => [d.digest, d])).values()].filter((d) => (d.urls ?? []).length === 0);
      const { putCompressed } = this.#target;
      if (this.#source.rewritable && putCompressed !== undefined) m = await this.#compressed(m, putCompressed);
      else await each(blobs, this.#target.parallel, (d) => this.#blob(d));
    }
    await this.#target.manifest(m, root);
    return m;
  }

  async #blob(d: Descriptor): Promise<void> {
    this.#o.signal.throwIfAborted();
    if (await this.#target.has(d)) return this.#o.onBlob?.(d, 'present');
    if (await this.#target.takeOver(d, this.#source)) return this.#o.onBlob?.(d, 'mounted');
    this.#o.onBlob?.(d, 'copying');
    await this.#target.put(d, (start) => this.#source.blob(d, start));
    this.#moved += d.size;
    this.#o.onBlob?.(d, 'copied');
  }

  /** Plain layers of an archive, compressed on their way; the manifest names what they became. */
  async #compressed(m: RemoteManifest, put: NonNullable<CopyTarget['putCompressed']>): Promise<RemoteManifest> {
    const manifest: Manifest = parseManifest(m.bytes);
    const { kind } = this.#o.compression;
    const layers = await each(manifest.layers, this.#target.parallel, async (d): Promise<Descriptor> => {
      if (d.mediaType !== MediaType.ociLayer) {
        await this.#blob(d);
        return d;
      }
      this.#o.onBlob?.(d, 'copying');
      const made = await put(d, () => this.#source.blob(d, 0));
      this.#moved += made.size;
      this.#o.onBlob?.(d, 'copied');
      return { mediaType: kind === 'gzip' ? MediaType.ociLayerGzip : MediaType.ociLayerZstd, ...made };
    });
    await this.#blob(manifest.config);
    const bytes = encodeJson({ ...manifest, layers });
    return { bytes, digest: sha256(bytes), mediaType: m.mediaType };
  }
}
