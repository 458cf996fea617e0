// `run --mount` and `run --init`, with real containers; refusals in Docker's words (28.5).
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CommandLine, commandLineOn } from '../support/command-line.ts';
import { type Fixture, fixture } from './container-fixture.ts';

let f: Fixture;
let line: CommandLine;
before(async () => {
  f = await fixture();
  line = commandLineOn(f);
  mkdirSync(join(f.folder, 'shared'));
  writeFileSync(join(f.folder, 'shared/file'), 'of the host\n');
});
after(() => f.dispose());

const mounted = (mount: string, script: string): Promise<string> =>
  line.ok('run', '--rm', '--network', 'none', '--mount', mount, 'tiny', 'sh', '-c', script);

test('a bind: written through, or readonly', async () => {
  const source = join(f.folder, 'shared');
  assert.equal(await mounted(`type=bind,src=${source},dst=/x`, 'cat /x/file; echo new > /x/new'), 'of the host\n');
  assert.equal(
    await mounted(`type=bind,"source=${source}",target=/x,readonly`, 'cat /x/new; touch /x/no || echo refused'),
    'new\nrefused\n',
  );
  const recursive = `type=bind,source=${source},target=/x,ro,bind-recursive=readonly,bind-propagation=rprivate`;
  assert.equal(await mounted(recursive, 'touch /x/no || echo refused'), 'refused\n');
  assert.equal(await mounted(`type=bind,src=${source},dst=/x,bind-recursive=disabled,consistency=cached`, 'cat /x/file'), 'of the host\n');
});

test('a volume: named with labels, anonymous, readonly, not filled', async () => {
  assert.equal(
    await mounted('type=volume,src=data,dst=/seeded,volume-label=a=b', 'cat /seeded/inner/file; echo y > /seeded/mine'),
    'from the image\n',
  );
  assert.equal(await mounted('src=data,dst=/x,ro', 'cat /x/mine; touch /x/no || echo refused'), 'y\nrefused\n');
  assert.equal(await line.ok('volume', 'inspect', '-f', '{{.Labels}}', 'data'), 'map[a:b]\n');
  assert.equal(await mounted('type=volume,src=empty,dst=/seeded,volume-nocopy', 'ls /seeded'), '');
  assert.equal(await mounted('dst=/x', 'touch /x/y && echo written'), 'written\n');
  await line.ok('volume', 'rm', 'data', 'empty');
});

test('--volumes-from: what another container has, its volumes kept until both are gone', async () => {
  await line.ok(
    'run',
    '--network',
    'none',
    '--name',
    'lender',
    '-v',
    '/lent',
    '-v',
    'named:/named:ro',
    'tiny',
    'sh',
    '-c',
    'echo q > /lent/f',
  );
  const from = (spec: string, script: string): Promise<string> =>
    line.ok('run', '--rm', '--network', 'none', '--volumes-from', spec, 'tiny', 'sh', '-c', script);
  assert.equal(await from('lender', 'cat /lent/f; touch /named/no || echo refused; echo more >> /lent/f'), 'q\nrefused\n');
  assert.equal(await from('lender:ro', 'cat /lent/f; touch /lent/no || echo refused'), 'q\nmore\nrefused\n');
  for (const [spec, message] of [
    ['nobody', 'No such container: nobody'],
    ['lender:bad', 'invalid mode: bad'],
  ] as const) {
    const { status, stderr } = await line.run(['run', '--rm', '--volumes-from', spec, 'tiny', 'true']);
    assert.deepEqual([status, stderr.split('\n')[0]], [125, `error: ${message}`]);
  }
  await line.ok('rm', '-v', 'lender');
  assert.equal(await line.ok('volume', 'ls', '-q'), 'named\n');
  await line.ok('volume', 'rm', 'named');
});

test('a tmpfs with size and mode', async () => {
  const options = await mounted('type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=0700', 'grep " /t " /proc/mounts; stat -c %a /t');
  assert.match(options, /^tmpfs \/t tmpfs rw,nosuid,nodev,noexec,.*size=1024k,mode=700.*\n700\n$/);
  assert.equal(await mounted('type=tmpfs,dst=/t', 'stat -c %a /t'), '1777\n');
  assert.equal(await mounted('type=tmpfs,dst=/t,ro', 'touch /t/no || echo refused'), 'refused\n');
});

for (const [mount, message, isFlag] of [
  ['', 'EOF', true],
  ['type=bind,src=/tmp', 'target is required', true],
  ['type=bind,foo=bar,dst=/x', "unexpected key 'foo' in 'foo=bar'", true],
  ['type=bind,foo', "invalid field 'foo' must be a key=value pair", true],
  ['type=bind,src=/tmp,dst=/x,readonly=foo', 'invalid value for readonly: foo', true],
  ['type=bind,src=/tmp,dst=/x,tmpfs-size=1m', "cannot mix 'tmpfs-*' options with mount type 'bind'", true],
  ['type=volume,dst=/x,bind-propagation=rslave', "cannot mix 'bind-*' options with mount type 'volume'", true],
  ['type=tmpfs,dst=/t,tmpfs-mode=9', 'invalid value for tmpfs-mode: 9', true],
  ['type=bind,src=/nonexist,dst=/x', 'invalid mount config for type "bind": bind source path does not exist: /nonexist', false],
  ['type=bind,dst=/x', 'invalid mount config for type "bind": field Source must not be empty', false],
  ['type=bind,src=rel,dst=/x', 'invalid mount config for type "bind": invalid mount path: \'rel\' mount path must be absolute', false],
  ['type=tmpfs,src=x,dst=/t', 'invalid mount config for type "tmpfs": field Source must not be specified', false],
  ['type=nope,dst=/x', 'invalid mount config for type "nope": mount type unknown', false],
  ['type=volume,src=v1,dst=/x,volume-subpath=y', 'volume-subpath is not supported', false],
] as const)
  test(`--mount ${JSON.stringify(mount)} is refused`, async () => {
    const { status, stderr } = await line.run(['run', '--rm', '--network', 'none', '--mount', mount, 'tiny', 'true']);
    const told = isFlag ? `invalid argument ${JSON.stringify(mount)} for "--mount" flag: ${message}` : message;
    assert.deepEqual([status, stderr.split('\n')[0]], [125, `error: ${told}`]);
  });

test('--init: the first process reaps others, passes signals on, and ends as the program does', async () => {
  const script = '(sleep 0.01 &) ; read line < /proc/1/comm; echo $line $$; trap "exit 9" TERM; while :; do sleep 0.02; done';
  await line.ok('run', '-d', '--init', '--network', 'none', '--name', 'begun', 'tiny', 'sh', '-c', script);
  let told = '';
  while (!told.endsWith('\n')) {
    told = await line.ok('logs', 'begun');
    await sleep(10);
  }
  assert.match(told, /^\S*init \d+\n$/);
  assert.doesNotMatch(told, / 1\n$/);
  // every process whose parent has ended is the init's to reap: no zombie is left of the sleep
  for (;;) {
    const states = await line.ok('exec', 'begun', 'sh', '-c', 'grep -h State /proc/[0-9]*/status 2>/dev/null; true');
    if (!states.includes('zombie')) break;
    await sleep(10);
  }
  assert.equal(await line.ok('inspect', '-f', '{{.HostConfig.Init}}', 'begun'), 'true\n');
  await line.ok('stop', 'begun');
  assert.equal(await line.ok('inspect', '-f', '{{.State.ExitCode}}', 'begun'), '9\n');
  await line.ok('rm', 'begun');
  const missing = await line.run(['run', '--rm', '--init', '--network', 'none', 'tiny', 'no-such-program']);
  assert.deepEqual([missing.status, missing.stderr.includes('executable file not found in $PATH')], [127, true]);
});
