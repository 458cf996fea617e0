// The lock of a build: what names of base images stand for is what they stood for when the lock file was written.
import type { BaseImage, BaseLock, BaseOptions, BuildEnvironment } from '../builder/index.ts';
import {
  familiarReference,
  formatLock,
  formatPlatform,
  formatReference,
  hostPlatform,
  type LockedImage,
  parseLock,
  parseReference,
  type Reference,
  SlipwayError,
  withDefaultTag,
} from '../model/index.ts';
import type { Engine } from './engine.ts';

type Ask = BuildEnvironment['resolveBase'];

export interface LockOptions {
  /** Names that are not locked are added. */
  readonly write: boolean;
  /** Names whose entries do not count, as a lock file has them: they are asked for again. */
  readonly renew?: (name: string) => boolean;
  readonly onWarning: (message: string) => void;
}

const keyOf = ({ name, platform }: Pick<LockedImage, 'name' | 'platform'>): string => `${name} ${platform}`;

export class Lock implements BaseLock {
  readonly #engine: Engine;
  readonly #options: LockOptions;
  readonly #file: string | undefined;
  readonly #kept: Map<string, LockedImage>;
  readonly #used = new Map<string, LockedImage>();
  readonly #missing = new Set<string>();

  /** @throws SlipwayError invalid-argument `lock.invalid` */
  constructor(engine: Engine, file: { readonly name: string; readonly text: string } | undefined, o: LockOptions) {
    this.#engine = engine;
    this.#options = o;
    this.#file = file?.name;
    this.#kept = new Map((file ? parseLock(file.text, file.name) : []).map((entry) => [keyOf(entry), entry]));
  }

  /** Of the file. */
  get kept(): readonly LockedImage[] {
    return [...this.#kept.values()];
  }

  /** Of what was asked for, as it is locked now. */
  get used(): readonly LockedImage[] {
    return [...this.#used.values()];
  }

  async resolve(ref: string, o: BaseOptions, ask: Ask): Promise<BaseImage> {
    const reference = nameOf(ref);
    // an ID, and what has its digest, is one image for ever
    if (reference === undefined || reference.digest !== undefined) return ask(ref, o);
    const name = formatReference(reference);
    const platform = formatPlatform(o.platform ?? hostPlatform());
    const key = keyOf({ name, platform });
    const entry = this.#options.renew?.(name) === true ? undefined : this.#kept.get(key);
    if (entry !== undefined) {
      this.#used.set(key, entry);
      return { ...(await this.#locked(entry, reference, o, ask)), ref };
    }
    const base = await ask(ref, this.#options.renew === undefined ? o : { ...o, pull: this.#hasRegistry(name) });
    const { id: image, manifestDigest: digest } = base;
    this.#used.set(key, {
      name,
      platform,
      ...(digest !== undefined && { digest }),
      image,
      resolved: new Date(this.#engine.now()).toISOString(),
      from: digest === undefined ? 'store' : reference.domain,
    });
    if (!this.#options.write && this.#file !== undefined && !this.#missing.has(name)) {
      this.#missing.add(name);
      this.#options.onWarning(`${familiarReference(reference)} is not in ${this.#file}: build --lock adds it`);
    }
    return base;
  }

  text(): string | undefined {
    return this.#options.write ? formatLock([...new Map([...this.#kept, ...this.#used]).values()]) : undefined;
  }

  async #locked(entry: LockedImage, reference: Reference, o: BaseOptions, ask: Ask): Promise<BaseImage> {
    const { image, digest } = entry;
    if (this.#engine.images.find(image) !== undefined) {
      const base = await ask(image, { ...o, pull: false, anyPlatform: true });
      return { ...base, ...(digest !== undefined && { manifestDigest: digest }) };
    }
    const shown = familiarReference(reference);
    const hints = [`slipway lock update takes what ${shown} stands for now`, 'build --lock=off builds without the lock'];
    if (digest === undefined)
      throw new SlipwayError(
        'not-found',
        'lock.not-here',
        `${shown} is locked to the image ${image}, which was made on another machine and is in no registry`,
        { hints },
      );
    const { tag: _, ...repository } = reference;
    const base = await ask(formatReference({ ...repository, digest }), { ...o, pull: false });
    if (base.id === image) return base;
    throw new SlipwayError('data-loss', 'lock.changed', `${shown} is locked to the image ${image}, and ${digest} gives ${base.id}`, {
      hints,
    });
  }

  /** What was built or loaded here is in no registry that would know a newer one. */
  #hasRegistry(name: string): boolean {
    const here = this.#engine.images.find(name);
    return here === undefined || here.manifestDigest !== undefined;
  }
}

function nameOf(ref: string): Reference | undefined {
  try {
    return withDefaultTag(parseReference(ref));
  } catch {
    return undefined;
  }
}
