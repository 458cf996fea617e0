// `run -it` and `exec -it` under a real pseudo-terminal.
import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { removeTree } from '../../src/sys/index.ts';
import { commandLines } from '../support/processes.ts';
import { startRegistry } from '../support/registry.ts';
import { onTerminal } from '../support/terminal.ts';

const folder = mkdtempSync('/dev/shm/slipway-terminal-');
const bin = fileURLToPath(new URL('../../bin/slipway', import.meta.url));
const env: NodeJS.ProcessEnv = {
  ...process.env,
  SLIPWAY_ROOT: join(folder, 'root'),
  SLIPWAY_RUN: join(folder, 'run'),
  SLIPWAY_SOURCES: process.env['SLIPWAY_SOURCES'] ?? '1',
};
const slipway = (...args: string[]) => spawnSync(bin, args, { env, encoding: 'utf8' });
/** On a terminal, with `input` typed into it. */
const typed = (command: string, input = '') => spawnSync(...onTerminal(`${bin} ${command}`), { env, encoding: 'utf8', input });

before(() => assert.equal(slipway('bootstrap', 'busybox').status, 0));
after(() => removeTree(folder));

test('run -it: the container has a terminal, and its exit code is ours', () => {
  const { stdout, status } = typed(`run --rm -it --network none busybox sh -c 'tty; test -t 0 && test -t 1 && exit 7'`);
  assert.match(stdout, /\/dev\/(?:pts\/\d+|console)/);
  assert.equal(status, 7);
});

test('run -it: what is typed reaches the program', () => {
  const { stdout, status } = typed(`run --rm -it --network none busybox sh -c 'read line; echo "got <$line>"'`, 'hello\n');
  assert.match(stdout, /got <hello>/);
  assert.equal(status, 0);
});

test('exec -it: another terminal in a running container', () => {
  assert.equal(slipway('run', '-d', '--name', 'held', '--network', 'none', 'busybox', 'sleep', '1000').status, 0);
  const { stdout, status } = typed(`exec -it held sh -c 'test -t 0 && echo terminal; exit 3'`);
  assert.match(stdout, /terminal/);
  assert.equal(status, 3);
  assert.equal(slipway('rm', '-f', 'held').status, 0);
});

test('-t where standard input is no terminal is refused', () => {
  const { status, stderr } = spawnSync(bin, ['run', '--rm', '-it', 'busybox', 'true'], { env, encoding: 'utf8', input: '' });
  assert.notEqual(status, 0);
  assert.match(stderr, /not a (?:TTY|terminal)/i);
});

/** Does something, by default types Ctrl-C, as soon as `ready` is on the terminal; what the program printed and its exit code. */
async function interrupted(
  command: string,
  ready: RegExp,
  act = (child: ChildProcessWithoutNullStreams): unknown => child.stdin.write('\x03'),
  more: NodeJS.ProcessEnv = {},
): Promise<{ output: string; exitCode: number | null }> {
  const child = spawn(...onTerminal(`${bin} ${command}`), { env: { ...env, ...more } });
  let output = '';
  let typed = false;
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (typed || !ready.test(output)) return;
    typed = true;
    act(child);
  });
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { output, exitCode };
}

/** Known among all processes of the machine. */
const SLEEP = `sleep 4321${process.pid}`;

/** Processes and mounts that have something of this test's folder. */
function leftovers(): string[] {
  const programs = commandLines().filter((line) => line.includes(folder) || line.includes(SLEEP));
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(folder));
  return [...programs, ...mounts];
}

/** What is left once the guard, a shell that outlives the program to end what a killed one left running, has had its time. */
async function leftAtLast(): Promise<string[]> {
  for (const until = Date.now() + 60_000; leftovers().length > 0 && Date.now() < until;) await sleep(20);
  return leftovers();
}

for (const engine of ['0', '1']) {
  test(`Ctrl-C ends a build and leaves nothing running or mounted (DOCKER_BUILDKIT=${engine})`, async () => {
    const context = join(folder, `context${engine}`);
    mkdirSync(context);
    writeFileSync(join(context, 'Dockerfile'), `FROM busybox\nRUN echo now-it-runs; ${SLEEP}\n`);
    env.DOCKER_BUILDKIT = engine;
    const { output, exitCode } = await interrupted(`build --network none --progress plain ${context}`, /^.*(?:\d |\r?\n)now-it-runs/m);
    assert.equal(exitCode, 130, output);
    assert.deepEqual(await leftAtLast(), []);
    assert.equal(slipway('ps', '-aq').stdout, '');
  });
}

test('Ctrl-C reaches the program of a container in the foreground', async () => {
  const { output, exitCode } = await interrupted(
    `run --rm --network none busybox sh -c 'trap "exit 9" INT; echo now-it-runs; ${SLEEP} & wait'`,
    /now-it-runs/,
  );
  assert.equal(exitCode, 9, output);
  assert.deepEqual(await leftAtLast(), []);
  assert.equal(slipway('ps', '-aq').stdout, '');
});

/** Whether somebody holds the terminal of a program of this test that was left. */
const held = (): boolean =>
  readdirSync('/proc').some((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`SLIPWAY_TERMINAL=${folder}`);
    } catch {
      return false; // it has just ended
    }
  });

const TICKS = `sh -c 'while :; do echo tick; sleep 0.05; done'`;

test('--detach-keys of run, attach and start leave the container running; attach says so', async () => {
  const keys = (text: string) => (child: ChildProcessWithoutNullStreams) => child.stdin.write(text);
  const run = await interrupted(`run -it --detach-keys ctrl-e,e --name ticking --network none busybox ${TICKS}`, /tick/, keys('\x05e'));
  assert.equal(run.exitCode, 0, run.output);
  assert.doesNotMatch(run.output, /escape/);
  const attached = await interrupted('attach ticking', /tick/, keys('\x10\x11'));
  assert.equal(attached.exitCode, 1);
  assert.match(attached.output, /read escape sequence\r\n$/);
  const config = { DOCKER_CONFIG: join(folder, 'docker') };
  mkdirSync(config.DOCKER_CONFIG);
  writeFileSync(join(config.DOCKER_CONFIG, 'config.json'), '{"detachKeys":"q"}');
  const started = await interrupted('start -ai ticking', /tick/, keys('q'), config);
  assert.equal(started.exitCode, 0, started.output);
  const actions = slipway('events', '--since', '1', '--until', '0s', '-f', 'container=ticking', '--format', '{{.Action}}').stdout;
  assert.equal(actions, 'create\nattach\nstart\ndetach\nattach\ndetach\nattach\ndetach\n'); // and no end
  assert.equal(slipway('rm', '-f', 'ticking').status, 0);
});

test('the program of an exec that was left keeps its terminal, goes on, and ends with its container', async () => {
  assert.equal(slipway('run', '-d', '--name', 'host', '--network', 'none', 'busybox', 'sleep', '1000').status, 0);
  const program = `sh -c 'echo up; until [ -e /tmp/go ]; do sleep 0.05; done; yes | head -c 200000; test -t 1 && touch /tmp/over; ${SLEEP}'`;
  const { exitCode, output } = await interrupted(`exec -it --detach-keys a,b host ${program}`, /up/, (child) => child.stdin.write('ab'));
  assert.equal(exitCode, 1);
  assert.match(output, /read escape sequence\r\n$/);
  assert.equal(held(), true);
  const actions = slipway(
    'events',
    '--since',
    '1',
    '--until',
    '0s',
    '-f',
    'event=exec_detach',
    '--format',
    '{{.Actor.Attributes.name}}',
  ).stdout;
  assert.equal(actions, 'host\n');
  // what it writes then is more than a terminal holds: somebody reads it
  assert.equal(slipway('exec', 'host', 'sh', '-c', 'touch /tmp/go; until [ -e /tmp/over ]; do sleep 0.05; done').status, 0);
  assert.equal(slipway('rm', '-f', 'host').status, 0);
  while (held()) await sleep(20);
  assert.deepEqual(await leftAtLast(), []);
});

const leaving = {
  'Ctrl-P Ctrl-Q': (child: ChildProcessWithoutNullStreams) => child.stdin.write('\x10\x11'),
  'a terminal that closes': (child: ChildProcessWithoutNullStreams) => child.kill('SIGKILL'),
};
for (const [what, act] of Object.entries(leaving)) {
  test(`${what} leaves the container of run -it running`, async () => {
    const { exitCode } = await interrupted(`run -it --name left --network none busybox sh -c 'echo up; exec cat'`, /up/, act);
    if (what !== 'a terminal that closes') assert.equal(exitCode, 0);
    assert.equal(slipway('inspect', '-f', '{{.State.Running}}', 'left').stdout, 'true\n');
    assert.equal(slipway('rm', '-f', 'left').status, 0);
  });
}

test('a pull and a push on a terminal: a row for each layer, drawn in place; NO_COLOR and pipes get none of it', async () => {
  const registry = await startRegistry({ folder: join(folder, 'registry') });
  try {
    const name = `${registry.host}/app:1`;
    slipway('tag', 'busybox', name);
    const pushed = typed(`push ${name}`).stdout;
    assert.match(pushed, /[0-9a-f]{12}: Pushed/);
    assert.match(pushed, /\u001b\[1A/, 'the row is drawn again in its place');
    slipway('rmi', name, 'busybox');
    slipway('builder', 'prune', '-af');
    const pulled = typed(`pull ${name}`).stdout;
    assert.match(pulled, /\u001b\[1A[0-9a-f]{12}: Pull complete/);
    assert.doesNotMatch(slipway('pull', name).stdout, /\u001b/);
  } finally {
    await registry.stop();
  }
});
