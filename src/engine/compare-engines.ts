// One Dockerfile by both engines: what each ran and left out, how long it took, and what it left behind.
import type { BuildJob } from '../builder/index.ts';
import { build, type BuildEngine } from './build.ts';
import type { Engine } from './engine.ts';

export interface EngineRun {
  readonly engine: BuildEngine;
  readonly stepsRun: number;
  readonly stepsCached: number;
  /** Stages that were not built. */
  readonly skipped: readonly string[];
  /** ms. */
  readonly wallMs: number;
  /** Images that were not in the store before. */
  readonly imagesLeft: number;
  readonly image: string;
  /** Bytes of the files of the image. */
  readonly size: number;
}

/** The graph engine's image gets the names. An event says which engine the following ones are of. */
export async function compareEngines(engine: Engine, request: BuildJob): Promise<EngineRun[]> {
  const runs: EngineRun[] = [];
  for (const which of ['classic', 'graph'] as const) {
    const before = new Set(engine.images.list({ all: true }).map((i) => i.id));
    const skipped: string[] = [];
    const counts = { done: 0, cached: 0 };
    request.onEvent({ type: 'engine', engine: which });
    const { result, startedAt, finishedAt } = await build(engine, which, {
      ...request,
      // the one that finds a cache would win without having worked
      noCache: true,
      tags: which === 'graph' ? request.tags : [],
      onEvent: (e) => {
        request.onEvent(e);
        if (e.type === 'skipped') skipped.push(e.stage);
        // internal steps and sources have no inputs
        else if (e.type === 'vertex' && e.inputs.length > 0 && (e.state === 'done' || e.state === 'cached')) counts[e.state]++;
      },
    });
    runs.push({
      engine: which,
      stepsRun: counts.done,
      stepsCached: counts.cached,
      skipped,
      wallMs: finishedAt - startedAt,
      imagesLeft: engine.images.list({ all: true }).filter((i) => !before.has(i.id)).length,
      image: result.image.id,
      size: engine.images.get(result.image.id).size,
    });
  }
  return runs;
}
