// The use cases of lists for several platforms. A list that is being put together is kept as a file until it is pushed.
import { sha256Hex } from '../util/index.ts';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Descriptor,
  type Digest,
  familiarReference,
  formatReference,
  parseReference,
  type Platform,
  type Reference,
  SlipwayError,
  withDefaultTag,
} from '../model/index.ts';
import type { CredentialSource, ListEntry, RemoteManifest } from '../registry/index.ts';
import { makePrivate } from '../store/index.ts';
import { writeFileAtomic } from '../sys/index.ts';
import type { Engine } from './engine.ts';

export type { ListEntry, RemoteManifest };

/** What a name stands for at its registry. */
export async function inspectRemote(
  engine: Engine,
  ref: Reference,
  signal: AbortSignal,
  insecure?: readonly string[],
  credentials?: CredentialSource,
): Promise<RemoteManifest> {
  using registries = await engine.registries(signal, insecure, credentials);
  const { remoteManifest } = await import('../registry/index.ts');
  return await remoteManifest(registries, ref);
}

/** Repositories of a registry (`host`), or tags of a repository (`host/path`). */
export async function listRemote(engine: Engine, name: string, signal: AbortSignal): Promise<string[]> {
  using registries = await engine.registries(signal);
  if (!name.includes('/') && /[.:]|^localhost$/.test(name)) return await registries.host(name).catalogue();
  return await registries.repository(parseReference(name), 'pull').tags();
}

/** Deletes what a name stands for; its digest. @throws SlipwayError not-found, unsupported */
export async function deleteRemote(engine: Engine, ref: Reference, signal: AbortSignal): Promise<Digest> {
  using registries = await engine.registries(signal);
  const repository = registries.repository(ref, 'pull,push,delete');
  const digest = ref.digest ?? (await repository.manifest(ref.tag ?? 'latest')).digest;
  await repository.deleteManifest(digest);
  return digest;
}

export async function referrersOf(
  engine: Engine,
  ref: Reference,
  artifactType: string | undefined,
  signal: AbortSignal,
): Promise<Descriptor[]> {
  using registries = await engine.registries(signal);
  const name = withDefaultTag(ref);
  const repository = registries.repository(name, 'pull');
  const digest = name.digest ?? (await repository.manifest(name.tag ?? 'latest')).digest;
  return (await repository.referrers(digest, artifactType)).manifests;
}

/** A list of the images that names stand for; lists among them are taken apart. */
export async function collectImages(
  engine: Engine,
  refs: readonly Reference[],
  signal: AbortSignal,
  insecure?: readonly string[],
  credentials?: CredentialSource,
): Promise<ListEntry[]> {
  using registries = await engine.registries(signal, insecure, credentials);
  const { imagesOf } = await import('../registry/index.ts');
  const all: ListEntry[] = [];
  for (const ref of refs) all.push(...(await imagesOf(registries, ref)));
  return [...new Map(all.map((entry) => [JSON.stringify([entry.descriptor.digest, entry.descriptor.platform]), entry])).values()];
}

/** The list itself, as it will be pushed. */
export async function listOf(entries: readonly ListEntry[], annotations: Readonly<Record<string, string>> = {}): Promise<RemoteManifest> {
  const { makeList } = await import('../registry/index.ts');
  return makeList(entries, annotations);
}

export async function pushListTo(
  engine: Engine,
  ref: Reference,
  list: RemoteManifest,
  entries: readonly ListEntry[],
  signal: AbortSignal,
  insecure?: readonly string[],
): Promise<void> {
  using registries = await engine.registries(signal, insecure);
  const { pushList } = await import('../registry/index.ts');
  await pushList(registries, ref, list, entries);
}

/** Lists that are being put together: `manifest create` to `manifest push`. */
export class DraftLists {
  readonly #folder: string;

  constructor(engine: Engine) {
    this.#folder = join(engine.layout.root, 'manifest-lists');
  }

  find(ref: Reference): ListEntry[] | undefined {
    try {
      return JSON.parse(readFileSync(this.#path(ref), 'utf8')) as ListEntry[];
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw e;
    }
  }

  /** @throws SlipwayError `manifest.no-list` */
  get(ref: Reference): ListEntry[] {
    const found = this.find(ref);
    if (found !== undefined) return found;
    throw new SlipwayError('not-found', 'manifest.no-list', `No such manifest: ${familiarReference(withDefaultTag(ref))}`, {
      hints: [`slipway manifest create ${familiarReference(ref)} IMAGE...`],
    });
  }

  save(ref: Reference, entries: readonly ListEntry[]): void {
    makePrivate(this.#folder);
    writeFileAtomic(this.#path(ref), JSON.stringify(entries));
  }

  remove(ref: Reference): void {
    this.get(ref);
    rmSync(this.#path(ref), { force: true });
  }

  /** Says of one image of a list what it runs on. */
  annotate(ref: Reference, image: Reference, platform: Partial<Platform>): void {
    const entries = this.get(ref);
    const whole = formatReference(withDefaultTag(image));
    const at = entries.findIndex(({ from, descriptor }) => formatReference(from) === whole || descriptor.digest === image.digest);
    const entry = entries[at];
    if (entry === undefined)
      throw new SlipwayError(
        'not-found',
        'manifest.no-entry',
        `manifest for image ${familiarReference(image)} does not exist in ${familiarReference(ref)}`,
      );
    const before = entry.descriptor.platform ?? { architecture: '', os: '' };
    entries[at] = { ...entry, descriptor: { ...entry.descriptor, platform: { ...before, ...platform } } };
    this.save(ref, entries);
  }

  #path(ref: Reference): string {
    const name = formatReference(withDefaultTag(ref));
    return join(this.#folder, `${sha256Hex(name).slice(0, 32)}.json`);
  }
}
