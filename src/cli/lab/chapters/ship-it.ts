// Chapter 8: two versions at a registry that share their layers.
import { type Chapter, fine, notYet } from '../chapter.ts';
import { lines, type World } from '../world.ts';

const REPOSITORY = 'lab-ship';

/** `localhost:5000`, from the name of an image. */
async function registryOf(world: World): Promise<string | undefined> {
  const { stdout } = await world.slipway(['image', 'ls', '--format', '{{.Repository}}']);
  const name = lines(stdout).find((r) => r.endsWith(`/${REPOSITORY}`));
  return name?.slice(0, -REPOSITORY.length - 1);
}

interface Manifest {
  readonly layers?: readonly { readonly digest: string }[];
}

async function manifest(world: World, registry: string, tag: string): Promise<Manifest | undefined> {
  const { exitCode, stdout } = await world.slipway(['manifest', 'inspect', `${registry}/${REPOSITORY}:${tag}`]);
  return exitCode === 0 ? (JSON.parse(stdout) as Manifest) : undefined;
}

export const shipIt: Chapter = {
  name: '08-ship-it',
  checks: [
    {
      goal: "Give the image the registry's name",
      async look(world) {
        const registry = await registryOf(world);
        if (registry === undefined) return notYet('No image is named for a registry.', 'slipway tag lab-ship:1 localhost:5000/lab-ship:1');
        return fine(`${registry}/${REPOSITORY} says where the image belongs.`);
      },
    },
    {
      goal: 'Push version 1',
      async look(world) {
        const registry = (await registryOf(world)) ?? '';
        if ((await world.get(`http://${registry}/v2/`)) === undefined)
          return notYet(`No registry answers at ${registry}.`, 'slipway ps shows whether lab-registry runs, and which port it publishes');
        if ((await manifest(world, registry, '1')) === undefined)
          return notYet(`The registry has no ${REPOSITORY}:1.`, `slipway push ${registry}/${REPOSITORY}:1`);
        return fine(`${registry} has ${REPOSITORY}:1.`);
      },
    },
    {
      goal: 'Push version 2 beside it',
      async look(world) {
        const registry = (await registryOf(world)) ?? '';
        const [one, two] = [await manifest(world, registry, '1'), await manifest(world, registry, '2')];
        if (two === undefined)
          return notYet(`The registry has no ${REPOSITORY}:2.`, `build it as ${registry}/${REPOSITORY}:2, then push that name`);
        const said = await world.run(`${registry}/${REPOSITORY}:2`);
        if (!said.stdout.includes('version 2'))
          return notYet(`${REPOSITORY}:2 says ${JSON.stringify(said.stdout.trim())}.`, 'change greeting.txt before you build version 2');
        const [before, after] = [one?.layers ?? [], two.layers ?? []].map((layers) => layers.map((l) => l.digest));
        const shared = after?.filter((digest) => before?.includes(digest)).length ?? 0;
        if (shared === after?.length)
          return notYet(
            'Both tags stand for the same layers: version 1 was pushed over.',
            'build version 1 again from its greeting, and push it as tag 1',
          );
        if (shared === 0) return notYet('The two versions share no layer.', 'keep the order of the Dockerfile: the greeting last');
        return fine(`${shared} of ${after?.length} layers are shared: version 2 sent only what changed.`);
      },
    },
    {
      goal: 'Keep version 1 as it was',
      async look(world) {
        const registry = (await registryOf(world)) ?? '';
        const said = await world.run(`${registry}/${REPOSITORY}:1`);
        if (!said.stdout.includes('version 1'))
          return notYet(
            `${REPOSITORY}:1 says ${JSON.stringify(said.stdout.trim() || said.stderr.trim())}.`,
            'a tag that has shipped is not moved: give a change a new tag',
          );
        return fine('Tag 1 is still what it was: who runs it is not surprised.');
      },
    },
  ],
};
