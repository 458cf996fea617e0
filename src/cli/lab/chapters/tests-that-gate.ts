// Chapter 9: a failing test stops the build, and its report is taken out.
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtAs, isVerdict } from '../builds.ts';
import { type Chapter, fine, notYet } from '../chapter.ts';

export const testsThatGate: Chapter = {
  name: '09-tests-that-gate',
  checks: [
    {
      goal: 'Let the image need the tests',
      async look(world) {
        const plan = await world.plan(['.']);
        if (plan === undefined) return notYet('The Dockerfile cannot be built.', 'slipway build . says why');
        const test = plan.stages.find((s) => s.name === 'test');
        if (test === undefined) return notYet('The Dockerfile has no stage test.', 'slipway lab reset 9 lays the files again');
        if (!test.needed)
          return notYet('The image does not need the test stage.', 'let the last stage copy program.sh from test: COPY --from=test …');
        return fine('The last stage takes its program from test.');
      },
    },
    {
      goal: 'Stop a build whose tests fail',
      async look(world) {
        const { exitCode } = await world.inCopy((copy) => {
          writeFileSync(join(copy, 'program.sh'), '#!/bin/sh\necho $(($1 - $2))\n');
          return world.slipway(['build', '-q', copy]);
        });
        if (exitCode === 0)
          return notYet(
            'A program that subtracts builds all the same.',
            'the RUN of the test stage must end with the exit code of the test; no "|| true" behind it',
          );
        return fine('With a mistake in program.sh the build fails.');
      },
    },
    {
      goal: 'Build what passed',
      async look(world) {
        const build = await builtAs(world, { tag: 'lab-gated' });
        if (isVerdict(build)) return build;
        const { stdout } = await world.run('lab-gated', '20', '22');
        if (stdout.trim() !== '42')
          return notYet(`lab-gated says 20 + 22 is ${JSON.stringify(stdout.trim())}.`, 'put program.sh right and build lab-gated again');
        return fine('lab-gated adds as it should.');
      },
    },
    {
      goal: 'Take the report out',
      look(world) {
        const out = join(world.folder, 'out');
        if (!existsSync(out)) return notYet('There is no folder out.', 'slipway build --target results --output out .');
        const names = readdirSync(out);
        if (names.length > 3)
          return notYet(
            `out holds ${names.length} entries: the whole file system of a stage.`,
            'the stage results starts from scratch and copies the report only',
          );
        if (world.read('out/report.txt') === undefined)
          return notYet('out/report.txt is missing.', 'COPY --from=test /results/report.txt /report.txt');
        if (world.read('out/report.txt')?.trim() !== '5')
          return notYet('The report is not the one of the tests.', 'build it again, with program.sh put right');
        return fine('out/report.txt is there for the pipeline to show.');
      },
    },
  ],
};
