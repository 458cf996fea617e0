// Chapter 2: the original engine runs every stage; the image holds what was copied.
import { builtAs, isVerdict, stepsOf } from '../builds.ts';
import { type Chapter, fine, notYet } from '../chapter.ts';

const WANTED = { tag: 'lab-original', engine: 'classic' } as const;

export const originalEngine: Chapter = {
  name: '02-original-engine',
  checks: [
    {
      goal: 'Build with the original engine',
      async look(world) {
        const build = await builtAs(world, WANTED);
        if (isVerdict(build)) return build;
        return fine('lab-original comes from the original engine.');
      },
    },
    {
      goal: 'See every stage run',
      async look(world) {
        const build = await builtAs(world, WANTED);
        if (isVerdict(build)) return build;
        const steps = await stepsOf(world, build);
        if (!steps.some((name) => name.includes('"testing"')))
          return notYet('The test stage is no longer in the Dockerfile.', 'slipway lab reset 2 lays the files again');
        return fine(`${steps.length} steps, the test stage among them, though nothing of it is in the image.`);
      },
    },
    {
      goal: 'Ship the version with the program, and nothing else',
      async look(world) {
        const { stdout } = await world.run('lab-original', 'ls', '/app');
        const files = stdout.split(/\s+/).filter(Boolean);
        if (files.includes('source.txt'))
          return notYet(
            'The image holds /app/source.txt: the last stage starts from build, or copies the whole folder.',
            'keep FROM base, and copy single files',
          );
        if (!files.includes('program.txt')) return notYet('The image has no /app/program.txt.', 'keep the COPY that was there');
        if (!files.includes('version.txt'))
          return notYet('The image has no /app/version.txt.', 'COPY --from=build takes it from the stage that wrote it; then build again');
        const version = await world.run('lab-original', 'cat', '/app/version.txt');
        if (version.stdout !== '1.0\n')
          return notYet(
            `/app/version.txt says ${JSON.stringify(version.stdout.trim())}, not 1.0.`,
            'copy it from build; do not write it again',
          );
        return fine('libraries.txt from base, program.txt and version.txt from build: that is all.');
      },
    },
  ],
};
