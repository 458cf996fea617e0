// Where a copy comes from: a repository, an OCI layout (folder or tar), or an archive as `docker save` writes it.
import { Readable } from 'node:stream';
import {
  type Descriptor,
  type Digest,
  digestHex,
  formatReference,
  parseIndex,
  parseReference,
  sha256,
  sniffMediaType,
  SlipwayError,
  withDefaultTag,
} from '../../model/index.ts';
import type { RemoteManifest, Repository } from '../repository.ts';
import type { Files } from './files.ts';
import type { CopySource } from './types.ts';

export class RegistrySource implements CopySource {
  readonly rewritable = false;
  readonly repository: Repository;
  readonly #reference: string;

  constructor(repository: Repository, reference: string) {
    this.repository = repository;
    this.#reference = reference;
  }

  root(): Promise<RemoteManifest> {
    return this.repository.manifest(this.#reference);
  }

  manifest(digest: Digest): Promise<RemoteManifest> {
    return this.repository.manifest(digest);
  }

  blob(d: Descriptor, start: number): Readable {
    return Readable.from(this.repository.blob(d.digest, start, d.size), { objectMode: false, highWaterMark: 1 << 20 });
  }

  close(): void {}
}

const REF_NAME = 'org.opencontainers.image.ref.name';
const WHOLE_NAME = 'io.containerd.image.name';

export class LayoutSource implements CopySource {
  readonly rewritable = false;
  readonly #files: Files;
  readonly #tag: string | undefined;

  /** @param tag or digest; the only image there is when left out */
  constructor(files: Files, tag: string | undefined) {
    this.#files = files;
    this.#tag = tag;
  }

  async root(): Promise<RemoteManifest> {
    const all = parseIndex(this.#files.read('index.json')).manifests;
    const namesOf = (d: Descriptor): string[] => [d.annotations?.[REF_NAME], d.annotations?.[WHOLE_NAME]].filter((n) => n !== undefined);
    const digests = new Set(all.map((d) => d.digest));
    const tag = this.#tag;
    const chosen =
      tag === undefined
        ? digests.size === 1
          ? all[0]
          : undefined
        : all.find(
            (d) => d.digest === tag || namesOf(d).some((name) => name === tag || name.endsWith(`:${tag}`) || name === wholeName(tag)),
          );
    if (chosen !== undefined) return this.manifest(chosen.digest);
    throw new SlipwayError(
      'not-found',
      'copy.no-image',
      tag === undefined ? 'the layout holds several images' : `the layout has no image ${tag}`,
      {
        hints: [`it holds: ${[...new Set(all.flatMap((d) => namesOf(d)[0] ?? d.digest))].join(', ')}`],
      },
    );
  }

  async manifest(digest: Digest): Promise<RemoteManifest> {
    const bytes = this.#files.read(pathOf(digest));
    const mediaType = sniffMediaType(bytes);
    if (sha256(bytes) !== digest || mediaType === undefined)
      throw new SlipwayError('data-loss', 'copy.mismatch', `${digest} of the layout is not what its name says`);
    return { bytes, digest, mediaType };
  }

  blob(d: Descriptor, start: number): Readable {
    return this.#files.stream(pathOf(d.digest), start);
  }

  close(): void {
    this.#files.close();
  }
}

function wholeName(name: string): string | undefined {
  try {
    return formatReference(withDefaultTag(parseReference(name)));
  } catch {
    return undefined;
  }
}

const pathOf = (digest: Digest): string => `blobs/sha256/${digestHex(digest)}`;
