// The use case of building: chooses the engine, brings what a build may use, and cleans up after it. What builds is loaded only
// here, so that other commands start without it.
import { availableParallelism } from 'node:os';
import type {
  BuildEnvironment,
  BuildEvent,
  BuildJob,
  BuildResult,
  BuiltCache,
  ContextList,
  Examined,
  Linted,
  Plan,
  Recorder,
  StageTest,
} from '../builder/index.ts';
import type { Lease } from '../content/index.ts';
import { BorrowedImages } from '../image/index.ts';
import type { BuildNetworks } from '../network/index.ts';
import { SlipwayError } from '../model/index.ts';
import { firstError, withCleanup } from '../util/index.ts';
import type { Engine } from './engine.ts';
import { boundCache } from './cache.ts';
import { Bases } from './bases.ts';
import { sessionCredentials } from './session/index.ts';
import type { ImportedCaches } from './travel/import.ts';
import type { CacheExport, CacheImport } from './travel/index.ts';

export type BuildEngine = 'graph' | 'classic';

export interface BuildOutcome {
  readonly result: BuildResult;
  /** What `builder history` calls it. */
  readonly ref: string;
  /** ms since the epoch. */
  readonly startedAt: number;
  readonly finishedAt: number;
}

/** Caches of builds elsewhere, and for them. */
export interface Caches {
  readonly from: readonly CacheImport[];
  readonly to: readonly CacheExport[];
}

interface Travel extends Caches {
  /** What the builds for other platforms had, written together with what this one has. */
  readonly gathered?: BuiltCache[];
  /** Others follow, which write the cache. */
  readonly more?: boolean;
}

/**
 * Builds with one of the two engines. What a failed or killed build left behind is collected by the next. The image has no other
 * hold than its names once this returns, unless `lease` keeps it.
 */
export async function build(engine: Engine, which: BuildEngine, request: BuildJob, travel?: Travel, lease?: Lease): Promise<BuildOutcome> {
  const { buildClassic, buildGraph, checkVolumes } = await import('../builder/index.ts');
  checkVolumes(request);
  await checkNetwork(engine, request);
  const outcome = await withImports(engine, request, travel, lease, async (imports, exports) =>
    withEnvironment(engine, request, { imports, keep: lease }, (env) =>
      recorded(env, which, request, async (r, recorder) => {
        if (which === 'classic') return buildClassic(env, r);
        if (exports === undefined) return buildGraph(env, r, recorder);
        const result = await buildGraph(env, { ...r, ...exports.wishes }, recorder);
        await exports.write(result);
        return result;
      }),
    ),
  );
  try {
    await boundCache(engine, request.signal);
  } catch (e) {
    if (!request.signal.aborted)
      request.onEvent({ type: 'warning', message: `the size of the build cache could not be bounded: ${(e as Error).message}` });
  }
  return outcome;
}

/** @throws SlipwayError not-found `network.not-found`, whether or not a step will run */
async function checkNetwork(engine: Engine, { networkName: name }: BuildJob): Promise<void> {
  if (name !== undefined && (await engine.network()).get(name) === undefined)
    throw new SlipwayError('not-found', 'network.not-found', `network ${name} not found`, {
      hints: [`make it: slipway network create ${name}`],
    });
}

/** What the graph engine would warn of, and why it would fail. */
export async function lintBuild(engine: Engine, request: BuildJob): Promise<Linted> {
  const { lint } = await import('../builder/index.ts');
  return withEnvironment(engine, request, {}, (env) => lint(env, request));
}

/** What the graph engine would build, and with which arguments. */
export async function examineBuild(engine: Engine, request: BuildJob): Promise<Examined> {
  const { examine } = await import('../builder/index.ts');
  return withEnvironment(engine, request, {}, (env) => examine(env, request));
}

/** What the graph engine would do. */
export async function planBuild(engine: Engine, request: BuildJob, travel?: Caches): Promise<Plan> {
  const { planGraph } = await import('../builder/index.ts');
  return withImports(engine, request, travel, undefined, (imports) =>
    withEnvironment(engine, request, { imports }, (env) => planGraph(env, request)),
  );
}

/** Runs the stages that are marked as tests. */
export async function testStagesOfBuild(engine: Engine, request: BuildJob, travel?: Caches): Promise<StageTest[]> {
  const { checkVolumes, testStages } = await import('../builder/index.ts');
  checkVolumes(request);
  await checkNetwork(engine, request);
  return withImports(engine, request, travel && { ...travel, to: [] }, undefined, (imports) =>
    withEnvironment(engine, request, { imports }, (env) => testStages(env, request)),
  );
}

/** What is in the context, and what the graph engine would read of it. */
export async function contextOfBuild(engine: Engine, request: BuildJob): Promise<ContextList> {
  const { listContext } = await import('../builder/index.ts');
  return withEnvironment(engine, request, {}, (env) => listContext(env, request));
}

interface CacheExports {
  readonly wishes: Pick<BuildJob, 'wantCache' | 'inlineCache'>;
  write(result: BuildResult): Promise<void>;
}

/** Lets `fn` build with imported caches, and export its own. */
async function withImports<T>(
  engine: Engine,
  request: BuildJob,
  travel: Travel | undefined,
  keep: Lease | undefined,
  fn: (imports: ImportedCaches | undefined, exports: CacheExports | undefined) => Promise<T>,
): Promise<T> {
  if (travel === undefined || travel.from.length + travel.to.length === 0) return fn(undefined, undefined);
  const { exportTo, importCaches, inlineCache, mergedCache, placeName } = await import('./travel/index.ts');
  const { session, signal, onEvent } = request;
  using registries = await engine.registries(signal, [], sessionCredentials(session));
  using lease = engine.leases.create();
  using imported = await importCaches(engine, registries, travel.from, lease, signal, (message) => onEvent({ type: 'warning', message }));
  const { stepReporter } = await import('../builder/index.ts');
  for (const notice of imported.notices) {
    const report = stepReporter(onEvent, engine.now, notice);
    report('started');
    report('done');
  }
  return await fn(imported.caches, {
    wishes: {
      wantCache: travel.to.some((to) => to.type === 'place'),
      ...(travel.to.some((to) => to.type === 'inline') && { inlineCache: (cache) => inlineCache(engine, cache) }),
    },
    write: async ({ cache: built }) => {
      if (built === undefined) return;
      const { gathered = [] } = travel;
      gathered.push(built);
      if (travel.more === true) {
        for (const { snapshotId } of built.results) if (snapshotId !== null) keep?.addSnapshot(snapshotId);
        return;
      }
      const merged = mergedCache(gathered);
      // the build that made them has ended: what was pruned since is not exported
      const results = merged.results.filter(({ snapshotId: id }) => id === null || engine.snapshots.hold(id, lease) !== undefined);
      const cache = { ...merged, results };
      for (const to of travel.to) {
        if (to.type === 'inline') continue;
        const report = stepReporter(onEvent, engine.now, `exporting cache to ${placeName(to.place)}`);
        report('started');
        try {
          await exportTo(engine, registries, cache, to, lease, signal);
          report('done');
        } catch (e) {
          report('failed', e);
          if (!to.ignoreError) throw e;
        }
      }
    },
  });
}

/** Keeps a record of a build, whatever becomes of it, and tells at the end where the time went. */
async function recorded(
  env: BuildEnvironment,
  engine: BuildEngine,
  request: BuildJob,
  fn: (request: BuildJob, recorder: Recorder) => Promise<BuildResult>,
): Promise<BuildOutcome> {
  const { Recorder } = await import('../builder/index.ts');
  const { identity, name, tags, target, ref } = request;
  const startedAt = env.now();
  const recorder = new Recorder(
    env.records,
    { identity, name, engine, tags, ...(target !== undefined && { target }), ...(ref !== undefined && { ref }) },
    startedAt,
    () => env.layout.liveBuilds,
  );
  const onEvent = (e: BuildEvent): void => {
    recorder.event(e);
    request.onEvent(e);
  };
  let result: BuildResult;
  try {
    result = await fn({ ...request, onEvent }, recorder);
  } catch (e) {
    return await withCleanup(
      () => Promise.reject(firstError(e)),
      () => recorder.finish(env.now(), firstError(e)),
    );
  }
  const finishedAt = env.now();
  request.onEvent({ type: 'summary', ref: recorder.ref, summary: recorder.finish(finishedAt) });
  return { result, ref: recorder.ref, startedAt, finishedAt };
}

/** What a build stands on, for as long as `fn` works. */
export async function withEnvironment<T>(
  engine: Engine,
  { session, builders = [], lock, networkName }: Pick<BuildJob, 'session' | 'builders' | 'lock' | 'networkName'>,
  { imports, keep }: { imports?: ImportedCaches | undefined; keep?: Lease | undefined },
  fn: (env: BuildEnvironment) => Promise<T>,
): Promise<T> {
  let networks: Promise<BuildNetworks> | undefined;
  let held: Lease | undefined;
  const lease = (): Lease => (held ??= engine.leases.create());
  const bases = new Bases(engine, lease, sessionCredentials(session));
  const borrowed = new BorrowedImages(engine.images, lease);
  const { BuildRecords } = await import('../builder/index.ts');
  const work = async (): Promise<T> =>
    fn({
      layout: engine.layout,
      db: engine.db,
      content: engine.content,
      leases: engine.leases,
      images: engine.images,
      snapshots: engine.snapshots,
      records: new BuildRecords(engine.db),
      ...(imports && { imports }),
      ...(keep && { keep }),
      ...(builders.length > 0 && {
        remote: (await import('./fleet/index.ts')).remoteBuilders(engine, builders, lease),
      }),
      jobs: availableParallelism(),
      runtime: () => engine.runtime(),
      networks: () =>
        (networks ??= Promise.all([import('../network/index.ts'), engine.network()]).then(
          ([{ BuildNetworks }, network]) => new BuildNetworks(engine.layout, network, networkName),
        )),
      now: engine.now,
      openLayout: (layout, platform, signal) => borrowed.open(layout, platform, signal),
      resolveBase: (ref, o) => {
        const ask: BuildEnvironment['resolveBase'] = (name, options) => bases.resolve(name, options);
        return lock === undefined ? ask(ref, o) : lock.resolve(ref, o, ask);
      },
    });
  return await withCleanup(
    work,
    () => bases.dispose(),
    () => held?.release(),
    () => borrowed.dispose(),
    // a network that could not be made was reported to the step that needed it
    async () => (await networks?.catch(() => undefined))?.dispose(),
    () => engine.tidyAll(),
  );
}
