// The multi-stage lab, done for real: two engines, one web server, the exercise with its ports, and the clean-up. Each
// part checks what it claims, so that the tour succeeds only when the program works.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { SlipwayError } from '../../model/index.ts';
import { LAB_FILES } from './files.ts';
import { type Outcome, type ShellOptions, TourShell } from './shell.ts';
import { withCleanup } from '../../util/index.ts';

export interface TourOptions extends ShellOptions {
  /** Folder below which the lab's files are written; they are removed at the end. */
  readonly temporary: string;
  /** The store that the tour has for itself, named to the reader. */
  readonly root: string;
}

/** Runs the whole tour. @throws SlipwayError when a part does not do what it should, or on interruption. */
export async function runTour(o: TourOptions): Promise<void> {
  const shell = new TourShell(o);
  const lab = mkdtempSync(join(o.temporary, 'slipway-tour-'));
  const work = async (): Promise<void> => {
    for (const [path, text] of Object.entries(LAB_FILES)) {
      mkdirSync(dirname(join(lab, path)), { recursive: true });
      writeFileSync(join(lab, path), text);
    }
    shell.heading('Slipway: a tour of multi-stage builds');
    shell.say(`Everything below happens for real. The tour has a store of its own, apart from your images and containers:\n${o.root}`);
    await removeContainers(shell);
    await bases(shell);
    await originalEngine(shell, join(lab, 'stages'));
    await graphEngine(shell, join(lab, 'stages'));
    await webServer(shell, join(lab, 'whoami'));
    await ports(shell);
    await lowPorts(shell);
    await cleanUp(shell);
  };
  await withCleanup(
    work,
    () => removeContainers(shell),
    () => rmSync(lab, { recursive: true, force: true }),
  );
}

function check(truth: boolean, claim: string): asserts truth {
  if (!truth) throw new SlipwayError('failed-precondition', 'tour.check-failed', `the tour expected that ${claim}, and it is not so`);
}

async function bases(shell: TourShell): Promise<void> {
  shell.heading('Base images');
  shell.say('No registry is asked here: bootstrap makes stand-ins for well-known bases from Debian packages, once, and keeps them.');
  for (const [name, watch] of [
    ['busybox', 'a whole system of commands in 2 MB.'],
    ['golang:1.19-bookworm', 'the size of an SDK. The first time this takes a minute or two.'],
  ] as const)
    await shell.slipway(['bootstrap', name], { watch });
}

async function originalEngine(shell: TourShell, cwd: string): Promise<void> {
  shell.heading('1. Four stages, by the original engine');
  shell.say('base adds dependencies, build makes the program, test tests it, and the last stage copies one file out of build.');
  shell.show(LAB_FILES['stages/Dockerfile'] ?? '');
  const r = await shell.slipway(['build', '-t', 'lab-original', '.'], {
    watch: 'every instruction is a numbered step, also those of the test stage.',
    cwd,
    env: { DOCKER_BUILDKIT: '0' },
  });
  check(/^Step 1\/\d+ : FROM busybox AS base$/m.test(r.all), 'the original engine counts its steps');
  // The second time the steps come from the cache; gone through they are all the same.
  check(/^Step \d+\/\d+ : RUN echo "testing"/m.test(r.all), 'the original engine goes through the test stage too');
  shell.say(
    'Top to bottom, every stage: the test stage ran although nothing of it is in the image.\nEach instruction left an image ("---> ...") that the next one starts from:',
  );
  const images = await shell.slipway(['image', 'ls', '-a'], { watch: 'the images without a name: one for each instruction.' });
  check(images.stdout.split('\n').filter((l) => l.startsWith('<none>')).length >= 3, 'there is an image for each instruction');
  const out = await shell.slipway(['run', '--rm', 'lab-original'], {
    watch: 'the file that the build stage made, printed by the last stage.',
  });
  check(out.stdout === 'the program\n', 'the image holds what the build stage made');
}

/** The stages of the first Dockerfile; an arrow leads from what is needed to what needs it. */
const STAGES_GRAPH = `
  busybox ──▶ base ──┬──▶ build ──┬──▶ test          nothing needs it
                     │            │
                     │            └── program.txt ──┐
                     └──────────────────────────────┴──▶ the image
`;

async function graphEngine(shell: TourShell, cwd: string): Promise<void> {
  shell.heading('2. The same file, by the graph engine');
  const graph = { DOCKER_BUILDKIT: '1' };
  shell.show(STAGES_GRAPH);
  await shell.slipway(['build', '--plan', '.'], { watch: 'what would run, and what would not.', cwd, env: graph });
  const r = await shell.slipway(['build', '--progress', 'plain', '-t', 'lab-graph', '.'], {
    watch: '"stage test skipped", and that nothing is tested.',
    cwd,
    env: graph,
  });
  check(!r.all.includes('testing\n') && /stage test skipped/.test(r.all), 'the graph engine skips the test stage and says so');
  shell.say(
    'The Dockerfile became a graph. Nothing that the last stage needs comes from test, so test was skipped.\n--target asks for another stage, and the image is then the output of that stage:',
  );
  await shell.slipway(['build', '--progress', 'plain', '--target', 'test', '-t', 'lab-test', '.'], {
    watch: 'base and build are CACHED, and the tests run.',
    cwd,
    env: graph,
  });
  const report = await shell.slipway(['run', '--rm', 'lab-test'], { watch: 'the report of the tests.' });
  check(report.stdout === 'all tests passed\n', 'the image of --target test is the output of the test stage');
  const again = await shell.slipway(['build', '--progress', 'plain', '-t', 'lab-graph', '.'], {
    watch: 'CACHED at every step, and the time that it takes.',
    cwd,
    env: graph,
  });
  check(again.all.includes('CACHED'), 'a build of the same thing comes from the cache');
  shell.say('Built again, every step is CACHED: it would do nothing new.');
}

async function webServer(shell: TourShell, cwd: string): Promise<void> {
  shell.heading('3. From an SDK to an empty image');
  shell.say('whoami is a web server in Go. It is compiled in an SDK image and shipped on scratch, where nothing else is.');
  shell.show(LAB_FILES['whoami/Dockerfile'] ?? '');
  await shell.slipway(['build', '--progress', 'plain', '-t', 'whoami', '.'], {
    watch: 'the compiler runs in the SDK; one file is copied out of it.',
    cwd,
    env: { DOCKER_BUILDKIT: '1' },
  });
  await shell.slipway(['image', 'ls'], { watch: 'the sizes of golang and of whoami.' });
  const size = async (name: string): Promise<number> =>
    Number((await shell.quietly(['image', 'inspect', '--format', '{{.Size}}', name])).stdout.trim());
  const [sdk, shipped] = [await size('golang:1.19-bookworm'), await size('whoami')];
  check(sdk > 400e6 && shipped > 1e6 && shipped < 10e6, `an SDK of ${sdk} bytes ends as an image under 10 MB (${shipped} bytes)`);
  const saved = ((1 - shipped / sdk) * 100).toFixed(1);
  shell.say(
    `golang:1.19-bookworm takes ${(sdk / 1e6).toFixed(0)} MB, whoami ${(shipped / 1e6).toFixed(1)} MB: ${saved} % less to push, pull and keep.`,
  );
}

async function ports(shell: TourShell): Promise<void> {
  shell.heading('4. It runs: published ports');
  const first = (
    await shell.slipway(['run', '-d', '-P', 'whoami'], { watch: 'the ID of a container that runs on by itself.' })
  ).stdout.trim();
  const published = await shell.slipway(['port', first], { watch: 'the port of this machine that leads to port 80 of the container.' });
  await answers(shell, hostPort(published, 80), '/');
  shell.say('-P published the port that the Dockerfile EXPOSEs, on a free port of this machine.');

  shell.heading('The exercise: -port 5000');
  shell.say('Arguments after the image go to the program. It listens on 5000 now; -P still publishes 80, the exposed one:');
  const wrong = (
    await shell.slipway(['run', '-d', '-P', 'whoami', '-port', '5000'], { watch: 'nothing yet: the mistake shows at the request.' })
  ).stdout.trim();
  const useless = hostPort(await shell.slipway(['port', wrong], { watch: 'port 80 is published, and nothing listens there.' }), 80);
  await refuses(shell, useless);
  const logs = await logsOf(shell, wrong, 'listening on port 5000');
  check(logs.includes('listening on port 5000'), 'the logs show the port');
  shell.say('Nothing listens on port 80 of this container; its log says where it does. Publish that port instead:');
  const free = await freePort(8050);
  const mended = (
    await shell.slipway(['run', '-d', '-p', `${free}:5000`, 'whoami', '-port', '5000'], { watch: `-p HOST:CONTAINER, here ${free}:5000.` })
  ).stdout.trim();
  await shell.slipway(['port', mended], { watch: 'the two ports that were given.' });
  await answers(shell, free, '/health');
  shell.say('With no host port before the colon, a free one is chosen:');
  const chosen = (
    await shell.slipway(['run', '-d', '-p', ':5000', 'whoami', '-port', '5000'], { watch: 'no number before the colon.' })
  ).stdout.trim();
  await answers(shell, hostPort(await shell.slipway(['port', chosen], { watch: 'the port that was chosen.' }), 5000), '/health');
}

async function lowPorts(shell: TourShell): Promise<void> {
  shell.heading('Why may it listen on port 80?');
  shell.say(
    'On a machine, ports below 1024 are for root. A container has a network of its own, where no other user can be harmed,\nso this limit is set to 0 there:',
  );
  const start = await shell.slipway(['run', '--rm', 'busybox', 'cat', '/proc/sys/net/ipv4/ip_unprivileged_port_start'], {
    watch: 'the first port that needs no root.',
  });
  check(start.stdout.trim() === '0', 'ports below 1024 are open in a container');
  shell.say('So user 65534 (nobody) listens on port 80 as well:');
  const id = (
    await shell.slipway(['run', '-d', '-P', '-u', '65534', 'whoami'], { watch: '-u: the user that the program runs as.' })
  ).stdout.trim();
  await answers(shell, hostPort(await shell.slipway(['port', id], { watch: 'port 80 again.' }), 80), '/health');
  check((await logsOf(shell, id, 'as user 65534')).includes('listening on port 80 as user 65534'), 'the server runs as user 65534');
}

async function cleanUp(shell: TourShell): Promise<void> {
  shell.heading('5. Clean-up');
  await shell.slipway(['ps', '-a'], { watch: 'the containers of this tour.' });
  const ids = (await shell.quietly(['ps', '-aq'])).stdout.split('\n').filter(Boolean);
  check(ids.length >= 5, 'the containers of the tour are there');
  await shell.slipway(['rm', '-f', ...ids], { watch: 'all of them are stopped and removed.', shown: 'slipway rm -f $(slipway ps -aq)' });
  const left = await shell.slipway(['ps', '-aq'], { watch: 'nothing is left.' });
  check(left.stdout === '', 'no container is left');
  shell.say('The images stay, so that the next tour takes seconds. That was it: every part worked.');
}

/** Removes what an interrupted tour left, without a word. */
async function removeContainers(shell: TourShell): Promise<void> {
  const ids = (await shell.quietly(['ps', '-aq'], { evenWhenCancelled: true })).stdout.split('\n').filter(Boolean);
  if (ids.length > 0) await shell.quietly(['rm', '-f', ...ids], { evenWhenCancelled: true });
}

/** The host port in `80/tcp -> 0.0.0.0:32768`. */
function hostPort(published: Outcome, containerPort: number): number {
  const line = published.stdout.split('\n').find((l) => l.startsWith(`${containerPort}/tcp -> `));
  const port = Number(line?.slice(line.lastIndexOf(':') + 1));
  check(port > 0, `port ${containerPort} is published`);
  return port;
}

/** Asks for a page until it answers; a server needs a moment to start. */
async function answers(shell: TourShell, port: number, path: string): Promise<void> {
  const url = `http://127.0.0.1:${port}${path}`;
  shell.show(`\nGET ${url}`);
  let last: unknown;
  for (let i = 0; i < 50; i++) {
    try {
      const r = await fetch(url, { signal: AbortSignal.timeout(2000) });
      const text = await r.text();
      shell.show(`${r.status} ${r.statusText}\n${text}`);
      check(r.status === 200 && (path !== '/' || text.includes('Hostname:')), `${url} answers`);
      return;
    } catch (e) {
      if (e instanceof SlipwayError) throw e;
      last = e;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  throw new SlipwayError('unavailable', 'tour.no-answer', `${url} does not answer`, { cause: last });
}

async function refuses(shell: TourShell, port: number): Promise<void> {
  const url = `http://127.0.0.1:${port}/`;
  shell.show(`\nGET ${url}`);
  const failure = await fetch(url, { signal: AbortSignal.timeout(2000) }).then(
    (r) => `answered ${r.status}`,
    (e: unknown) => (e instanceof Error && e.cause instanceof Error ? e.cause.message : String(e)),
  );
  check(!failure.startsWith('answered'), 'nothing listens there');
  shell.show(`the request failed: ${failure}`);
}

/** The log of a container, once it says `expected`. */
async function logsOf(shell: TourShell, id: string, expected: string): Promise<string> {
  for (let i = 0; i < 50 && !(await shell.quietly(['logs', id])).all.includes(expected); i++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return (await shell.slipway(['logs', id], { watch: 'what the server says of itself.' })).all;
}

/** `wanted`, or another port when something has it already. */
async function freePort(wanted: number): Promise<number> {
  const attempt = (port: number): Promise<number | undefined> => {
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    const server = createServer().on('error', () => resolve(undefined));
    server.listen(port, () => {
      const a = server.address();
      server.close(() => resolve(typeof a === 'object' && a ? a.port : undefined));
    });
    return promise;
  };
  const port = (await attempt(wanted)) ?? (await attempt(0));
  check(port !== undefined, 'there is a free port');
  return port;
}
