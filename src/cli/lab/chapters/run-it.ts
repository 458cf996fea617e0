// Chapter 6: published ports, arguments of the program, and users other than root.
import { type Chapter, fine, notYet, type Verdict } from '../chapter.ts';
import type { Container, World } from '../world.ts';

const IMAGE = 'lab-web';
const hostPorts = (c: Container, port: string): string[] => (c.NetworkSettings.Ports[`${port}/tcp`] ?? []).map((b) => b.HostPort);

async function answers(world: World, c: Container, port: string): Promise<string | undefined> {
  for (const host of hostPorts(c, port)) {
    const url = `http://127.0.0.1:${host}/`;
    if ((await world.get(url)) !== undefined) return url;
  }
  return undefined;
}

/** What keeps a container of ours from being reached on a port. */
async function reached(world: World, c: Container, port: string): Promise<Verdict> {
  const name = c.Name.slice(1);
  if (!c.State.Running) {
    const logs = await world.slipway(['logs', '--tail', '1', c.Id]);
    return notYet(
      `${name} has ended${logs.stderr || logs.stdout ? `: ${(logs.stderr || logs.stdout).trim()}` : '.'}`,
      `slipway logs ${name} shows more`,
    );
  }
  const url = await answers(world, c, port);
  if (url !== undefined) return fine(`${name} answers at ${url}`);
  const published = Object.entries(c.NetworkSettings.Ports).filter(([, to]) => to !== null);
  if (published.length === 0)
    return notYet(`${name} publishes no port.`, `-P publishes what the image exposes, -p :${port} one that you name`);
  if (hostPorts(c, port).length === 0)
    return notYet(
      `${name} listens on port ${port}, and publishes ${published.map(([p]) => p).join(', ')}.`,
      `-P follows EXPOSE, not the program: publish the port yourself, -p :${port}`,
    );
  return notYet(`${name} does not answer on port ${port}.`, `slipway logs ${name} says which port it listens on`);
}

const moved = (c: Container): string | undefined => /^--port (\d+)$/.exec(c.Args.slice(-2).join(' '))?.[1];

export const runIt: Chapter = {
  name: '06-run-it',
  checks: [
    {
      goal: 'Publish what the image exposes',
      async look(world) {
        const all = await world.containers(IMAGE);
        const plain = all.find((c) => moved(c) === undefined && c.Config.User === '');
        if (plain === undefined) return notYet('No container of lab-web was started.', 'slipway run -d --name lab-web-1 -P lab-web');
        return reached(world, plain, '80');
      },
    },
    {
      goal: 'Reach the program on the port that its argument chose',
      async look(world) {
        const all = (await world.containers(IMAGE)).filter((c) => moved(c) !== undefined);
        const [newest] = all;
        if (newest === undefined)
          return notYet(
            'No container of lab-web has the argument --port 5000.',
            'arguments of the program stand behind the image: … lab-web --port 5000',
          );
        const right = all.find((c) => moved(c) === '5000');
        if (right === undefined)
          return notYet(`${newest.Name.slice(1)} listens on ${moved(newest)}, not on 5000.`, 'slipway run … lab-web --port 5000');
        return reached(world, right, '5000');
      },
    },
    {
      goal: 'Listen on port 80 as a user other than root',
      async look(world) {
        const all = (await world.containers(IMAGE)).filter((c) => c.Config.User !== '');
        const user = all.find((c) => !/^(0|root)(:|$)/.test(c.Config.User));
        if (user === undefined)
          return notYet(
            all.length === 0 ? 'All containers of lab-web run as root.' : 'The user 0 is root.',
            'slipway run -d --name lab-web-3 -P -u 65534 lab-web',
          );
        return reached(world, user, '80');
      },
    },
  ],
};
