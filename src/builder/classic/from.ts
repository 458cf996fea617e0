// FROM and --from of the original engine: earlier stages by name (and number), else images.
import { expandWord, type Dockerfile, type FromInstruction } from '../../dockerfile/index.ts';
import type { Image } from '../../image/index.ts';
import { isSlipwayError, parsePlatform, SlipwayError, type Platform } from '../../model/index.ts';
import type { BuildEnvironment, BuildJob } from '../types.ts';
import type { StageState } from './state.ts';

export class Bases {
  readonly #env: BuildEnvironment;
  readonly #request: BuildJob;
  readonly #dockerfile: Dockerfile;
  readonly #meta: ReadonlyMap<string, string>;

  constructor(env: BuildEnvironment, request: BuildJob, dockerfile: Dockerfile, meta: ReadonlyMap<string, string>) {
    this.#env = env;
    this.#request = request;
    this.#dockerfile = dockerfile;
    this.#meta = meta;
  }

  /** The image that a stage begins with; undefined for `scratch`. */
  async ofStage(
    from: FromInstruction,
    done: readonly StageState[],
    platform: Platform,
  ): Promise<{ image: Image | undefined; platform: Platform }> {
    const expand = (word: string): string => expandWord(word, this.#meta, { escape: this.#dockerfile.escape }).value;
    const name = expand(from.base);
    if (name === '') throw new SlipwayError('invalid-argument', 'from.blank', `base name (${from.base}) should not be blank`);
    const wanted = from.platform === undefined ? platform : wantedPlatform(expand(from.platform));
    const stage = done.findLast((s) => s.name !== undefined && s.name === name.toLowerCase());
    if (stage) return { image: stage.image, platform: wanted };
    if (name === 'scratch') return { image: undefined, platform: wanted };
    return { image: await this.#image(name, wanted), platform: wanted };
  }

  /** What `--from` names, for the stage `current`. */
  async ofCopy(from: string, done: readonly StageState[], current: StageState): Promise<Image | undefined> {
    const named = done.findLast((s) => s.name !== undefined && s.name === from.toLowerCase());
    const index = named ? named.index : /^\d+$/.test(from) ? Number(from) : undefined;
    if (index !== undefined) {
      if (index === current.index) throw bad(from, 'refers to current build stage');
      const stage = done[index];
      if (!stage) throw bad(from, 'index out of bounds');
      return stage.image;
    }
    if (from === 'scratch') throw bad(from, "'scratch' is a reserved name");
    try {
      return await this.#image(from, current.platform);
    } catch (e) {
      if (!isSlipwayError(e)) throw e;
      throw e.withContext({ message: `invalid from flag value ${from}: ${e.message}` });
    }
  }

  async #image(name: string, platform: Platform): Promise<Image> {
    const { pull, signal } = this.#request;
    return (await this.#env.resolveBase(name, { platform, anyPlatform: true, pull, signal })).fetch(signal);
  }
}

function wantedPlatform(text: string): Platform {
  try {
    return parsePlatform(text);
  } catch (e) {
    if (!isSlipwayError(e)) throw e;
    throw e.withContext({ message: `failed to parse platform ${text}: ${e.message}` });
  }
}

const bad = (from: string, why: string): SlipwayError =>
  new SlipwayError('invalid-argument', 'copy.bad-from', `invalid from flag value ${from}: ${why}`);
