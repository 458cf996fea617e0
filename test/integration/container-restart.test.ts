// Restart policies on real containers: the monitor's own restarts, the supervisor, and what becomes of both when they are killed; needs root.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Container, execIn, isAlive, pause, type RestartPolicy, statusText } from '../../src/container/index.ts';
import { processAlive } from '../../src/sys/index.ts';
import { processesOf } from '../support/processes.ts';
import { type Fixture, fixture, request } from './container-fixture.ts';

let f: Fixture;
before(async () => {
  f = await fixture();
});
after(() => f.dispose());

const always: RestartPolicy = { name: 'always', maximumRetries: 0 };
const FOREVER = ['sh', '-c', 'echo up; while :; do sleep 0.05; done'];

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let i = 0; i < 3000; i++) {
    if (holds()) return;
    await sleep(10);
  }
  throw new Error(`not within 30 s: ${what}; ${JSON.stringify(f.manager.records.all().map((c) => c.state))}`);
}

const state = (c: Container): Container['state'] => f.manager.records.resolve(c.id).state;
const runs = (c: Container): boolean =>
  isAlive(f.manager.records.resolve(c.id)) && state(c).startedAt !== undefined && state(c).gated !== true;

async function text(c: Container): Promise<string> {
  let out = '';
  for await (const line of f.manager.logs(c)) out += line.data.toString();
  return out;
}

async function started(args: readonly string[], restart: RestartPolicy): Promise<Container> {
  const c = await f.manager.create(request({ args, restart }));
  await f.manager.start(c);
  return c;
}

/** By pid: the one of this store, and not those that start one container for it. */
const supervisors = (): number[] =>
  processesOf(f.run).flatMap((line) => (line.endsWith(' container supervise ') ? [Number.parseInt(line, 10)] : []));
const nobodySupervises = (): Promise<void> => until('no supervisor is left', () => supervisors().length === 0);

/** As if it had been restarted often already: its next restart is an hour away, and needs the supervisor. */
async function waiting(): Promise<Container> {
  const c = await started(FOREVER, always);
  f.manager.records.update(c.id, (r) => void (r.state.restartDelay = 60_000));
  process.kill(state(c).pid, 'SIGKILL');
  await until('it restarts', () => state(c).status === 'restarting');
  f.manager.records.update(c.id, (r) => void (r.state.restartAt = Date.now() + 3_600_000));
  return c;
}

async function removed(c: Container): Promise<void> {
  await f.manager.remove(f.manager.records.resolve(c.id), { force: true });
  await until('nothing of it is left', () => !readdirSync(join(f.run, 'containers')).includes(c.id));
  await nobodySupervises();
}

test('on-failure: as often as it says, and its log goes on', async () => {
  const c = await started(['sh', '-c', 'echo line; exit 3'], { name: 'on-failure', maximumRetries: 2 });
  await until('it rests', () => state(c).status === 'exited');
  assert.deepEqual([state(c).exitCode, state(c).restarts], [3, 2]);
  assert.equal(await text(c), 'line\nline\nline\n');
  await f.manager.start(f.manager.records.resolve(c.id));
  assert.ok((state(c).restarts ?? 0) <= 2);
  await until('it rests again', () => state(c).status === 'exited');
  assert.equal(await text(c), 'line\n'.repeat(6));
  await removed(c);
});

test('on-failure leaves one alone that succeeds; so does a command that stopped it', async () => {
  const succeeded = await started(['true'], { name: 'on-failure', maximumRetries: 0 });
  assert.equal(await f.manager.wait(succeeded), 0);
  await until('it rests', () => state(succeeded).status === 'exited');
  for (const [how, expected] of [
    [(c: Container) => f.manager.stop(c, { seconds: 0 }), 137],
    [(c: Container) => f.manager.kill(c, 'KILL'), 137],
    [(c: Container) => f.manager.kill(c, 'USR1'), 5],
  ] as const) {
    const c = await started(['sh', '-c', 'trap "exit 5" USR1; echo up; while :; do sleep 0.05; done'], always);
    await until('it is up', () => readFileSync(f.manager.logPath(c), 'utf8').includes('up'));
    await how(f.manager.records.resolve(c.id));
    await until('it rests', () => state(c).status === 'exited');
    assert.deepEqual([state(c).exitCode, state(c).restarts], [expected, undefined]);
    await removed(c);
  }
  await removed(succeeded);
});

test('always: killed from outside it comes back; stopped and started again, too', async () => {
  const c = await started(FOREVER, always);
  const first = state(c).pid;
  const waited = f.manager.wait(f.manager.records.resolve(c.id));
  process.kill(first, 'SIGKILL');
  assert.equal(await waited, 137);
  await until('it is back', () => runs(c) && state(c).pid !== first);
  assert.equal(state(c).restarts, 1);
  await f.manager.stop(f.manager.records.resolve(c.id), { seconds: 0 });
  assert.equal(state(c).status, 'exited');
  await f.manager.start(f.manager.records.resolve(c.id));
  assert.equal(state(c).restarts, undefined);
  process.kill(state(c).pid, 'SIGKILL');
  await until('it is back', () => runs(c) && state(c).restarts === 1);
  await removed(c);
});

test('a container that waits for its restart: what can be done with it', async () => {
  const c = await waiting();
  const now = (): Container => f.manager.records.resolve(c.id);
  assert.match(statusText(now(), Date.now()), /^Restarting \(137\) .* ago$/);
  const restarting = { code: 'container.restarting', message: /is restarting, wait until the container is running/ };
  const streams = { stdout: () => {}, stderr: () => {} };
  await assert.rejects(
    execIn(f.manager, c, { args: ['true'], env: [], tty: false, detach: false, privileged: false, ...streams }),
    restarting,
  );
  await assert.rejects(pause(f.manager, c), restarting);
  await assert.rejects(f.manager.remove(now()), /container is restarting: stop the container before removing or force remove/);
  await f.manager.start(now()); // is on its way already
  assert.equal(now().state.status, 'restarting');
  await f.manager.kill(now());
  assert.deepEqual([now().state.status, now().state.exitCode], ['exited', 137]);
  await nobodySupervises();
  await removed(c);

  const stopped = await waiting();
  await f.manager.stop(f.manager.records.resolve(stopped.id));
  assert.equal(state(stopped).status, 'exited');
  await removed(stopped);
  const gone = await waiting();
  await removed(gone);
});

test('one supervisor for a store; killed, it is started again by the next command, and the restart is not lost', async () => {
  const [a, b] = [await waiting(), await waiting()];
  await until('one supervisor is there', () => supervisors().length === 1);
  await Promise.all([f.manager.reconcile(), f.other().reconcile()]);
  await until('one supervisor is there', () => supervisors().length === 1);
  const identity = readFileSync(join(f.run, 'supervisor.lock'), 'utf8');
  process.kill(supervisors()[0]!, 'SIGKILL');
  await until('it is gone', () => !processAlive(identity));
  for (const c of [a, b]) f.manager.records.update(c.id, (r) => void (r.state.restartAt = 0));
  await Promise.all([f.manager.reconcile(), f.other().reconcile()]);
  await until('both are back', () => runs(a) && runs(b));
  await removed(a);
  await removed(b);
});

test('the machine went down: the next command has it back', async () => {
  const c = await started(FOREVER, { name: 'on-failure', maximumRetries: 0 });
  for (const pid of [Number.parseInt(state(c).monitor ?? '', 10), state(c).pid]) process.kill(pid, 'SIGKILL');
  await f.manager.endings.gone(c, 60_000);
  f.manager.records.update(c.id, (r) => void (r.state.process = r.state.process!.replace(/:[^:]+:/, ':another-boot:')));
  await f.manager.reconcile();
  await until('it is back', () => runs(c));
  assert.deepEqual([state(c).restarts, state(c).exitCode], [1, 0]);
  await removed(c);
});

for (const point of ['start-claimed', 'process-created', 'started'] as const)
  test(`the process that restarts a container is killed at container.${point}`, async () => {
    const c = await waiting();
    const script = `
      const { openManager } = await import(${JSON.stringify(new URL('container-fixture.ts', import.meta.url).href)});
      const { armCrashPoint } = await import(${JSON.stringify(new URL('../../src/util/index.ts', import.meta.url).href)});
      armCrashPoint('container.${point}');
      await openManager(process.argv[1], process.argv[2]).restartByPolicy(process.argv[3]);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, f.root, f.run, c.id], { stdio: 'ignore' });
    assert.equal(await new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal))), 'SIGKILL');
    await f.manager.reconcile();
    // one that waits again does so for a minute
    f.manager.records.update(c.id, (r) => void (r.state.restartAt &&= 0));
    await f.manager.reconcile();
    await until('it is back', () => runs(c));
    await removed(c);
  });

test('a restart that cannot be is the last one, and says why', async () => {
  const c = await waiting();
  f.manager.records.update(c.id, (r) => {
    r.state.restartAt = 0;
    Object.assign(r, { process: { ...r.process, cmd: ['missing'] } });
  });
  await f.manager.reconcile();
  await until('it rests', () => state(c).status === 'exited');
  assert.equal(state(c).exitCode, 127);
  assert.match(state(c).error, /missing/);
  await removed(c);
});
