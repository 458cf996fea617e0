// The images that a build begins with or copies from. What a name stands for is asked once, side by side with the others: lowering
// needs the configurations; layers come when a step or the result needs them.
import type { LayoutImage } from '../../image/index.ts';
import { type Digest, formatPlatform, type Platform, SlipwayError } from '../../model/index.ts';
import { type BuildEvent, stepReporter } from '../events.ts';
import type { BaseImage, BuildEnvironment, BuildJob } from '../types.ts';

export class BaseImages {
  readonly #env: BuildEnvironment;
  readonly #request: BuildJob;
  readonly #onEvent: (e: BuildEvent) => void;
  readonly #asked = new Map<string, Promise<BaseImage>>();
  readonly #reported = new Set<string>();
  readonly #byId = new Map<Digest, BaseImage>();
  readonly #abort = new AbortController();

  /** @param onEvent gets a step for each name that is looked up */
  constructor(env: BuildEnvironment, request: BuildJob, onEvent: (e: BuildEvent) => void = () => {}) {
    this.#env = env;
    this.#request = request;
    this.#onEvent = onEvent;
  }

  /** What a whole reference stands for, asked once for each platform. @throws SlipwayError `image.cannot-be-pulled` */
  find(ref: string, platform: Platform): Promise<BaseImage> {
    const key = `${ref} ${formatPlatform(platform)}`;
    let asked = this.#asked.get(key);
    if (asked === undefined) this.#asked.set(key, (asked = this.#ask(ref, platform)));
    return asked;
  }

  /** The image of an OCI layout on disk. Throws as `BuildEnvironment.openLayout` does. */
  async inLayout(layout: LayoutImage, platform: Platform): Promise<BaseImage> {
    const { id, config, ...image } = await this.#env.openLayout(layout, platform, this.#request.signal);
    return this.#known({ ref: layout.path, id, config, fetch: () => Promise.resolve({ id, config, ...image }) });
  }

  /** One that was found before. */
  get(id: Digest): BaseImage {
    const base = this.#byId.get(id);
    if (base === undefined) throw new SlipwayError('internal', 'build.base', `the image ${id} was not looked up`);
    return base;
  }

  /** Ends the questions that nobody needs an answer to any more. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await Promise.allSettled(this.#asked.values());
  }

  async #ask(ref: string, platform: Platform): Promise<BaseImage> {
    const { pull } = this.#request;
    const signal = AbortSignal.any([this.#request.signal, this.#abort.signal]);
    const first = !this.#reported.has(ref);
    this.#reported.add(ref);
    const report = stepReporter(first ? this.#onEvent : () => {}, this.#env.now, `[internal] load metadata for ${ref}`);
    report('started');
    try {
      const base = this.#known(await this.#env.resolveBase(ref, { platform, pull, signal }));
      report('done');
      return base;
    } catch (e) {
      report('failed', e);
      throw e;
    }
  }

  #known(base: BaseImage): BaseImage {
    this.#byId.set(base.id, base);
    return base;
  }
}
