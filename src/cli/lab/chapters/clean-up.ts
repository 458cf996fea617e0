// Chapter 10: what is left after the lab.
import { type Chapter, fine, notYet } from '../chapter.ts';
import { lines } from '../world.ts';

export const cleanUp: Chapter = {
  name: '10-clean-up',
  checks: [
    {
      goal: 'Leave something to clean up',
      async look(world) {
        const builds = await world.builds();
        if (builds.filter((b) => b.tags.includes('lab-old')).length < 2) return notYet('leftovers.sh has not run.', 'sh leftovers.sh');
        return fine('leftovers.sh built two images under one name.');
      },
    },
    {
      goal: 'Remove the containers',
      async look(world) {
        const { stdout } = await world.slipway(['ps', '-a', '--format', '{{.Names}} {{.Image}} {{.State}}']);
        const left = lines(stdout).filter((l) => /(^| |\/)lab-/.test(l));
        const running = left.find((l) => l.endsWith(' running'));
        if (running !== undefined)
          return notYet(
            `${running.split(' ')[0]} runs.`,
            'rm refuses a running container; -f stops it first: slipway rm -f $(slipway ps -aq)',
          );
        if (left.length > 0)
          return notYet(
            `${left.map((l) => l.split(' ')[0]).join(', ')} has ended and is still there.`,
            'stop only stops; ps -a shows what has ended, rm removes it',
          );
        return fine('No container of the lab is left.');
      },
    },
    {
      goal: 'Remove the images',
      async look(world) {
        const { stdout } = await world.slipway(['image', 'ls', '--format', '{{.Repository}}:{{.Tag}}']);
        const left = lines(stdout).filter((name) => /(^|\/)lab-/.test(name));
        if (left.length > 0) return notYet(`Still here: ${left.join(', ')}`, "slipway rmi $(slipway image ls -q -f reference='lab-*')");
        return fine('No image of the lab has a name.');
      },
    },
    {
      goal: 'Remove the image without a name',
      async look(world) {
        const left = lines((await world.slipway(['image', 'ls', '-q', '-f', 'dangling=true'])).stdout);
        if (left.length > 0) return notYet(`Images without a name: ${left.length}`, 'slipway image prune');
        return fine('No image without a name takes room.');
      },
    },
    {
      goal: 'Remove the volume',
      async look(world) {
        const { exitCode } = await world.slipway(['volume', 'inspect', 'lab-data']);
        if (exitCode === 0) return notYet('The volume lab-data is still there.', 'volumes are kept on purpose: slipway volume rm lab-data');
        return fine('lab-data is gone, with what was in it.');
      },
    },
  ],
};
