// What a build begins with, each kind behind the same small interface.
import type { Lease } from '../../content/index.ts';
import type { SourceOp } from '../../graph/index.ts';
import type { BuildEnvironment, BuildJob } from '../types.ts';
import type { BaseImages } from './base-images.ts';
import { GitSource } from './git.ts';
import { HttpSource } from './http.ts';
import { ImageSource } from './image.ts';
import { LocalSource } from './local.ts';
import type { Source } from './types.ts';

export { BaseImages } from './base-images.ts';
export { imageIdOf, layerProgress } from './image.ts';
export { contextIdentifier, MAIN_CONTEXT } from './local.ts';
export type { Bringing, Source } from './types.ts';

/** The sources of one build, by the schemes of operations. */
export class Sources {
  readonly #image: Source;
  readonly #local: Source;
  readonly #git: Source;
  readonly #http: Source;

  constructor(env: BuildEnvironment, request: BuildJob, bases: BaseImages, lease: Lease) {
    this.#image = new ImageSource(env, bases, lease);
    this.#local = new LocalSource(env, request);
    this.#git = new GitSource(env.layout, request);
    this.#http = new HttpSource(env.layout, request);
  }

  /** The one that an operation belongs to. */
  of(op: SourceOp): Source {
    if (op.git) return this.#git;
    if (op.http) return this.#http;
    return op.identifier.startsWith('local://') ? this.#local : this.#image;
  }

  close(): void {
    for (const source of [this.#local, this.#git, this.#http]) source.close?.();
  }
}
