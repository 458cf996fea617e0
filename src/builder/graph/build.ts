// The graph engine: lowers what the target needs, solves it, and stores the image.
import type { Lease } from '../../content/index.ts';
import { type Dockerfile, targetStage } from '../../dockerfile/index.ts';
import { type Node, type SourceOp, topological } from '../../graph/index.ts';
import {
  chainIds,
  type Digest,
  familiarReference,
  formatPlatform,
  parseReference,
  platformOfImage,
  withDefaultTag,
} from '../../model/index.ts';
import { DatabaseCache, type CpuSlot } from '../../solver/index.ts';
import { stepReporter } from '../events.ts';
import { Lowering, stageLabel, type StageState, Trace } from '../lower/index.ts';
import type { Result } from '../result.ts';
import { withoutCredentials } from '../../remote/index.ts';
import { statedOp, type Recorder } from '../record/index.ts';
import type { BuildEnvironment, BuildJob, BuildResult, BuildSource, BuiltCache } from '../types.ts';
import { failOnViolations, runChecks } from './check.ts';
import { readDockerfile } from './read.ts';
import { BaseImages, imageIdOf, layerProgress } from '../sources/index.ts';
import { BuildDriver, storedResult } from './driver.ts';
import { exportImage, type LayeredStep, layeredSteps } from './export.ts';
import { solveNodes, warmNetwork } from './solve.ts';
import type { Squashed } from './squash.ts';
import { withCleanup } from '../../util/index.ts';

/**
 * Builds with the graph engine; a recorder keeps what happened. @throws SlipwayError of the Dockerfile with its place, `build.command-failed` of a step.
 */
export async function buildGraph(env: BuildEnvironment, request: BuildJob, recorder?: Recorder): Promise<BuildResult> {
  const { definition } = request;
  // few builds come as one, and the protocol's code is large
  if (definition) return (await import('./definition.ts')).buildDefinition(env, { ...request, definition }, recorder);
  const steps = new InternalSteps(env, request);
  const { dockerfile, warning } = steps.during(`[internal] load build definition from ${request.dockerfile.name}`, () =>
    readDockerfile(request),
  );
  const target = targetStage(dockerfile, request.target);
  // making a network takes as long as all that comes before the first step
  if (request.noCache && runsCommands(dockerfile, request)) warmNetwork(env);
  const bases = new BaseImages(env, request, request.onEvent);
  const trace = request.stepping && new Trace();
  const lowering = new Lowering(bases, request, dockerfile, trace);
  const { state, skipped } = await lowering.lower(target);
  const checks = await runChecks(dockerfile, lowering, request);
  for (const d of [...(warning === undefined ? [] : [warning]), ...checks.warnings]) {
    const included = d.source.file !== dockerfile.name;
    request.onEvent({ type: 'warning', rule: d.rule, message: d.message, detail: d.description, source: d.source, included });
  }
  failOnViolations(checks);
  if (request.context.ignoreFile) steps.during('[internal] load .dockerignore', () => undefined);
  for (const stage of skipped) {
    request.onEvent({ type: 'skipped', stage: stageLabel(dockerfile, stage) ?? String(stage.index), reason: reasonOf(dockerfile, target) });
  }
  const { remote } = env;
  if (remote) {
    const image = await (await import('./elsewhere.ts')).buildElsewhere({ ...env, remote }, request, bases, state);
    request.onEvent({ type: 'image', id: image.id, names: image.names });
    return { image, warnings: checks.warnings };
  }
  using lease = env.leases.create();
  const slots = new Map<string, CpuSlot>();
  const traced = trace?.steps();
  // few builds are gone through
  const stepping = traced && (await import('./step-through.ts'));
  const failures = stepping && new stepping.FailureStops({ env, request }, traced);
  const driver = new BuildDriver(env, request, bases, lease, {
    onList: (v, digest, pieces) => recorder?.list(v.node, digest, pieces),
    onWork: (v, used) => slots.get(v.id)?.watch(used),
    ...(failures && { onFailure: (v, step, message) => failures.at(v.node, step, message) }),
  });
  const work = async (): Promise<BuildResult> => {
    const before =
      stepping && ((solve: (node: Node) => Promise<Result>) => stepping.stepThrough({ env, request, lease, driver, solve }, traced));
    const { results, keys } = await solveNodes(env, request, nodesOf(state), driver, slots, recorder, before);
    const cache = request.wantCache === true || request.inlineCache ? builtCache(env, bases, state, keys) : undefined;
    await fetchBase(env, request, state);
    const layered = layeredSteps(env, request, state, results, lease);
    const squashed = await squashedSteps(env, request, { dockerfile, base: state.base, steps: layered }, lease);
    const image = steps.during('exporting to image', (id) => {
      const progress = (what: string): void => request.onEvent({ type: 'progress', id, name: what, current: 1, total: 1, done: true });
      const made = exportImage(env, request, state, squashed, lease, cache && request.inlineCache?.(cache));
      progress('exporting layers');
      progress(`writing image ${made.id}`);
      for (const tag of request.tags) progress(`naming to ${familiarReference(withDefaultTag(parseReference(tag)))}`);
      return made;
    });
    request.onEvent({ type: 'image', id: image.id, names: image.names });
    return {
      image,
      warnings: checks.warnings,
      describe: () => {
        const nodes = topological(nodesOf(state));
        return {
          sources: nodes.flatMap((node) => (node.op.kind === 'source' ? sourceOf(bases, node.op) : [])),
          steps: nodes.map((node) => ({
            id: node.digest,
            name: node.meta.name,
            inputs: node.inputs.map((i) => i.digest),
            op: statedOp(node.op),
          })),
        };
      },
      ...(cache && { cache }),
    };
  };
  return await withCleanup(work, () => driver.close());
}

/** The layers of the image: those of the steps, unless some are to become one. */
async function squashedSteps(
  env: BuildEnvironment,
  request: BuildJob,
  o: { readonly dockerfile: Dockerfile; readonly base: StageState['base']; readonly steps: readonly LayeredStep[] },
  lease: Lease,
): Promise<Squashed> {
  const { squash } = request;
  if (squash === undefined) return o;
  const report = stepReporter(request.onEvent, env.now, 'squashing layers');
  report('started');
  try {
    const { squashSteps } = await import('./squash.ts');
    const labels =
      squash.kind === 'stages' ? squash.names.map((name) => stageLabel(o.dockerfile, targetStage(o.dockerfile, name)) ?? '') : [];
    for (const name of labels)
      if (!o.steps.some((s) => s.stage === name && s.layer))
        request.onEvent({ type: 'warning', message: `stage ${name} brings no layer of its own to the image: there is nothing to squash` });
    const squashed = await squashSteps(
      env,
      request,
      { ...o, squash: squash.kind === 'stages' ? { ...squash, names: labels } : squash },
      lease,
    );
    report('done');
    return squashed;
  } catch (e) {
    report('failed', e);
    throw e;
  }
}

/** Brings in the layers that the image begins with, which no step needed when all of them came from the cache. */
async function fetchBase(env: BuildEnvironment, request: BuildJob, { base }: StageState): Promise<void> {
  if (base === undefined) return;
  const name = `[internal] pull ${base.ref}`;
  const report = stepReporter(request.onEvent, env.now, name);
  let begun = false;
  try {
    await base.fetch(request.signal, (p) => {
      if (!begun) report('started');
      begun = true;
      const { current, total } = p;
      request.onEvent({ type: 'progress', id: `internal:${name}`, name: layerProgress(p), current, total, done: current === total });
    });
    if (begun) report('done');
  } catch (e) {
    if (begun) report('failed', e);
    throw e;
  }
}

/** What the cache holds of the steps of a stage and of all that they need. */
function builtCache(env: BuildEnvironment, bases: BaseImages, state: StageState, keys: ReadonlyMap<string, string>): BuiltCache {
  const cache = new DatabaseCache(env.db, env.now);
  const ofImage = new Set(nodesOf(state));
  const all = topological([...ofImage]);
  const results = all.flatMap((node) => {
    const key = keys.get(node.digest);
    const cached = key === undefined ? undefined : cache.get(key);
    if (key === undefined || cached === undefined) return [];
    return [{ key, snapshotId: cached.snapshotId, ...storedResult(cached), description: node.meta.name, ofImage: ofImage.has(node) }];
  });
  const images = all.flatMap(({ op }) =>
    op.kind === 'source' && /@sha256:[0-9a-f]{64}$/.test(op.identifier) && !op.git && !op.http ? [op.identifier] : [],
  );
  const baseChains = images.flatMap((identifier) => chainIds(bases.get(imageIdOf(identifier)).config.rootfs.diff_ids));
  return { results, baseChains };
}

/** What came from outside: images, repositories, files of the web. Contexts are the user's own. */
function sourceOf(bases: BaseImages, op: SourceOp): BuildSource[] {
  if (op.git)
    return [{ uri: withoutCredentials(op.identifier), digest: `${op.git.commit.length === 64 ? 'sha256' : 'sha1'}:${op.git.commit}` }];
  if (op.http) return [{ uri: withoutCredentials(op.identifier), ...(op.http.checksum !== undefined && { digest: op.http.checksum }) }];
  const name = /^docker-image:\/\/(.*)@(sha256:[0-9a-f]{64})$/.exec(op.identifier);
  if (name?.[1] === undefined || name[2] === undefined) return [];
  const ref = parseReference(name[1]);
  const image = bases.get(name[2] as Digest);
  const platform = formatPlatform(platformOfImage(image.config));
  const path = familiarReference({ domain: ref.domain, path: ref.path });
  return [
    { uri: `pkg:docker/${path}@${ref.tag ?? 'latest'}?platform=${encodeURIComponent(platform)}`, digest: image.manifestDigest ?? image.id },
  ];
}

/** The nodes of the steps of a stage: the layers of its image. */
export const nodesOf = (state: StageState): Node[] => [...new Set(state.steps.flatMap((s) => (s.node ? [s.node] : [])))];

/** Whether a build that uses no cache will need a network. */
function runsCommands({ stages }: Dockerfile, { network }: BuildJob): boolean {
  return network === 'default' && stages.some((stage) => stage.commands.some((i) => i.kind === 'RUN' && i.network === 'default'));
}

export function reasonOf(dockerfile: Dockerfile, target: { index: number }): string {
  const stage = dockerfile.stages[target.index];
  const name = (stage && stageLabel(dockerfile, stage)) ?? 'the target';
  return `nothing that ${name} needs comes from it`;
}

/** Steps that are no vertices of the graph, told as BuildKit's users know them. */
class InternalSteps {
  readonly #env: BuildEnvironment;
  readonly #request: BuildJob;

  constructor(env: BuildEnvironment, request: BuildJob) {
    this.#env = env;
    this.#request = request;
  }

  during<T>(name: string, fn: (id: string) => T): T {
    const report = stepReporter(this.#request.onEvent, this.#env.now, name);
    report('started');
    try {
      const result = fn(`internal:${name}`);
      report('done');
      return result;
    } catch (e) {
      report('failed', e);
      throw e;
    }
  }
}
