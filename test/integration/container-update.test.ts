// `update` on containers that run and that wait, and what starts when the machine does; needs root.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Container, isAlive, type RestartPolicy, startByPolicies } from '../../src/container/index.ts';
import { serviceUnit } from '../../src/engine/index.ts';
import { findExecutable } from '../../src/sys/index.ts';
import { CommandLine } from '../support/command-line.ts';
import { type Fixture, fixture, request } from './container-fixture.ts';

let f: Fixture;
let line: CommandLine;
before(async () => {
  f = await fixture();
  line = new CommandLine({ env: { PATH: process.env['PATH'], SLIPWAY_ROOT: f.root, SLIPWAY_RUN: f.run }, cwd: f.folder });
});
after(() => f.dispose());

const FOREVER = ['sleep', '100000'];
const policy = (name: RestartPolicy['name']): RestartPolicy => ({ name, maximumRetries: 0 });
const now = (c: Container): Container => f.manager.records.resolve(c.id);

async function started(name: string, restart?: RestartPolicy): Promise<Container> {
  const c = await f.manager.create(request({ args: FOREVER, name, ...(restart && { restart }) }));
  await f.manager.start(c);
  return c;
}

async function refused(args: readonly string[], message: string): Promise<void> {
  const { status, stderr } = await line.run(['update', ...args]);
  assert.deepEqual([status, stderr.split('\n')[0]], [1, `error: ${message}`]);
}

test('limits change while it runs, and are what inspect says', async (t) => {
  if (!(await f.manager.runtime()).cgroups) return t.skip('no control groups here');
  const c = await started('limited');
  assert.equal(
    await line.ok('update', '-m', '64m', '--memory-swap', '128m', '--cpus', '0.5', '--pids-limit', '50', 'limited'),
    'limited\n',
  );
  assert.equal(await line.ok('update', '--cpuset-cpus', '0', '--memory-reservation', '32m', '-m', '128m', 'limited'), 'limited\n');
  const fields =
    '{{with .HostConfig}}{{.Memory}} {{.MemorySwap}} {{.MemoryReservation}} {{.NanoCpus}} {{.PidsLimit}} {{.CpusetCpus}}{{end}}';
  assert.equal(await line.ok('inspect', '-f', fields, 'limited'), `${128 << 20} ${128 << 20} ${32 << 20} 500000000 50 0\n`);
  assert.match(readFileSync(`/proc/${now(c).state.pid}/status`, 'utf8'), /^Cpus_allowed_list:\t0$/m);
  const group = (hierarchy: string, file: string): string => {
    const path = new RegExp(`^\\d+:${hierarchy}:(.*)$`, 'm').exec(readFileSync(`/proc/${now(c).state.pid}/cgroup`, 'utf8'))?.[1] ?? '';
    return readFileSync(join('/sys/fs/cgroup', hierarchy, path, file), 'latin1').trim();
  };
  const [memory, pids] = [
    ['memory', 'memory.limit_in_bytes'],
    ['pids', 'pids.max'],
  ] as const;
  const v1 = /^\d+:memory:/m.test(readFileSync('/proc/self/cgroup', 'latin1'));
  if (v1) assert.deepEqual([group(...memory), group(...pids)], [String(128 << 20), '50']);
  assert.equal(await line.ok('update', '--pids-limit', '-1', 'limited'), 'limited\n');
  if (v1) assert.equal(group(...pids), '4194304');
  await refused(
    ['-m', '256m', 'limited'],
    `Cannot update container ${c.id}: Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time`,
  );
  await refused(
    ['--cpu-quota', '20000', 'limited'],
    `Cannot update container ${c.id}: Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set`,
  );
  await refused(['-m', '1m', 'limited'], 'Minimum memory limit allowed is 6MB');
  await refused(['limited'], 'you must provide one or more flags when using this command');
  await refused(['--cpus', '1', 'missing'], 'No such container: missing');
  await f.manager.restart(now(c), { seconds: 0 });
  assert.match(readFileSync(`/proc/${now(c).state.pid}/status`, 'utf8'), /^Cpus_allowed_list:\t0$/m, 'it starts with them');
  await f.manager.remove(now(c), { force: true });
});

test('another restart policy, also for one that waits for its restart', async () => {
  const c = await started('policy', policy('always'));
  await line.ok('update', '--restart', 'on-failure:3', 'policy');
  assert.deepEqual(now(c).request.restart, { name: 'on-failure', maximumRetries: 3 });
  f.manager.records.update(c.id, (r) => void (r.state.restartDelay = 60_000));
  process.kill(now(c).state.pid, 'SIGKILL');
  while (now(c).state.status !== 'restarting') await sleep(5);
  await line.ok('update', '--restart', 'no', 'policy');
  assert.equal(now(c).state.status, 'exited');
  await f.manager.remove(now(c));
  const passing = await f.manager.create(request({ args: FOREVER, name: 'passing', autoRemove: true }), { startLater: true });
  await refused(
    ['--restart', 'always', 'passing'],
    `Cannot update container ${passing.id}: Restart policy cannot be updated because AutoRemove is enabled for the container`,
  );
  await f.manager.remove(passing);
});

test('what starts with the machine', async () => {
  const stoppedAlways = await started('stopped-always', policy('always'));
  const stopped = await started('stopped', policy('unless-stopped'));
  for (const c of [stoppedAlways, stopped]) await f.manager.stop(now(c), { seconds: 0 });
  const never = await f.manager.create(request({ args: FOREVER, name: 'never', restart: policy('always') }), { startLater: true });
  const ran = await started('ran', policy('unless-stopped'));
  const plain = await started('plain');
  for (const c of [ran, plain]) {
    const { monitor = '', pid } = now(c).state;
    for (const one of [Number.parseInt(monitor, 10), pid]) process.kill(one, 'SIGKILL');
    await f.manager.endings.gone(now(c), 60_000);
  }
  const { started: back, warnings } = await startByPolicies(f.manager);
  assert.deepEqual(warnings, []);
  assert.deepEqual(back.map((c) => c.name).sort(), ['ran', 'stopped-always']);
  assert.deepEqual(
    [ran, stoppedAlways, stopped, plain, never].map((c) => isAlive(now(c))),
    [true, true, false, false, false],
  );
  assert.deepEqual([now(plain).state.exitCode, now(never).state.status], [255, 'created']);
  for (const c of [ran, stoppedAlways, stopped, plain, never]) await f.manager.remove(now(c), { force: true });
});

test('the unit of systemd', async (t) => {
  const folder = join(f.folder, 'units');
  assert.equal(await line.ok('system', 'service', 'install', '--folder', folder), `${folder}/slipway.service\n`);
  const unit = readFileSync(join(folder, 'slipway.service'), 'utf8');
  assert.equal(unit, await line.ok('system', 'service', 'install', '--print'));
  assert.match(unit, /^ExecStart=\/\S+\/bin\/slipway system start$/m);
  assert.match(unit, new RegExp(`^Environment=SLIPWAY_ROOT=${f.root} SLIPWAY_RUN=${f.run}$`, 'm'));
  const odd = serviceUnit({ selfCommand: ['/opt/a $b/slipway'], root: '/100% "mine"', run: '/run/x', user: false });
  assert.match(odd, /^ExecStart="\/opt\/a \$\$b\/slipway" system start$/m);
  assert.match(odd, /^Environment="SLIPWAY_ROOT=\/100%% \\"mine\\"" SLIPWAY_RUN=\/run\/x$/m);
  const analyze = findExecutable('systemd-analyze');
  if (analyze === undefined) return t.skip('no systemd here');
  const verified = spawnSync(analyze, ['verify', join(folder, 'slipway.service')], { encoding: 'utf8' });
  assert.deepEqual([verified.status, verified.stderr], [0, '']);
});
