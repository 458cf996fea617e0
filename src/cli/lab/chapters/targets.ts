// Chapter 4: --target, and one Dockerfile for development and production.
import { builtAs, isVerdict } from '../builds.ts';
import { type Chapter, fine, notYet } from '../chapter.ts';

export const targets: Chapter = {
  name: '04-targets',
  checks: [
    {
      goal: 'Build the test stage by name',
      async look(world) {
        const build = await builtAs(world, { tag: 'lab-test', target: 'test' });
        if (isVerdict(build)) return build;
        const { stdout } = await world.run('lab-test');
        if (!stdout.includes('production'))
          return notYet(`lab-test says ${JSON.stringify(stdout.trim())}.`, 'keep the test stage as it was');
        return fine('lab-test is the output of the stage test: it prints its report.');
      },
    },
    {
      goal: 'Write a stage for developers',
      async look(world) {
        const build = await builtAs(world, { tag: 'lab-dev', target: 'development' });
        if (isVerdict(build)) return build;
        const { stdout, stderr } = await world.run('lab-dev');
        if (!stdout.includes('running in development'))
          return notYet(
            `lab-dev says ${JSON.stringify((stdout || stderr).trim().slice(0, 200))}.`,
            'the stage needs ENV MODE=development and CMD ["/app/program.sh"]',
          );
        const symbols = await world.run('lab-dev', 'cat', '/app/symbols.txt');
        if (symbols.exitCode !== 0) return notYet('lab-dev has no /app/symbols.txt.', 'the stage starts from build, where they are');
        return fine('lab-dev runs in development, and has the symbols.');
      },
    },
    {
      goal: 'Build for production without --target',
      async look(world) {
        const build = await builtAs(world, { tag: 'lab-prod' });
        if (isVerdict(build)) return build;
        const { stdout } = await world.run('lab-prod');
        if (stdout.includes('development'))
          return notYet('lab-prod runs in development.', 'development stands below production: move it above');
        if (!stdout.includes('running in production'))
          return notYet(`lab-prod says ${JSON.stringify(stdout.trim())}.`, 'keep the stage production as it was');
        const symbols = await world.run('lab-prod', 'cat', '/app/symbols.txt');
        if (symbols.exitCode === 0)
          return notYet('lab-prod holds /app/symbols.txt.', 'production starts from base and copies only the program');
        return fine('lab-prod is the last stage: small, and running in production.');
      },
    },
  ],
};
