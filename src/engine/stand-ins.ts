// The use case of stand-ins: well-known base images made of Debian's packages. The tools for it are loaded only here.
import type { Bootstrapped, Recipe } from '../bootstrap/index.ts';
import { isSlipwayError } from '../model/index.ts';
import { enterPrivateMountNamespace } from '../sys/index.ts';
import type { Engine } from './engine.ts';

export interface StandInRequest {
  /** `golang:1.19-bookworm`. */
  readonly reference: string;
  /** Make it again although it is here. */
  readonly force: boolean;
  readonly signal: AbortSignal;
  onStatus(text: string): void;
}

/** Throws as `bootstrap` does. */
export async function makeStandIn(engine: Engine, request: StandInRequest): Promise<Bootstrapped> {
  const { bootstrap } = await import('../bootstrap/index.ts');
  // what the maker mounts ends with it
  if (process.getuid?.() === 0) enterPrivateMountNamespace();
  return bootstrap(engine.images, {
    ...request,
    scratch: engine.layout.bootstrap,
    environment: engine.environment,
    now: engine.now(),
  });
}

/** What can be made, with the tags that it may be asked for by. */
export async function standIns(): Promise<(Recipe & { readonly tags: readonly string[] })[]> {
  const { RECIPES, tagsOf } = await import('../bootstrap/index.ts');
  return RECIPES.map((recipe) => ({ ...recipe, tags: tagsOf(recipe) }));
}

/** Whether a name is one of them. */
export async function hasStandIn(reference: string): Promise<boolean> {
  const { recipeFor } = await import('../bootstrap/index.ts');
  try {
    recipeFor(reference);
    return true;
  } catch (e) {
    if (isSlipwayError(e)) return false;
    throw e;
  }
}
