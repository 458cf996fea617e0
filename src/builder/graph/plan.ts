// The plan of a build: its stages and steps, which of them would come from the cache and which would run, and why. Nothing is
// run; base images are looked up, for what follows depends on their configurations.
import { targetStage } from '../../dockerfile/index.ts';
import { topological } from '../../graph/index.ts';
import { DatabaseCache, type Fate, foresee, ImportingCache } from '../../solver/index.ts';
import { Lowering, stageLabel } from '../lower/index.ts';
import { Explainer } from '../record/index.ts';
import { BaseImages } from '../sources/index.ts';
import type { BuildEnvironment, BuildJob } from '../types.ts';
import { nodesOf, reasonOf } from './build.ts';
import { askedFor } from './solve.ts';
import { BuildDriver, verticesOf } from './driver.ts';
import { groupsOf } from './parts.ts';
import { readDockerfile } from './read.ts';
import { withCleanupSync } from '../../util/index.ts';

export interface PlannedStep {
  readonly id: string;
  /** `[build 2/3] RUN go build`. */
  readonly name: string;
  readonly stage?: string;
  /** In the Dockerfile, from 1. */
  readonly line?: number;
  readonly fate: Fate;
  /** Of a step that would run although an earlier build had it. */
  readonly reason?: string;
  /** Of the steps that it reads. */
  readonly inputs: readonly string[];
}

export interface Plan {
  readonly target: string;
  /** In the order of the Dockerfile; those that are not needed say why. `builder` is where one would be built, elsewhere. */
  readonly stages: readonly {
    readonly name: string;
    readonly base: string;
    readonly needed: boolean;
    readonly reason?: string;
    readonly builder?: string;
  }[];
  /** Inputs before what reads them. */
  readonly steps: readonly PlannedStep[];
  readonly counts: Readonly<Record<Exclude<Fate, 'source'>, number>>;
}

export async function planGraph(env: BuildEnvironment, request: BuildJob): Promise<Plan> {
  const { dockerfile } = readDockerfile(request);
  const target = targetStage(dockerfile, request.target);
  const bases = new BaseImages(env, request);
  const { state, skipped } = await new Lowering(bases, request, dockerfile).lower(target);
  using lease = env.leases.create();
  const lists = new Map<string, Buffer[]>();
  const driver = new BuildDriver(env, request, bases, lease, {
    onList: (_, digest, pieces) => lists.set(digest, pieces),
    onWork: () => {},
  });
  const places = env.remote && state.node ? await env.remote.places(request) : undefined;
  const work = (): Plan => {
    const groups = places && state.node ? [...groupsOf(state.node)] : [];
    const builderOf = (name: string): { builder?: string } => {
      const group = groups.find(([n]) => n.meta.stage === name)?.[1];
      return places && group !== undefined ? { builder: places(group) } : {};
    };
    const nodes = topological(nodesOf(state));
    const vertices = verticesOf(nodes);
    const local = new DatabaseCache(env.db, env.now);
    const forecasts = foresee(vertices, driver, env.imports ? new ImportingCache(local, env.imports) : local);
    const explainer = new Explainer(env.records, request.identity);
    const fateOf = (id: string): Fate => forecasts.get(id)?.fate ?? 'maybe';
    const steps = vertices
      .filter((v) => v.name !== 'scratch')
      .map((v): PlannedStep => {
        const { meta } = v.node;
        const forecast = forecasts.get(v.id);
        const inputs = v.inputs.map((input, i) => ({ id: input.id, name: input.name, part: forecast?.parts[i] ?? '' }));
        const below = v.inputs[0];
        const remade = below && fateOf(below.id) === 'run' ? below.name : undefined;
        const why =
          forecast?.fate === 'run' && forecast.key !== undefined
            ? explainer.explain({ node: v.node, name: v.name, inputs, asked: askedFor(request, v.node), remade }, lists)
            : undefined;
        return {
          id: v.id,
          name: v.name,
          ...(meta.stage !== undefined && { stage: meta.stage }),
          ...(meta.source !== undefined && { line: meta.source.range.start.line }),
          fate: fateOf(v.id),
          ...(why && { reason: why.reason }),
          inputs: v.inputs.filter((i) => i.name !== 'scratch').map((i) => i.id),
        };
      });
    const label = (stage: (typeof dockerfile.stages)[number]): string => stageLabel(dockerfile, stage) ?? 'the image';
    const count = (fate: Fate): number => steps.filter((s) => s.fate === fate).length;
    return {
      target: label(target),
      stages: dockerfile.stages.map((stage) => {
        const needed = !skipped.includes(stage);
        return {
          name: label(stage),
          base: stage.from.base,
          needed,
          ...(!needed && { reason: reasonOf(dockerfile, target) }),
          ...builderOf(label(stage)),
        };
      }),
      steps,
      counts: { cached: count('cached'), run: count('run'), maybe: count('maybe') },
    };
  };
  return withCleanupSync(work, () => driver.close());
}
