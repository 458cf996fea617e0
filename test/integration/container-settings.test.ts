// Flags of `run` on limits, devices, kernel settings and names: seen from inside, and refused in Docker's words (28.5).
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type CommandLine, commandLineOn } from '../support/command-line.ts';
import { type Fixture, fixture } from './container-fixture.ts';

let f: Fixture;
let line: CommandLine;
before(async () => {
  f = await fixture();
  line = commandLineOn(f);
});
after(() => f.dispose());

const run = (flags: readonly string[], script: string): Promise<string> =>
  line.ok('run', '--rm', '--network', 'none', ...flags, 'tiny', 'sh', '-c', script);
const status = (what: string): string => `sed -n 's/^${what}:[[:space:]]*//p' /proc/self/status`;

test('groups, names, kernel settings, devices, privileges', async () => {
  assert.equal(await run(['--group-add', '77', '--group-add', 'extra'], 'id -G'), '0 77 2000\n');
  assert.equal(await run(['--domainname', 'example.org', '-h', 'web'], 'hostname; cat /proc/sys/kernel/domainname'), 'web\nexample.org\n');
  assert.equal(await run(['--sysctl', 'net.ipv4.ip_forward=1'], 'cat /proc/sys/net/ipv4/ip_forward'), '1\n');
  assert.equal(await run(['--security-opt', 'no-new-privileges'], status('NoNewPrivs')), '1\n');
  assert.equal(await run(['--security-opt', 'no-new-privileges=false'], status('NoNewPrivs')), '0\n');
  assert.equal(await run(['--security-opt', 'seccomp=unconfined'], status('Seccomp')), '0\n');
  assert.equal(await run([], status('Seccomp')), '2\n');
  assert.equal(await run(['--device', '/dev/null:/dev/other'], 'echo x > /dev/other; stat -c %F /dev/other'), 'character special file\n');
  assert.equal(await run(['--oom-score-adj', '500'], 'cat /proc/self/oom_score_adj'), '500\n');
  const resolver = await run(['--dns', '1.1.1.1', '--dns-search', 'example.com', '--dns-option', 'ndots:2'], 'cat /etc/resolv.conf');
  assert.equal(resolver, 'nameserver 1.1.1.1\nsearch example.com\noptions ndots:2\n');
});

test('what a container was made with holds for programs that come later', async () => {
  await line.ok(
    'run',
    '-d',
    '--network',
    'none',
    '--group-add',
    '77',
    '--security-opt',
    'no-new-privileges',
    '--name',
    'kept',
    'tiny',
    'sleep',
    '1000',
  );
  assert.equal(await line.ok('exec', 'kept', 'sh', '-c', `id -G; ${status('NoNewPrivs')}`), '0 77\n1\n');
  assert.equal(
    await line.ok('inspect', '-f', '{{.HostConfig.GroupAdd}} {{.HostConfig.SecurityOpt}}', 'kept'),
    '[77] [no-new-privileges]\n',
  );
  await line.ok('rm', '-f', 'kept');
});

test('limits reach the control groups', async (t) => {
  if (!(await f.manager.runtime()).cgroups) return t.skip('no control groups here');
  assert.equal(await run(['--cpuset-cpus', '0'], status('Cpus_allowed_list')), '0\n');
  const v1 = existsSync('/sys/fs/cgroup/cpu/cpu.shares');
  if (!v1) return;
  assert.equal(await run(['--cpu-shares', '512'], 'cat /sys/fs/cgroup/cpu/cpu.shares'), '512\n');
  const periods = 'cat /sys/fs/cgroup/cpu/cpu.cfs_period_us /sys/fs/cgroup/cpu/cpu.cfs_quota_us';
  assert.equal(await run(['--cpu-period', '50000', '--cpu-quota', '25000'], periods), '50000\n25000\n');
  const soft = 'cat /sys/fs/cgroup/memory/memory.soft_limit_in_bytes';
  assert.equal(await run(['-m', '64m', '--memory-reservation', '32m', '--memory-swap', '-1'], soft), `${32 << 20}\n`);
});

test('a container that the kernel killed for want of memory says so, until it starts again', async (t) => {
  if (!(await f.manager.runtime()).cgroups) return t.skip('no control groups here');
  const hungry = 'test -e /again || { touch /again; x=x; while :; do x=$x$x; done; }';
  const flags = ['-m', '16m', '--memory-swap', '16m', '--network', 'none', '--name', 'hungry'];
  const ended = await line.run(['run', ...flags, 'tiny', 'sh', '-c', hungry]);
  assert.equal(ended.status, 137);
  const state = (): Promise<string> => line.ok('inspect', '-f', '{{.State.OOMKilled}} {{.State.ExitCode}}', 'hungry');
  assert.equal(await state(), 'true 137\n');
  await line.ok('start', '-a', 'hungry');
  assert.equal(await state(), 'false 0\n');
  await line.ok('rm', 'hungry');
});

test('--no-healthcheck, --restart no, --net', async () => {
  await line.ok('create', '--net', 'none', '--restart', 'no', '--no-healthcheck', '--name', 'plain', 'tiny');
  assert.equal(await line.ok('inspect', '-f', '{{.HostConfig.NetworkMode}} {{.HostConfig.RestartPolicy.Name}}', 'plain'), 'none no\n');
  assert.equal(await line.ok('inspect', '-f', '{{json .Config.Healthcheck}} {{json .State.Health}}', 'plain'), '{"Test":["NONE"]} null\n');
  await line.ok('rm', 'plain');
});

test('--cidfile and --label-file', async () => {
  writeFileSync(join(f.folder, 'labels'), '# comment\na=b\n');
  await line.ok('create', '--cidfile', 'id', '--label-file', 'labels', '-l', 'c=d', '--name', 'noted', 'tiny');
  const id = readFileSync(join(f.folder, 'id'), 'utf8');
  assert.equal(await line.ok('inspect', '-f', '{{.Id}} {{.Config.Labels}}', 'noted'), `${id} map[a:b c:d image:test]\n`);
  const again = await line.run(['create', '--cidfile', 'id', 'tiny']);
  assert.equal(again.stderr, "error: container ID file found, make sure the other container isn't running or delete id\n");
  assert.equal((await line.run(['create', '--cidfile', 'other', '--name', 'noted', 'tiny'])).status, 1);
  assert.ok(!existsSync(join(f.folder, 'other')), 'nothing is left of it');
  await line.ok('rm', 'noted');
});

for (const [flags, message] of [
  [['--group-add', 'nogrp'], 'unable to find group nogrp: no matching entries in group file'],
  [['--sysctl', 'kernel.foo=1'], 'invalid argument "kernel.foo=1" for "--sysctl" flag: sysctl \'kernel.foo=1\' is not allowed'],
  [['--security-opt', 'foo=bar'], 'invalid --security-opt 2: "foo=bar"'],
  [['--security-opt', 'seccomp=/nofile'], 'opening seccomp profile (/nofile) failed: open /nofile: no such file or directory'],
  [['--security-opt', 'apparmor=unconfined'], '--security-opt apparmor is not supported'],
  [['--device', '/dev/null:/dev/x:x'], 'bad mode specified: x'],
  [['--device', 'null'], 'null is not an absolute path'],
  [['--oom-score-adj', '5000'], 'Invalid value 5000, range for oom score adj is [-1000, 1000]'],
  [['-m', '64m', '--memory-swap', '32m'], 'Minimum memoryswap limit should be larger than memory limit, see usage'],
  [['--memory-swap', '32m'], 'You should always set the Memory limit when using Memoryswap limit, see usage'],
  [['--memory-reservation', '1m'], 'Minimum memory reservation allowed is 6MB'],
  [['--cpu-quota', '5'], 'CPU cfs quota can not be less than 1ms (i.e. 1000)'],
  [['--cpus', '1', '--cpu-quota', '25000'], 'Conflicting options: Nano CPUs and CPU Quota cannot both be set'],
  [['--cpuset-cpus', 'x'], 'Invalid value x for cpuset cpus: invalid format: x'],
  [['--restart', 'always'], 'conflicting options: cannot specify both --restart and --rm'],
  [['--restart', 'sometimes'], 'conflicting options: cannot specify both --restart and --rm'],
  [['--no-healthcheck', '--health-cmd', 'true'], '--no-healthcheck conflicts with --health-* options'],
  [['--health-retries', '-1', '--health-cmd', 'true'], '--health-retries cannot be negative'],
  [['--health-interval', '-1s', '--health-cmd', 'true'], '--health-interval cannot be negative'],
  [['--health-interval', '500us', '--health-cmd', 'true'], 'Interval in Healthcheck cannot be less than 1ms'],
  [['--health-timeout', '5'], 'invalid argument "5" for "--health-timeout" flag: time: missing unit in duration "5"'],
  [['--dns-search', 'a b'], 'invalid argument "a b" for "--dns-search" flag: a b is not a valid domain'],
  [['--network', 'bridge', '--network-alias', 'x'], 'network-scoped aliases are only supported for user-defined networks'],
] as const)
  test(`${flags.join(' ')} is refused`, async () => {
    const answer = await line.run(['run', '--rm', '--network', 'none', ...flags, 'tiny', 'true']);
    assert.deepEqual([answer.status, answer.stderr.split('\n')[0]], [125, `error: ${message}`]);
  });
