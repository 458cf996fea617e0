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

/** What to type for a stand-in of that name, in a sentence; nothing where there is no recipe. */
export async function standInAdvice(reference: string): Promise<string | undefined> {
  const { recipeFor } = await import('../bootstrap/index.ts');
  try {
    recipeFor(reference);
    return `make a stand-in from Debian packages: slipway bootstrap ${reference}`;
  } catch (e) {
    if (!isSlipwayError(e)) throw e;
    // there is another version of it, and how to use that one is the last hint
    return e.code === 'bootstrap.version' ? e.hints.at(-1) : undefined;
  }
}
