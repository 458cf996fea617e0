// Containers that go on by themselves, watched by conmon, and what is found after something was killed; needs root.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { type Container, type ContainerManager, type ContainerRequest, isAlive } from '../../src/container/index.ts';
import { type Fixture, fixture, request } from './container-fixture.ts';

let f: Fixture;
before(async () => {
  f = await fixture();
});
after(() => f.dispose());

const FOREVER = ['sh', '-c', 'echo up; while :; do sleep 0.05; done'];

async function start(o: Partial<ContainerRequest>, manager: ContainerManager = f.manager): Promise<Container> {
  const c = await manager.create(request(o));
  await manager.start(c);
  return manager.records.resolve(c.id);
}

async function text(c: Container, o: { tail?: number; since?: number } = {}): Promise<string> {
  let out = '';
  for await (const line of f.manager.logs(c, o)) out += line.data.toString();
  return out;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let i = 0; i < 6000; i++) {
    if (holds()) return;
    await sleep(10);
  }
  throw new Error(`not within a minute: ${what}`);
}

const state = (id: string): Container['state'] | undefined => f.manager.records.get(id)?.state;
const leftovers = (): string[] => [
  ...readdirSync(join(f.run, 'containers')),
  ...readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((l) => l.includes(f.folder)),
];

test('runs, tells, ends by itself, and is recorded by its monitor', async () => {
  const c = await start({ args: ['sh', '-c', 'echo one; echo two >&2; exit 6'] });
  assert.equal(await f.other().wait(c), 6);
  await f.manager.reconcile();
  const now = f.manager.records.resolve(c.id);
  assert.deepEqual([now.state.status, now.state.exitCode], ['exited', 6]);
  assert.ok(now.state.finishedAt! >= now.state.startedAt!);
  assert.equal((await text(c)).split('\n').sort().join(), ',one,two');
  assert.equal(await text(c, { tail: 0 }), '');
  assert.deepEqual(leftovers(), []);
  await f.manager.start(now);
  assert.equal(await f.manager.wait(now), 6);
  assert.equal((await text(c)).split('\n').length, 5);
  await f.manager.remove(f.manager.records.resolve(c.id));
  assert.ok(!existsSync(join(f.root, 'containers', c.id)));
});

/** Says that it is up, goes on until USR1, and then does `last`. */
const untilSignal = (last: string): readonly string[] => ['sh', '-c', `trap '${last}' USR1; echo up; while :; do sleep 0.05; done`];

const isUp = (c: Container): Promise<void> =>
  until('it is up', () => existsSync(f.manager.logPath(c)) && readFileSync(f.manager.logPath(c), 'utf8').includes('up'));

test('following a log ends with the container', async () => {
  const c = await start({ args: [...untilSignal('echo end; exit')] });
  let out = '';
  for await (const line of f.manager.logs(c, { follow: true })) {
    out += line.data.toString();
    if (out === 'up\n') await f.manager.kill(c, 'USR1');
  }
  assert.equal(out, 'up\nend\n');
  await f.manager.remove(c, { force: true });
});

test('stop, start again, restart, remove by force', async () => {
  const c = await start({ args: ['sh', '-c', 'trap "exit 5" TERM; echo up; while :; do sleep 0.05; done'], name: 'again' });
  await f.manager.start(c); // runs already
  await isUp(c);
  await f.other().stop(f.manager.records.resolve('again'));
  assert.deepEqual([state(c.id)?.status, state(c.id)?.exitCode], ['exited', 5]);
  await f.manager.start(f.manager.records.resolve('again'));
  await f.manager.restart(f.manager.records.resolve('again'), { seconds: 0 });
  assert.equal(state(c.id)?.status, 'running');
  await f.other().remove(f.manager.records.resolve('again'), { force: true });
  assert.equal(state(c.id), undefined);
  assert.deepEqual(leftovers(), []);
});

test('a program that cannot be run', async () => {
  await assert.rejects(start({ args: ['missing'], name: 'cannot' }), { exitCode: 127 });
  assert.deepEqual(
    [state(f.manager.records.resolve('cannot').id)?.status, state(f.manager.records.resolve('cannot').id)?.exitCode],
    ['created', 127],
  );
  await f.manager.remove(f.manager.records.resolve('cannot'));
  await assert.rejects(start({ args: ['missing'], autoRemove: true }), { exitCode: 127 });
  assert.deepEqual(f.manager.records.all(), []);
  assert.deepEqual(leftovers(), []);
});

test('--rm goes when it has ended', async () => {
  const c = await start({ args: [...untilSignal('exit 3')], autoRemove: true });
  await isUp(c);
  const ended = f.other().wait(c);
  await f.manager.kill(c, 'USR1');
  assert.equal(await ended, 3);
  await until('it is gone', () => state(c.id) === undefined);
  await until('its folders are gone', () => leftovers().length === 0);
});

test('the container is killed', async () => {
  const c = await start({ args: FOREVER });
  process.kill(c.state.pid, 'SIGKILL');
  assert.equal(await f.manager.wait(c), 137);
  await f.manager.remove(f.manager.records.resolve(c.id));
});

test('the monitor is killed, then the container: the next command finds out', async () => {
  const c = await start({ args: FOREVER });
  process.kill(Number(c.state.monitor!.split(':')[0]), 'SIGKILL');
  await f.manager.reconcile();
  assert.ok(isAlive(f.manager.records.resolve(c.id)));
  process.kill(c.state.pid, 'SIGKILL');
  await f.other().endings.gone(c, 5000);
  await f.other().reconcile();
  assert.deepEqual([state(c.id)?.status, state(c.id)?.exitCode], ['exited', 255]);
  assert.deepEqual(leftovers(), []);
  await f.manager.remove(f.manager.records.resolve(c.id));
});

test('the machine went down: nothing of what ran is there', async () => {
  const c = await start({ args: FOREVER });
  const removed = await start({ args: FOREVER, autoRemove: true });
  const monitors = [c, removed].map((x) => Number(x.state.monitor!.split(':')[0]));
  for (const pid of [...monitors, c.state.pid, removed.state.pid]) process.kill(pid, 'SIGKILL');
  await f.manager.endings.gone(c, 5000);
  await f.manager.endings.gone(removed, 5000);
  for (const x of [c, removed])
    f.manager.records.update(x.id, (r) => void (r.state.process = r.state.process!.replace(/:[^:]+:/, ':another-boot:')));
  await f.manager.reconcile();
  assert.equal(state(c.id)?.status, 'exited');
  assert.equal(state(removed.id), undefined);
  await f.manager.remove(f.manager.records.resolve(c.id));
  assert.deepEqual(leftovers(), []);
});
