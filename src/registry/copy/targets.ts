// Where a copy goes: a repository, an OCI layout in a folder, or an archive that `docker load` reads.
import { createHash } from 'node:crypto';
import { createWriteStream, lstatSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Sink, TarSink } from '../../image/index.ts';
import {
  type Descriptor,
  type Digest,
  digestHex,
  encodeJson,
  familiarReference,
  formatReference,
  isIndexType,
  MediaType,
  parseIndex,
  parseManifest,
  parseReference,
  SlipwayError,
  withDefaultTag,
} from '../../model/index.ts';
import { reasonOf, RootedTree, writeFileAtomic } from '../../sys/index.ts';
import { randomId } from '../../util/index.ts';
import { type Compression, compressing } from '../push.ts';
import type { RemoteManifest, Repository } from '../repository.ts';
import type { CopySource, CopyTarget } from './types.ts';

export class RegistryTarget implements CopyTarget {
  readonly parallel = 3;
  readonly #repository: Repository;
  readonly #reference: string | undefined;
  readonly #compression: Compression;

  /** @param reference a tag; the digest when left out */
  constructor(repository: Repository, reference: string | undefined, compression: Compression) {
    this.#repository = repository;
    this.#reference = reference;
    this.#compression = compression;
  }

  async has(d: Descriptor): Promise<boolean> {
    return (await this.#repository.blobSize(d.digest)) !== undefined;
  }

  async takeOver(d: Descriptor, from: CopySource): Promise<boolean> {
    return from.repository?.host.name === this.#repository.host.name && this.#repository.mount(d.digest, from.repository.path);
  }

  put(d: Descriptor, open: (start: number) => Readable): Promise<void> {
    // What is sent again from the middle is verified by the registry alone.
    return this.#repository.upload({
      size: d.size,
      open: (start) => (start === 0 ? verified(open(0), d) : open(start)),
      digest: () => d.digest,
    });
  }

  readonly putCompressed = async (d: Descriptor, open: () => Readable): Promise<{ digest: Digest; size: number }> => {
    let made: { digest: Digest; size: number } | undefined;
    await this.#repository.upload({
      open: (start) =>
        compressing(
          () => verified(open(), d),
          this.#compression,
          start,
          (blob) => (made = blob),
        ),
      digest: () => made!.digest,
    });
    return made!;
  };

  async manifest(m: RemoteManifest, root: boolean): Promise<void> {
    await this.#repository.putManifest(root ? (this.#reference ?? m.digest) : m.digest, m.mediaType, m.bytes);
  }

  async finish(): Promise<void> {}
  abort(): void {}
}

const REF_NAME = 'org.opencontainers.image.ref.name';
const WHOLE_NAME = 'io.containerd.image.name';

/** What an image is called in a layout. */
export interface ImageName {
  readonly tag: string;
  /** With its registry and repository. */
  readonly whole?: string;
}

const annotationsOf = ({ tag, whole }: ImageName): Record<string, string> => ({
  ...(whole !== undefined && { [WHOLE_NAME]: whole }),
  [REF_NAME]: tag,
});

function isNamed({ annotations = {} }: Descriptor, { tag, whole }: ImageName): boolean {
  const has = annotations[WHOLE_NAME];
  return annotations[REF_NAME] === tag && (has === undefined || whole === undefined || has === whole);
}

/** What the layout holds; a link that leads out of it is nothing, and is replaced. */
function listed(layout: RootedTree): readonly Descriptor[] {
  let index: Buffer;
  try {
    index = layout.readFile('index.json');
  } catch (e) {
    if (reasonOf(e, 'ENOENT', 'ENOTDIR', 'ELOOP') !== undefined) return [];
    throw e;
  }
  return parseIndex(index).manifests;
}

export class LayoutTarget implements CopyTarget {
  readonly parallel = 3;
  readonly #root: string;
  /** `blobs/sha256`; a link in a folder from elsewhere leads nowhere else. */
  readonly #blobs: string;
  readonly #names: readonly ImageName[];

  /** @param names of the image; those that other images of the layout have move here */
  constructor(root: string, names: readonly ImageName[]) {
    this.#root = root;
    this.#names = names;
    mkdirSync(root, { recursive: true });
    using tree = new RootedTree(root);
    using blobs = tree.makeDirectories('blobs/sha256', 0o755);
    this.#blobs = join(root, blobs.inside);
    if (tree.stat('oci-layout')?.isFile() !== true) writeFileAtomic(join(root, 'oci-layout'), encodeJson({ imageLayoutVersion: '1.0.0' }));
  }

  async has(d: Descriptor): Promise<boolean> {
    return lstatSync(this.#path(d.digest), { throwIfNoEntry: false })?.isFile() === true;
  }

  async takeOver(): Promise<boolean> {
    return false;
  }

  async put(d: Descriptor, open: (start: number) => Readable): Promise<void> {
    const aside = `${this.#path(d.digest)}.${randomId(8)}.part`;
    try {
      await pipeline(open(0), verifying(d), createWriteStream(aside, { flags: 'wx' }));
      renameSync(aside, this.#path(d.digest));
    } catch (e) {
      rmSync(aside, { force: true });
      throw e;
    }
  }

  async manifest(m: RemoteManifest, root: boolean): Promise<void> {
    writeFileAtomic(this.#path(m.digest), m.bytes);
    if (!root) return;
    const path = join(this.#root, 'index.json');
    using tree = new RootedTree(this.#root);
    const before = listed(tree);
    const taken = (d: Descriptor): boolean =>
      this.#names.length === 0 ? d.digest === m.digest : this.#names.some((name) => isNamed(d, name));
    const others = before.filter((d) => !taken(d));
    const entry: Descriptor = { mediaType: m.mediaType, digest: m.digest, size: m.bytes.length };
    const entries = this.#names.length === 0 ? [entry] : this.#names.map((name) => ({ ...entry, annotations: annotationsOf(name) }));
    writeFileAtomic(path, encodeJson({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: [...others, ...entries] }));
  }

  async finish(): Promise<void> {}
  abort(): void {}

  #path(digest: Digest): string {
    return join(this.#blobs, digestHex(digest));
  }
}

/** One image; its blobs come one after the other. */
export class DockerArchiveTarget implements CopyTarget {
  readonly parallel = 1;
  readonly #sink: Sink;
  readonly #tar: TarSink;
  readonly #names: readonly string[];
  readonly #written = new Set<Digest>();
  #root: RemoteManifest | undefined;

  constructor(sink: Sink, names: readonly string[]) {
    this.#sink = sink;
    this.#tar = new TarSink(this.#sink);
    this.#names = names.map((name) => formatReference(withDefaultTag(parseReference(name))));
    this.#tar.directory('blobs/');
    this.#tar.directory('blobs/sha256/');
  }

  async has(d: Descriptor): Promise<boolean> {
    return this.#written.has(d.digest);
  }

  async takeOver(): Promise<boolean> {
    return false;
  }

  async put(d: Descriptor, open: (start: number) => Readable): Promise<void> {
    this.#tar.begin(nameOf(d.digest), d.size);
    await pipeline(open(0), verifying(d), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        this.#sink.write(chunk);
        await this.#sink.drain();
      }
    });
    this.#tar.end(d.size);
    this.#written.add(d.digest);
  }

  async manifest(m: RemoteManifest, root: boolean): Promise<void> {
    if (isIndexType(m.mediaType) || !root)
      throw new SlipwayError('unsupported', 'copy.one-image', 'such an archive holds one image, and not a list of them', {
        hints: ['leave --all out, or copy to oci:FOLDER'],
      });
    this.#tar.file(nameOf(m.digest), m.bytes);
    this.#root = m;
  }

  async finish(): Promise<void> {
    const m = this.#root!;
    const { config, layers } = parseManifest(m.bytes);
    const entry = { mediaType: m.mediaType, digest: m.digest, size: m.bytes.length };
    const named = this.#names.map((whole) => ({ ...entry, annotations: annotationsOf({ whole, tag: parseReference(whole).tag ?? '' }) }));
    const manifests = named.length === 0 ? [entry] : named;
    this.#tar.file('index.json', encodeJson({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests }));
    const image = {
      Config: nameOf(config.digest),
      RepoTags: this.#names.length === 0 ? null : this.#names.map((name) => familiarReference(parseReference(name))),
      Layers: layers.map((l) => nameOf(l.digest)),
    };
    this.#tar.file('manifest.json', encodeJson([image]));
    this.#tar.file('oci-layout', encodeJson({ imageLayoutVersion: '1.0.0' }));
    this.#tar.finish();
    await this.#sink.finish();
  }

  abort(): void {
    this.#sink.abort();
  }
}

const nameOf = (digest: Digest): string => `blobs/sha256/${digestHex(digest)}`;

/** The bytes of a blob; the stream fails before its end when they are not what was announced. */
function verified(source: Readable, d: Descriptor): Readable {
  const checked = Readable.from(verifying(d)(source as AsyncIterable<Buffer>), { objectMode: false, highWaterMark: 1 << 20 });
  checked.on('close', () => source.destroy());
  return checked;
}

/** Passes bytes on, and fails at the end when they are not what was announced. */
function verifying(d: Descriptor): (chunks: AsyncIterable<Buffer>) => AsyncGenerator<Buffer> {
  return async function* (chunks) {
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of chunks) {
      size += chunk.length;
      if (size > d.size) break;
      hash.update(chunk);
      yield chunk;
    }
    if (size !== d.size || `sha256:${hash.digest('hex')}` !== d.digest)
      throw new SlipwayError('data-loss', 'copy.mismatch', `blob ${d.digest} is not what was announced`);
  };
}
