// Chapter 3: the graph engine skips what the last stage does not need.
import { builtAs, imageNamed, isVerdict, stepsOf } from '../builds.ts';
import { type Chapter, fine, notYet } from '../chapter.ts';
import { formatBytes } from '../../../util/index.ts';

const ORIGINAL = { tag: 'lab-original', engine: 'classic' } as const;
const GRAPH = { tag: 'lab-graph', engine: 'graph' } as const;

/** Of the sizes of two images that hold the same: only their settings differ. */
const ALIKE = 0.01;

export const graphEngine: Chapter = {
  name: '03-graph-engine',
  checks: [
    {
      goal: 'Build with both engines',
      async look(world) {
        for (const wanted of [ORIGINAL, GRAPH]) {
          const build = await builtAs(world, wanted);
          if (isVerdict(build)) return build;
        }
        return fine('lab-original and lab-graph come from the two engines.');
      },
    },
    {
      goal: 'See the test stage skipped',
      async look(world) {
        const build = await builtAs(world, GRAPH);
        if (isVerdict(build)) return build;
        if (!build.skipped.some((s) => s.stage === 'test'))
          return notYet(
            'The test stage was not skipped.',
            'nothing may stand on it or copy from it; slipway lab reset 3 lays the files again',
          );
        return fine('Nothing that the last stage needs comes from test.');
      },
    },
    {
      goal: 'Get the same size, and another image',
      async look(world) {
        const original = await imageNamed(world, 'lab-original');
        if ('ok' in original) return original;
        const graph = await imageNamed(world, 'lab-graph');
        if ('ok' in graph) return graph;
        if (Math.abs(original.Size - graph.Size) > graph.Size * ALIKE)
          return notYet(
            `lab-original has ${formatBytes(original.Size)}, lab-graph ${formatBytes(graph.Size)}.`,
            'the Dockerfile changed between the two builds: build both again',
          );
        return fine(`Both have ${formatBytes(graph.Size)}, as ${original.Id.slice(7, 19)} and ${graph.Id.slice(7, 19)}.`);
      },
    },
    {
      goal: 'Add a stage, and see which engine runs it',
      async look(world) {
        const plan = await world.plan(['.']);
        if (plan === undefined) return notYet('The Dockerfile cannot be built.', 'slipway build . says why');
        const docs = plan.stages.find((s) => s.name === 'docs');
        if (docs === undefined) return notYet('The Dockerfile has no stage docs.', 'FROM base AS docs begins it');
        if (docs.needed)
          return notYet('docs is what the build makes, or is needed for it.', 'it belongs above the last FROM, and nothing copies from it');
        const original = await builtAs(world, ORIGINAL);
        if (isVerdict(original)) return original;
        const graph = await builtAs(world, GRAPH);
        if (isVerdict(graph)) return graph;
        if (!graph.skipped.some((s) => s.stage === 'docs'))
          return notYet('lab-graph was built before docs was there.', 'DOCKER_BUILDKIT=1 slipway build -t lab-graph .');
        if (!(await stepsOf(world, original)).some((name) => name.includes('AS docs')))
          return notYet('lab-original was built before docs was there.', 'DOCKER_BUILDKIT=0 slipway build -t lab-original .');
        return fine('The original engine ran docs; the graph engine skipped it.');
      },
    },
  ],
};
