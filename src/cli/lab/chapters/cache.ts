// Chapter 7: the order of instructions decides what runs again.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtAs, isVerdict } from '../builds.ts';
import { type Chapter, fine, notYet } from '../chapter.ts';
import type { Plan, World } from '../world.ts';

/** What a build would do after a change to a file, in a copy of the learner's folder. */
function planAfter(world: World, changed: string | undefined): Promise<Plan | undefined> {
  return world.inCopy((copy) => {
    if (changed !== undefined) writeFileSync(join(copy, changed), `changed by the check at ${world.since}\n`);
    return world.plan([copy]);
  });
}

const installing = (plan: Plan): Plan['steps'][number] | undefined => plan.steps.find((s) => s.name.includes('installing dependencies'));

export const cache: Chapter = {
  name: '07-cache',
  checks: [
    {
      goal: 'Build the Dockerfile as it is now',
      async look(world) {
        const build = await builtAs(world, { tag: 'lab-cache', engine: 'graph' });
        if (isVerdict(build)) return build;
        const plan = await planAfter(world, undefined);
        if (plan === undefined) return notYet('The Dockerfile cannot be built.', 'slipway build . says why');
        if (plan.steps.some((s) => s.fate === 'run'))
          return notYet('The Dockerfile or its files changed since the last build.', 'slipway build -t lab-cache .');
        return fine('Every step is in the cache.');
      },
    },
    {
      goal: 'Change the code without installing again',
      async look(world) {
        const plan = await planAfter(world, 'code/main.txt');
        const step = plan && installing(plan);
        if (step === undefined) return notYet('No step installs the dependencies.', 'keep the RUN that says "installing dependencies"');
        if (step.fate !== 'cached')
          return notYet(
            'A change of code/main.txt would install the dependencies again.',
            'the installing RUN stands on a COPY that reads the code: copy packages.txt first, install, then copy the code',
          );
        if (!plan?.steps.some((s) => s.fate === 'run'))
          return notYet('A change of code/main.txt changes nothing.', 'the code must be copied, below the installing RUN');
        return fine('Only what reads the code would run.');
      },
    },
    {
      goal: 'Install again when the dependencies change',
      async look(world) {
        const plan = await planAfter(world, 'packages.txt');
        const step = plan && installing(plan);
        if (step?.fate === 'cached')
          return notYet(
            'A change of packages.txt would not install anything.',
            'the installing RUN must stand on the COPY of packages.txt',
          );
        return fine('A change of packages.txt installs them again.');
      },
    },
    {
      goal: 'Keep the package cache between builds',
      async look(world) {
        const dockerfile = world.read('Dockerfile') ?? '';
        const run = dockerfile
          .replaceAll(/\\\n/g, ' ')
          .split('\n')
          .find((l) => l.startsWith('RUN') && l.includes('installing dependencies'));
        const mount = /--mount=(\S+)/.exec(run ?? '')?.[1]?.split(',') ?? [];
        if (!mount.includes('type=cache'))
          return notYet('The installing RUN has no cache mount.', 'RUN --mount=type=cache,target=/var/cache/packages …');
        if (!mount.some((o) => /^(target|dst|destination)=\/var\/cache\/packages\/?$/.test(o)))
          return notYet('The cache mount is at another folder.', 'target=/var/cache/packages');
        const inside = await world.run('lab-cache', 'ls', '/var/cache/packages');
        if (inside.exitCode === 0) return notYet('The image holds /var/cache/packages.', 'the last stage copies /app.txt only');
        return fine('The mount is kept beside the image, never in it.');
      },
    },
  ],
};
