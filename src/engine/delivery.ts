// What becomes of a build, as data.
import type { Platform } from '../model/index.ts';
import type { Caches } from './build.ts';
import type { Annotation, Output } from './output-spec.ts';
import type { Statements } from './statements.ts';

export interface Delivery extends Statements {
  /** The store alone when empty. Destinations are names that the caller's session knows. */
  readonly outputs: readonly Output<string>[];
  /** Those of a list; when empty one image is made, for the request's platform. */
  readonly platforms: readonly Platform[];
  readonly caches?: Caches;
  readonly annotations: readonly Annotation[];
  /** Build a second time, and compare. */
  readonly verify: boolean;
}
