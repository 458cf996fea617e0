// The images that FROM and --from name, for one build: from the store, else from their registries. Nothing is ever put in their
// place in silence.
import type { BaseImage, BaseOptions } from '../builder/index.ts';
import type { Lease } from '../content/index.ts';
import type { Image } from '../image/index.ts';
import {
  familiarReference,
  formatPlatform,
  hostPlatform,
  isSlipwayError,
  matchesPlatform,
  parseReference,
  platformOfImage,
  type Reference,
  SlipwayError,
  withDefaultTag,
} from '../model/index.ts';
import type { CredentialSource, Registries } from '../registry/index.ts';
import type { Engine } from './engine.ts';
import { standInAdvice } from './stand-ins.ts';

export class Bases {
  readonly #engine: Engine;
  readonly #lease: () => Lease;
  readonly #credentials: CredentialSource;
  #registries: Promise<Registries> | undefined;

  /** @param lease keeps the images until the build ends */
  constructor(engine: Engine, lease: () => Lease, credentials: CredentialSource) {
    this.#engine = engine;
    this.#credentials = credentials;
    this.#lease = lease;
  }

  /**
   * What a name stands for; its layers are fetched when they are needed. One for another machine than this does not take the name
   * from the one that runs here. @throws SlipwayError not-found `image.cannot-be-pulled`, which names the ways out
   */
  async resolve(ref: string, o: BaseOptions): Promise<BaseImage> {
    const host = hostPlatform();
    const platform = o.platform ?? host;
    const named = this.#held(ref);
    const found = named !== undefined && (o.anyPlatform || matchesPlatform(platformOfImage(named.config), platform)) ? named : undefined;
    if (found !== undefined && !o.pull) return storedBase(ref, found);
    const name = withDefaultTag(parseReference(ref));
    const untagged = !o.anyPlatform && !matchesPlatform(host, platform);
    const lease = this.#lease();
    const explained = async <T>(signal: AbortSignal, fn: () => Promise<T>): Promise<T> => {
      try {
        return await fn();
      } catch (e) {
        signal.throwIfAborted();
        throw await cannotBePulled(e, name, named, found);
      }
    };
    const remote = await explained(o.signal, async () => {
      const { resolveImage } = await import('../registry/index.ts');
      return resolveImage(this.#engine.images, await this.#open(o.signal), name, { platform, lease });
    });
    let fetched: Promise<Image> | undefined;
    return {
      ref,
      id: remote.id,
      config: remote.config,
      manifestDigest: remote.manifestDigest,
      fetch: (signal, onProgress) =>
        (fetched ??= explained(signal, async () => {
          const options = { platform, untagged, lease, signal, ...(onProgress && { onProgress }) };
          return (await remote.fetch(options)).image;
        })),
    };
  }

  async dispose(): Promise<void> {
    (await this.#registries?.catch(() => undefined))?.close();
  }

  #open(signal: AbortSignal): Promise<Registries> {
    return (this.#registries ??= this.#engine.registries(signal, [], this.#credentials));
  }

  /** What begins the IDs of several images names none of them here: it is a name to pull, as in Docker. */
  #held(ref: string): Image | undefined {
    try {
      return this.#engine.images.hold(ref, this.#lease());
    } catch (e) {
      if (isSlipwayError(e) && e.code === 'image.ambiguous') return undefined;
      throw e;
    }
  }
}

/** An image of the store as the base of a build. */
function storedBase(ref: string, image: Image): BaseImage {
  const { id, config, manifestDigest } = image;
  return { ref, id, config, ...(manifestDigest !== undefined && { manifestDigest }), fetch: () => Promise.resolve(image) };
}

async function cannotBePulled(e: unknown, name: Reference, named: Image | undefined, found: Image | undefined): Promise<unknown> {
  if (!isSlipwayError(e) || !['not-found', 'unavailable', 'permission-denied'].includes(e.kind)) return e;
  const shown = familiarReference(name);
  const advice = await standInAdvice(shown);
  return new SlipwayError('not-found', 'image.cannot-be-pulled', `${shown}: not found: it could not be pulled: ${e.message}`, {
    cause: e,
    hints: [
      ...(named !== undefined && found === undefined
        ? [`what is here of this name is for ${formatPlatform(platformOfImage(named.config))}`]
        : []),
      ...(found !== undefined ? ['an image of this name is in the store: leave --pull out'] : []),
      ...(advice === undefined ? [] : [advice]),
      'load it from an archive: slipway load -i FILE',
      ...e.hints,
    ],
  });
}
