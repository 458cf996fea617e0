// The use cases of registries: signing in and out, pulling and pushing.
import {
  familiarReference,
  isIndexType,
  isSlipwayError,
  parseReference,
  type Reference,
  repositoryName,
  SlipwayError,
  withDefaultTag,
} from '../model/index.ts';
import type {
  Copied,
  CopyOptions,
  Compression,
  Credentials,
  CredentialSource,
  Found,
  Pulled,
  PullOptions,
  Pushed,
  PushOptions,
  PushProgress,
  PullProgress,
} from '../registry/index.ts';
import type { Engine } from './engine.ts';

export type { Found } from '../registry/index.ts';
import { withCleanup } from '../util/index.ts';

export type { Copied, CopyOptions, Compression, Credentials, Pulled, PullProgress, Pushed, PushProgress };

/** gzip's 4 gives 4 % more bytes than its 6 and takes two thirds of the time (measured on an SDK image); zstd's own usual level. */
export const USUAL_LEVELS = { gzip: 4, zstd: 3 } as const;

/** @param credentials those of this user when left out */
export async function pullImage(engine: Engine, ref: Reference, o: PullOptions, credentials?: CredentialSource): Promise<Pulled> {
  using registries = await engine.registries(o.signal, [], credentials);
  const { pull } = await import('../registry/index.ts');
  return await withCleanup(
    () => pull(engine.images, registries, ref, o),
    () => engine.tidy(),
  );
}

/**
 * Pushes the image that has this very name. @throws SlipwayError `image.not-found` in Docker's words
 * @param credentials those of this user when left out
 */
export async function pushImage(engine: Engine, ref: Reference, o: PushOptions, credentials?: CredentialSource): Promise<Pushed> {
  const name = withDefaultTag(ref);
  const image = engine.images.find(familiarReference(name));
  if (image === undefined)
    throw new SlipwayError(
      'not-found',
      'image.not-found',
      `An image does not exist locally with the tag: ${familiarReference({ domain: ref.domain, path: ref.path })}`,
      {
        hints: ['slipway images lists what is here; slipway tag IMAGE NAME gives a name'],
      },
    );
  using registries = await engine.registries(o.signal, [], credentials);
  const { push } = await import('../registry/index.ts');
  // awaited here: what `using` holds would be let go of at once
  const pushed = await push(engine.images, registries, image, name, o);
  engine.images.note('push', image, { actor: familiarReference(name), name: familiarReference({ domain: ref.domain, path: ref.path }) });
  return pushed;
}

/**
 * Pushes the whole list that an image came with when it was pulled: images for other platforms go from where it came.
 * @throws SlipwayError failed-precondition `push.no-list` for an image that came with none
 */
export async function pushAllPlatforms(
  engine: Engine,
  ref: Reference,
  signal: AbortSignal,
): Promise<{ digest: string; size: number; platforms: number }> {
  const name = withDefaultTag(ref);
  const image = engine.images.resolve(familiarReference(name));
  using registries = await engine.registries(signal);
  const { imagesOf, pushList, remoteManifest } = await import('../registry/index.ts');
  for (const text of image.digests) {
    const origin = parseReference(text);
    const found = await remoteManifest(registries, origin).catch((e: unknown) => {
      if (isSlipwayError(e) && e.kind === 'not-found') return undefined;
      throw e;
    });
    if (found === undefined || !isIndexType(found.mediaType)) continue;
    const entries = await imagesOf(registries, origin);
    await pushList(registries, name, found, entries);
    return { digest: found.digest, size: found.bytes.length, platforms: entries.length };
  }
  throw new SlipwayError('failed-precondition', 'push.no-list', `${familiarReference(name)} came with no list of platforms`, {
    hints: ['slipway manifest create puts one together of images that were pushed'],
  });
}

/** The tags under which a repository's images are here. */
export function localTags(engine: Engine, ref: Reference): Reference[] {
  const prefix = `${repositoryName(ref)}:`;
  return engine.images
    .list({ all: true })
    .flatMap((image) => image.names)
    .filter((name) => name.startsWith(prefix))
    .sort()
    .map(parseReference);
}

/** All tags of a repository at its registry. */
export async function remoteTags(
  engine: Engine,
  ref: Reference,
  signal: AbortSignal,
  credentials?: CredentialSource,
): Promise<Reference[]> {
  using registries = await engine.registries(signal, [], credentials);
  const tags = await registries.repository(ref, 'pull').tags();
  return tags.map((tag) => ({ domain: ref.domain, path: ref.path, tag }));
}

/** Copies images between registries, layouts and archives, without the store. `from` and `to` as `slipway copy` has them. */
export async function copyImage(engine: Engine, from: string, to: string, o: CopyOptions): Promise<Copied> {
  using registries = await engine.registries(o.signal);
  const { copy, parsePlace } = await import('../registry/index.ts');
  return await copy(registries, parsePlace(from), parsePlace(to), o);
}

/** Whether a registry takes these credentials. What it gives for the next time is returned, and nothing kept. @throws SlipwayError `registry.*` */
export async function checkLogin(
  engine: Engine,
  domain: string,
  credentials: Credentials,
  signal: AbortSignal,
): Promise<{ readonly identityToken?: string | undefined }> {
  using registries = await engine.registries(signal);
  const host = registries.host(domain, credentials);
  await host.ping();
  return await host.auth();
}

/** Signs in, and keeps what is needed for the next time. Says where it is kept. */
export async function login(engine: Engine, domain: string, credentials: Credentials, signal: AbortSignal): Promise<'helper' | 'file'> {
  const { credentialKey } = await import('../registry/index.ts');
  const { identityToken } = await checkLogin(engine, domain, credentials, signal);
  const config = await engine.credentials();
  const kept =
    identityToken === undefined
      ? credentials
      : { ...(credentials.username !== undefined && { username: credentials.username }), identityToken };
  return config.store(credentialKey(domain), kept);
}

/** True when there was something to forget. */
export async function logout(engine: Engine, domain: string): Promise<boolean> {
  const { credentialKey } = await import('../registry/index.ts');
  return (await engine.credentials()).erase(credentialKey(domain));
}

/** What is kept for a registry, if anything. */
export async function knownCredentials(engine: Engine, domain: string): Promise<Credentials | undefined> {
  const { credentialKey } = await import('../registry/index.ts');
  return (await engine.credentials()).get(credentialKey(domain));
}

/** Searches the registry of `text` (`TERM` at Docker Hub, `HOST/TERM`). @throws SlipwayError `search.*`, `registry.*` */
export async function searchImages(
  engine: Engine,
  text: string,
  o: { readonly limit: number; readonly signal: AbortSignal; readonly credentials?: CredentialSource },
): Promise<Found[]> {
  using registries = await engine.registries(o.signal, [], o.credentials);
  const { parseSearchTerm, search } = await import('../registry/index.ts');
  return await search(registries, parseSearchTerm(text), o.limit);
}
