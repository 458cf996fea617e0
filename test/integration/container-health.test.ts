// Health checks on real containers: what they find, what they may take, and what becomes of them when their supervisor is killed; needs root.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Container, type ContainerRequest, filterContainers, pause, statusText, unpause } from '../../src/container/index.ts';
import { processAlive } from '../../src/sys/index.ts';
import { processesOf } from '../support/processes.ts';
import { addImage, type Fixture, fixture, request } from './container-fixture.ts';

let f: Fixture;
before(async () => {
  f = await fixture();
});
after(() => f.dispose());

/** ns */
const SOON = 50e6;
const FOREVER = ['sleep', '100000'];

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let i = 0; i < 3000; i++) {
    if (holds()) return;
    await sleep(10);
  }
  throw new Error(`not within 30 s: ${what}; ${JSON.stringify(f.manager.records.all().map((c) => c.state))}`);
}

async function started(health: NonNullable<ContainerRequest['health']>, o: Partial<ContainerRequest> = {}): Promise<Container> {
  const c = await f.manager.create(request({ args: FOREVER, health: { Interval: SOON, Retries: 2, ...health }, ...o }));
  await f.manager.start(c);
  return c;
}

const now = (c: Container): Container => f.manager.records.resolve(c.id);
const is = (c: Container, status: string): Promise<void> => until(`it is ${status}`, () => now(c).state.health?.status === status);
const supervisors = (): string[] => processesOf(f.run).filter((line) => line.endsWith(' container supervise '));

async function removed(c: Container): Promise<void> {
  await f.manager.remove(now(c), { force: true });
  await until('no supervisor is left', () => supervisors().length === 0);
}

test('it starts, gets well and ill, and is asked for by its health', async () => {
  const folder = join(f.folder, 'seen');
  const c = await started(
    { Test: ['CMD-SHELL', 'cat /seen/ok && echo bad >&2'] },
    { volumes: [{ source: folder, destination: '/seen', readonly: false }] },
  );
  assert.match(statusText(now(c), Date.now()), /\((health: starting|unhealthy)\)$/);
  await is(c, 'unhealthy');
  assert.match(statusText(now(c), Date.now()), /^Up .* \(unhealthy\)$/);
  const failed = now(c).state.health!.log.at(-1)!;
  assert.equal(failed.exitCode, 1);
  assert.match(failed.output, /can't open '\/seen\/ok'/);
  writeFileSync(join(folder, 'ok'), 'fine\n');
  await is(c, 'healthy');
  assert.deepEqual([now(c).state.health!.failingStreak, now(c).state.health!.log.at(-1)!.output], [0, 'fine\nbad\n']);
  const found = (health: string): number => filterContainers(f.manager.records.all(), [`health=${health}`]).length;
  assert.deepEqual(['healthy', 'unhealthy', 'none'].map(found), [1, 0, 0]);
  await until('five are kept', () => now(c).state.health!.log.length === 5);

  await pause(f.manager, c);
  assert.match(statusText(now(c), Date.now()), /\(Paused\)$/);
  await unpause(f.manager, c);
  const before = now(c).state.health!.log.at(-1)!.end;
  await until('it is checked again', () => now(c).state.health!.log.at(-1)!.end > before);
  await f.manager.stop(now(c), { seconds: 0 });
  assert.equal(now(c).state.health?.status, 'healthy');
  await until('no supervisor is left', () => supervisors().length === 0);
  await removed(c);
});

test('as whom and where it runs; a program that is missing; one that says too much', async () => {
  addImage(f.manager, 'shell', { Cmd: FOREVER, Shell: ['/bin/sh', '-ec'] }, () => {});
  const c = await started(
    { Test: ['CMD-SHELL', 'false; id -u; pwd; echo $FROM $HOME'] },
    { image: 'shell', user: 'user', workdir: '/tmp', env: ['FROM=request', 'PATH=/bin'] },
  );
  await is(c, 'unhealthy');
  assert.equal(now(c).state.health!.log.at(-1)!.output, '', 'the shell of the image stops at the first failure');
  const d = await started(
    { Test: ['CMD-SHELL', 'id -u; pwd; echo $FROM $HOME'] },
    { image: 'shell', user: 'user', workdir: '/tmp', env: ['FROM=request', 'PATH=/bin'] },
  );
  await is(d, 'healthy');
  assert.equal(now(d).state.health!.log.at(-1)!.output, '1000\n/tmp\nrequest /home/user\n');
  const missing = await started({ Test: ['CMD', 'missing'] });
  await is(missing, 'unhealthy');
  assert.equal(now(missing).state.health!.log.at(-1)!.exitCode, -1);
  assert.match(now(missing).state.health!.log.at(-1)!.output, /"missing".*not found/);
  const much = await started({ Test: ['CMD-SHELL', 'yes | head -c 100000'] });
  await is(much, 'healthy');
  assert.equal(now(much).state.health!.log.at(-1)!.output, `${'y\n'.repeat(2048)}...`);
  assert.equal(supervisors().length, 1, 'one for all');
  for (const one of [c, d, missing]) await f.manager.remove(now(one), { force: true });
  await removed(much);
});

test('what takes too long is killed, with all that it started', async () => {
  const c = await started({ Test: ['CMD-SHELL', 'echo begun; sleep 5000 & sleep 5000'], Timeout: 2e8 });
  await is(c, 'unhealthy');
  await until('there were more', () => now(c).state.health!.failingStreak > 3);
  assert.deepEqual(
    [now(c).state.health!.log[0]!.exitCode, now(c).state.health!.log[0]!.output],
    [-1, 'Health check exceeded timeout (200ms): begun\n'],
  );
  const inside = (await f.manager.runtime()).processes(c.id);
  // its own, and those of one check
  assert.ok(inside === undefined || inside.length <= 5, (inside ?? []).join());
  await removed(c);
});

test('the supervisor is killed while a check runs: the next command ends that one, and checks go on', async () => {
  const c = await started({ Test: ['CMD-SHELL', 'sleep 5000; true'], Timeout: 3600e9 });
  const inside = async (): Promise<number[]> =>
    (await f.manager.runtime()).processes(c.id)?.filter((pid) => pid !== now(c).state.pid) ?? [];
  const programs = (pids: readonly number[]): number => pids.filter((pid) => read(pid, 'cmdline').includes('sleep\x005000')).length;
  const begun = async (): Promise<number[]> => {
    for (let i = 0; i < 3000; i++, await sleep(10)) if (programs(await inside()) > 0) return inside();
    throw new Error('no check began within 30 s');
  };
  const first = await begun();
  const identity = readFileSync(join(f.run, 'supervisor.lock'), 'utf8');
  process.kill(Number.parseInt(identity, 10), 'SIGKILL');
  await until('the supervisor is gone', () => !processAlive(identity));
  await f.other().reconcile();
  await until('the check is gone', () => first.every((pid) => read(pid, 'cmdline') === ''));
  assert.notDeepEqual(await begun(), first);
  await removed(c);
});

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
