// Containers in the foreground, with real parts and without a network; needs root.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isAlive } from '../../src/container/index.ts';
import { groupPrefix } from '../../src/runtime/control-groups.ts';
import { type Fixture, fixture, request, runIn, sh } from './container-fixture.ts';

let f: Fixture;
before(async () => {
  f = await fixture();
});
after(() => f.dispose());

const leftovers = (): string[] => [
  ...readdirSync(join(f.run, 'containers')),
  ...readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((l) => l.includes(f.folder)),
];

test('output, exit code and what is recorded', async () => {
  const r = await runIn(f.manager, { args: ['sh', '-c', 'echo out; echo err >&2; exit 7'] });
  assert.deepEqual([r.exitCode, r.stdout, r.stderr], [7, 'out\n', 'err\n']);
  const c = f.manager.records.resolve(r.container.id.slice(0, 12));
  assert.deepEqual([c.state.status, c.state.exitCode, c.state.pid], ['exited', 7, 0]);
  const lines: string[] = [];
  for await (const l of f.manager.logs(c)) lines.push(`${l.stream}: ${l.data}`);
  assert.deepEqual(lines.sort(), ['stderr: err\n', 'stdout: out\n']);
  assert.deepEqual(leftovers(), []);
});

test("the image's settings, and what replaces them", async () => {
  assert.equal((await runIn(f.manager, { autoRemove: true })).stdout, 'hello\n');
  assert.equal(
    await sh(f.manager, 'echo $FROM_IMAGE $MINE $HOME $HOSTNAME; pwd; id -u', { env: ['MINE=1'], hostname: 'named' }),
    'yes 1 /root named\n/work\n0\n',
  );
  assert.equal(
    await sh(f.manager, 'id -u; id -G; echo $HOME; pwd', { user: 'user', workdir: '/made/up' }),
    '1000\n1000 2000\n/home/user\n/made/up\n',
  );
  assert.equal((await runIn(f.manager, { entrypoint: ['echo', 'entry'], args: ['arg'], autoRemove: true })).stdout, 'entry arg\n');
});

test('--rm leaves nothing', async () => {
  const before = f.manager.records.all().length;
  const r = await runIn(f.manager, { args: ['touch', '/file'], autoRemove: true });
  assert.equal(r.exitCode, 0);
  assert.equal(f.manager.records.all().length, before);
  assert.ok(!existsSync(join(f.root, 'snapshots', String(r.container.snapshotId))));
  assert.ok(!existsSync(join(f.root, 'containers', r.container.id)));
  assert.deepEqual(leftovers(), []);
  // below the mount that is hidden from crun, where control groups of two kinds are mounted
  const hidden = spawnSync('unshare', ['-m', 'sh', '-c', 'umount -l /sys/fs/cgroup/unified; ls /sys/fs/cgroup/unified'], {
    encoding: 'utf8',
  });
  assert.ok(!hidden.stdout.includes(groupPrefix(join(f.run, 'runtime'))), hidden.stdout);
});

for (const [args, exitCode, code] of [
  [['no-such-program'], 127, 'container.command-not-found'],
  [['/no/such/program'], 127, 'container.command-not-found'],
  [['/not-executable'], 126, 'container.command-not-executable'],
  [['/etc'], 126, 'container.command-not-executable'],
] as const) {
  test(`${args[0]} cannot be run: ${exitCode}`, async () => {
    await assert.rejects(runIn(f.manager, { args, name: 'failing' }), { kind: 'process-failed', code, exitCode });
    const c = f.manager.records.resolve('failing');
    assert.deepEqual([c.state.status, c.state.exitCode], ['created', exitCode]);
    assert.notEqual(c.state.error, '');
    await f.manager.remove(c);
    await assert.rejects(runIn(f.manager, { args, autoRemove: true }), { exitCode });
    assert.deepEqual(leftovers(), []);
  });
}

test('a request that makes no sense is refused and leaves nothing', async () => {
  const before = f.manager.records.all().length;
  await assert.rejects(f.manager.create(request({ image: 'missing' })), { code: 'image.not-found' });
  await assert.rejects(f.manager.create(request({ name: '-' })), { code: 'container.invalid-name' });
  await assert.rejects(f.manager.create(request({ entrypoint: [] })), { code: 'container.no-command' });
  await assert.rejects(f.manager.create(request({ volumes: [{ source: 'b/d', destination: '/x', readonly: false }] })), {
    code: 'volume.invalid-name',
  });
  await f.manager.create(request({ name: 'taken' }), { startLater: true });
  const snapshots = readdirSync(join(f.root, 'snapshots')).length;
  await assert.rejects(f.manager.create(request({ name: 'taken' })), {
    code: 'container.name-taken',
    message: /^Conflict\. The container name "\/taken" is already in use by container "[0-9a-f]{64}"/,
  });
  assert.equal(readdirSync(join(f.root, 'snapshots')).length, snapshots);
  await assert.rejects(runIn(f.manager, { workdir: '/etc/passwd', autoRemove: true }), { code: 'container.workdir-no-directory' });
  await f.manager.remove(f.manager.records.resolve('taken'));
  assert.equal(f.manager.records.all().length, before);
  assert.deepEqual(leftovers(), []);
});

test('the files that tell a container its name', async () => {
  assert.equal(await sh(f.manager, 'cat /etc/hostname; hostname', { hostname: 'me' }), 'me\nme\n');
  assert.match(
    await sh(f.manager, 'cat /etc/hosts', { addHosts: ['other:10.9.8.7'] }),
    /^127\.0\.0\.1\s+localhost[\s\S]*10\.9\.8\.7\s+other/,
  );
  assert.match(await sh(f.manager, 'cat /etc/resolv.conf', { dns: ['10.1.1.1'], dnsSearch: ['example.org'] }), /nameserver 10\.1\.1\.1/);
  const c = await f.manager.create(request({ args: ['true'] }));
  await f.manager.runForeground(c, { stdout: () => {}, stderr: () => {} });
  assert.deepEqual(
    f.manager.withFiles(c, (rootfs) =>
      readdirSync(join(rootfs, 'etc'))
        .filter((n) => statSync(join(rootfs, 'etc', n)).size > 0)
        .sort(),
    ),
    ['group', 'passwd'],
  );
});

test('volumes: bound, named, anonymous, of the image', async () => {
  const host = join(f.folder, 'host');
  mkdirSync(host);
  writeFileSync(join(host, 'a'), 'a\n');
  const bind = (readonly: boolean) => ({ volumes: [{ source: host, destination: '/host', readonly }] });
  assert.equal(await sh(f.manager, 'cat /host/a; echo b > /host/b', bind(false)), 'a\n');
  assert.equal(readFileSync(join(host, 'b'), 'utf8'), 'b\n');
  await assert.rejects(sh(f.manager, 'echo c > /host/c', bind(true)), /Read-only/);
  await sh(f.manager, 'true', { volumes: [{ source: join(f.folder, 'made/up'), destination: '/x', readonly: false }] });
  assert.ok(existsSync(join(f.folder, 'made/up')));

  const named = { volumes: [{ source: 'data', destination: '/seeded', readonly: false }] };
  assert.equal(
    await sh(f.manager, 'cat /seeded/inner/file; stat -c "%a %u %g" /seeded; echo new > /seeded/inner/file', named),
    'from the image\n750 1000 2000\n',
  );
  assert.equal(await sh(f.manager, 'cat /seeded/inner/file', named), 'new\n');
  assert.equal(
    await sh(f.manager, 'ls /seeded', { volumes: [{ source: 'bare', destination: '/seeded', readonly: false, noCopy: true }] }),
    '',
  );
  const before = f.manager.volumes.list();
  assert.deepEqual(
    before.filter((v) => !v.anonymous).map((v) => v.name),
    ['bare', 'data'],
  );

  const c = await f.manager.create(
    request({
      volumes: [
        { destination: '/anonymous', readonly: false },
        { source: 'data', destination: '/d', readonly: false },
      ],
    }),
    { startLater: true },
  );
  assert.deepEqual(
    c.mounts.map((m) => [m.destination, m.anonymous === true]),
    [
      ['/anonymous', true],
      ['/d', false],
      ['/declared', true],
    ],
  );
  assert.throws(() => f.manager.volumes.remove('data'), { code: 'volume.in-use' });
  assert.equal(f.manager.volumes.list().length, before.length + 2);
  await f.manager.remove(c, { volumes: true });
  f.manager.volumes.remove('data');
  assert.throws(() => f.manager.volumes.remove('data'), { code: 'volume.not-found' });
  for (const other of f.manager.records.all()) await f.manager.remove(other, { volumes: true });
  assert.ok(f.manager.volumes.prune({ all: true }).includes('bare'));
  assert.deepEqual(readdirSync(join(f.root, 'volumes')), []);
});

test('read-only root, tmpfs, /dev/shm, limits of processes', async () => {
  await assert.rejects(sh(f.manager, 'touch /x', { readonlyRootfs: true }), /Read-only/);
  assert.match(
    await sh(f.manager, 'touch /t/x; grep " /t " /proc/mounts', { readonlyRootfs: true, tmpfs: ['/t:size=1m,mode=700'] }),
    /tmpfs \/t tmpfs rw,nosuid,nodev,noexec.*size=1024k,mode=700/,
  );
  assert.match(await sh(f.manager, 'grep " /dev/shm " /proc/mounts', { shmSize: 8 << 20 }), /size=8192k/);
  assert.equal(await sh(f.manager, 'ulimit -n', { ulimits: [{ name: 'nofile', soft: 77, hard: 99 }] }), '77\n');
});

test('capabilities', async () => {
  const caps = async (o: Parameters<typeof sh>[2]): Promise<bigint> =>
    BigInt(`0x${(await sh(f.manager, 'grep CapEff /proc/self/status', o)).split(/\s+/)[1]}`);
  const CHOWN = 1n << 0n;
  const SYS_ADMIN = 1n << 21n;
  assert.equal((await caps({})) & (CHOWN | SYS_ADMIN), CHOWN);
  assert.equal((await caps({ capAdd: ['SYS_ADMIN'], capDrop: ['CHOWN'] })) & (CHOWN | SYS_ADMIN), SYS_ADMIN);
  assert.equal(await caps({ capDrop: ['ALL'] }), 0n);
  assert.equal((await caps({ privileged: true })) & (CHOWN | SYS_ADMIN), CHOWN | SYS_ADMIN);
});

test('a second program in a running container; signals; stop', async () => {
  const c = await f.manager.create(request({ args: ['sh', '-c', 'trap "exit 9" USR1; echo up; while :; do sleep 0.05; done'] }));
  const started = Promise.withResolvers<void>();
  const run = f.manager.runForeground(c, { stdout: () => started.resolve(), stderr: () => {} });
  await started.promise;
  const { execIn } = await import('../../src/container/index.ts');
  const exec = async (args: string[], o: object = {}): Promise<[number | undefined, string]> => {
    const out: Buffer[] = [];
    const code = await execIn(f.other(), f.manager.records.resolve(c.name), {
      args,
      env: [],
      tty: false,
      detach: false,
      privileged: false,
      stdout: (b) => out.push(b),
      stderr: (b) => out.push(b),
      ...o,
    });
    return [code, Buffer.concat(out).toString()];
  };
  assert.deepEqual(await exec(['sh', '-c', 'echo $FROM_IMAGE $X; pwd; exit 3'], { env: ['X=y'] }), [3, 'yes y\n/work\n']);
  assert.deepEqual(await exec(['sh', '-c', 'id -u; echo $HOME; pwd'], { user: '1000:0', workdir: '/tmp' }), [
    0,
    '1000\n/home/user\n/tmp\n',
  ]);
  await assert.rejects(exec(['missing']), { exitCode: 127 });
  assert.deepEqual(await exec(['sh', '-c', 'echo detached > /tmp/mark'], { detach: true }), [0, '']);
  const running = f.manager.records.resolve(c.id);
  assert.ok(isAlive(running));
  await assert.rejects(f.manager.kill(running, 'NOPE'), { code: 'container.invalid-signal' });
  await assert.rejects(f.other().remove(running), {
    code: 'container.running',
    message: `cannot remove container "${c.name}": container is running: stop the container before removing or force remove`,
  });
  await f.other().kill(running, 'USR1');
  assert.equal(await run, 9);
  await assert.rejects(exec(['true']), { code: 'container.not-running' });
  await assert.rejects(f.manager.kill(f.manager.records.resolve(c.id)), {
    code: 'container.not-running',
    message: `cannot kill container: ${c.name}: container ${c.id} is not running`,
  });
  await f.manager.stop(f.manager.records.resolve(c.id));
  await f.manager.remove(f.manager.records.resolve(c.id));
  assert.throws(() => f.manager.records.resolve(c.name), { code: 'container.not-found', message: `No such container: ${c.name}` });
});

test('stop from another process: the signal asked for, then SIGKILL', async () => {
  for (const [script, seconds, exitCode] of [
    ['trap "exit 4" USR2; echo up; while :; do sleep 0.05; done', 10, 4],
    ['trap "" USR2; echo up; while :; do sleep 0.05; done', 0, 137],
  ] as const) {
    const c = await f.manager.create(request({ args: ['sh', '-c', script], stopSignal: 'SIGUSR2' }));
    const started = Promise.withResolvers<void>();
    const run = f.manager.runForeground(c, { stdout: () => started.resolve(), stderr: () => {} });
    await started.promise;
    const other = f.other();
    const waited = other.wait(other.records.resolve(c.id));
    await other.stop(other.records.resolve(c.id), { seconds });
    assert.equal(other.records.resolve(c.id).state.status, 'exited');
    assert.deepEqual([await run, await waited], [exitCode, exitCode]);
  }
});
