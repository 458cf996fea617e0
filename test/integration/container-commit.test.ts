// `diff` and `commit`, on real containers.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CommandLine, commandLineOn } from '../support/command-line.ts';
import { type Fixture, fixture } from './container-fixture.ts';

let f: Fixture;
let line: CommandLine;
before(async () => {
  f = await fixture();
  line = commandLineOn(f);
  const script =
    'rm /etc/group; touch /new; chmod 700 /etc/passwd; mkdir -p /d/e; rm -r /seeded; mkdir /seeded; echo ready; exec sleep 1000';
  await line.ok('run', '-d', '--network', 'none', '-e', 'A=b', '-v', '/anon', '--name', 'changed', 'tiny', 'sh', '-c', script);
  while (!(await line.ok('logs', 'changed')).includes('ready')) await sleep(10);
});
after(() => f.dispose());

test('diff: what was added, changed and deleted; nothing of what a start alone leaves', async () => {
  const expected = ['A /anon', 'A /d', 'A /d/e', 'A /new', 'A /work', 'C /etc', 'C /etc/passwd', 'C /seeded', 'D /etc/group'];
  const told = (await line.ok('diff', 'changed'))
    .trimEnd()
    .split('\n')
    .filter((one) => one !== 'D /seeded/inner');
  assert.deepEqual(told.sort(), expected);
  await line.ok('run', '--network', 'none', '--name', 'quiet', '-w', '/', 'tiny', 'true');
  assert.equal(await line.ok('diff', 'quiet'), '');
  await line.ok('rm', 'quiet');
  assert.deepEqual(await line.run(['diff', 'nobody']), {
    status: 1,
    stdout: '',
    stderr: 'error: No such container: nobody\n\nhint: `slipway ps -a` lists all containers\n',
  });
});

test('commit: files and settings of the container, while it runs and after', async () => {
  const id = (await line.ok('commit', '-a', 'me', '-m', 'kept', 'changed', 'kept:1')).trim();
  assert.match(id, /^sha256:[0-9a-f]{64}$/);
  assert.equal(await line.ok('inspect', '-f', '{{.State.Paused}}', 'changed'), 'false\n');
  const seen = await line.ok(
    'run',
    '--rm',
    '--network',
    'none',
    'kept:1',
    'sh',
    '-c',
    'ls -d /new /d/e /anon; ls /etc /seeded; stat -c %a /etc/passwd; echo $A $FROM_IMAGE; wc -c < /etc/hostname',
  );
  assert.match(seen, /^\/anon\n\/d\/e\n\/new\n\/etc:\nhostname\nhosts\nmtab\npasswd\nresolv.conf\n\n\/seeded:\n700\nb yes\n13\n$/);
  const layers = '{{.Author}} {{len .RootFS.Layers}} {{index .Config.Cmd 0}} {{.Config.WorkingDir}} {{.Config.Labels}}';
  assert.equal(await line.ok('image', 'inspect', '-f', layers, 'kept:1'), 'me 2 sh /work map[image:test]\n');
  assert.match(
    await line.ok('history', '--format', '{{.CreatedBy}}|{{.Comment}}', '--no-trunc', 'kept:1'),
    /^sh -c rm \/etc\/group.*\|kept\n/,
  );
  await line.ok('kill', 'changed');
  await line.ok('wait', 'changed');
  const changes = ['-c', 'CMD ["echo", "from the image"]', '-c', 'ENV Q=1', '-c', 'EXPOSE 80', '-c', 'LABEL x=y'];
  await line.ok('commit', ...changes, 'changed', 'kept:2');
  assert.equal(await line.ok('run', '--rm', '--network', 'none', 'kept:2'), 'from the image\n');
  assert.equal(
    await line.ok('image', 'inspect', '-f', '{{len .Config.ExposedPorts}} {{.Config.Labels}}', 'kept:2'),
    '2 map[image:test x:y]\n',
  );
  assert.equal(await line.ok('diff', 'changed').then((text) => text.includes('/etc/hosts')), false);
});

test('what cannot be committed', async () => {
  for (const [args, message] of [
    [['-c', 'RUN x', 'changed'], 'RUN is not a valid change command'],
    [['changed', 'BAD:'], 'invalid reference format'],
    [['nobody'], 'No such container: nobody'],
  ] as const) {
    const { status, stderr } = await line.run(['commit', ...args]);
    assert.equal(status, 1);
    assert.ok(stderr.startsWith(`error: ${message}`), stderr);
  }
  assert.doesNotMatch(await line.ok('images', '-a', '--format', '{{.Tag}}'), /BAD/);
});
