// The use case of building: chooses the engine, brings what a build may use, and cleans up after it. What builds is loaded only
// here, so that other commands start without it.
import { availableParallelism } from 'node:os';
import type { BuildEnvironment, BuildEvent, BuildRequest, BuildResult, Examined, Plan, Recorder } from '../build/index.ts';
import { BorrowedImages } from '../image/index.ts';
import { isSlipwayError } from '../model/index.ts';
import type { BuildNetworks } from '../network/index.ts';
import type { Engine } from './engine.ts';
import { boundCache } from './cache.ts';
import { baseImage } from './registry.ts';

export type BuildEngine = 'graph' | 'classic';

/** Builds with one of the two engines. What a failed or killed build left behind is collected by the next. */
export async function build(engine: Engine, which: BuildEngine, request: BuildRequest): Promise<BuildResult> {
  const { buildClassic, buildGraph } = await import('../build/index.ts');
  return withEnvironment(engine, (env) =>
    recorded(env, which, request, (r, recorder) => (which === 'graph' ? buildGraph(env, r, recorder) : buildClassic(env, r))),
  );
}

/** Keeps a record of a build, whatever becomes of it, and tells at the end where the time went. */
async function recorded(
  env: BuildEnvironment,
  engine: BuildEngine,
  request: BuildRequest,
  fn: (request: BuildRequest, recorder: Recorder) => Promise<BuildResult>,
): Promise<BuildResult> {
  const { Recorder } = await import('../build/index.ts');
  const { identity, name, tags, target } = request;
  const recorder = new Recorder(env.records, { identity, name, engine, tags, ...(target !== undefined && { target }) }, env.now());
  const onEvent = (e: BuildEvent): void => {
    recorder.event(e);
    request.onEvent(e);
  };
  let result: BuildResult;
  try {
    result = await fn({ ...request, onEvent }, recorder);
  } catch (e) {
    recorder.finish(env.now(), e);
    throw e;
  }
  request.onEvent({ type: 'summary', ref: recorder.ref, summary: recorder.finish(env.now()) });
  return result;
}

/** What the graph engine would warn of, and what it would build. */
export async function examineBuild(engine: Engine, request: BuildRequest): Promise<Examined> {
  const { examine } = await import('../build/index.ts');
  return withEnvironment(engine, (env) => examine(env, request));
}

/** What the graph engine would do. */
export async function planBuild(engine: Engine, request: BuildRequest): Promise<Plan> {
  const { planGraph } = await import('../build/index.ts');
  return withEnvironment(engine, (env) => planGraph(env, request));
}

async function withEnvironment<T>(engine: Engine, fn: (env: BuildEnvironment) => Promise<T>): Promise<T> {
  let networks: BuildNetworks | undefined;
  const borrowed = new BorrowedImages(engine.images);
  const network = await engine.network();
  const { BuildNetworks } = await import('../network/index.ts');
  const { BuildRecords } = await import('../build/index.ts');
  try {
    return await fn({
      layout: engine.layout,
      db: engine.db,
      content: engine.content,
      leases: engine.leases,
      images: engine.images,
      snapshots: engine.snapshots,
      records: new BuildRecords(engine.db),
      jobs: availableParallelism(),
      runtime: () => engine.runtime(),
      networks: () => (networks ??= new BuildNetworks(engine.layout, network)),
      now: engine.now,
      openLayout: (layout, signal) => borrowed.open(layout, signal),
      resolveBase: (ref, o) => baseImage(engine, ref, o, canBootstrap),
    });
  } finally {
    borrowed.dispose();
    await networks?.dispose();
    engine.tidy();
    boundCache(engine, engine.cacheLimit);
  }
}

async function canBootstrap(ref: string): Promise<boolean> {
  const { findRecipe, recipeFor } = await import('../bootstrap/index.ts');
  try {
    return findRecipe(recipeFor(ref).recipe.name) !== undefined;
  } catch (e) {
    if (isSlipwayError(e)) return false;
    throw e;
  }
}
