// Images whose layers are tars, used as people use them, in a store on the file system of a disk.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ext4 } from '../support/file-system.ts';
import { TestStore } from '../support/store.ts';

const [major = 0, minor = 0] = release().split('.').map(Number);
const skip = major > 6 || (major === 6 && minor >= 12) ? false : 'this kernel mounts no layers from files (6.12 does)';

const DOCKERFILE = `FROM busybox AS base
RUN echo changed > /etc/hosts.equiv && rm /bin/ash && chmod 700 /root && mv /bin/vi /bin/view
FROM base AS other
RUN echo old > /root/old && rm -r /root && mkdir /root && echo new > /root/only
FROM busybox
COPY --from=base /bin /copied
COPY --from=other /root /other
RUN test -x /copied/view && test ! -e /copied/ash && test "$(ls /other)" = only
CMD ["/bin/busybox", "find", "/bin/busybox", "/copied/view", "/other/only", "/", "-maxdepth", "0"]
`;

test('pulled and loaded layers stay tars, and everything works on them', { skip }, async () => {
  const folder = ext4();
  const store = new TestStore(join(folder, 'one'));
  const snapshots = join(store.root, 'snapshots');
  const tars = (): string[] => readdirSync(snapshots).filter((id) => existsSync(join(snapshots, id, 'layer.erofs')));
  mkdirSync(join(folder, 'context'));
  writeFileSync(join(folder, 'context', 'Dockerfile'), DOCKERFILE);

  await store.ok(['bootstrap', 'busybox']);
  await store.ok(['build', '-t', 'app', join(folder, 'context')]);
  assert.equal(tars().length, 1, 'the base');
  assert.equal(await store.ok(['run', '--rm', '--network', 'none', 'app']), '/bin/busybox\n/copied/view\n/other/only\n/\n');

  // to a program, all is one file system
  const devices = await store.ok([
    'run',
    '--rm',
    '--network',
    'none',
    'app',
    'stat',
    '-c',
    '%d',
    '/',
    '/bin/busybox',
    '/copied/view',
    '/etc',
  ]);
  assert.equal(new Set(devices.trim().split('\n')).size, 1, devices);

  await store.ok([
    'run',
    '--name',
    'hull',
    '--network',
    'none',
    'app',
    'sh',
    '-c',
    'echo hi > /bin/busybox.new; rm -r /other; echo x >> /etc/passwd',
  ]);
  assert.match(await store.ok(['diff', 'hull']), /^C \/etc\nC \/etc\/passwd$/m);
  assert.match(await store.ok(['cp', 'hull:/etc/passwd', '-']), /\nx\n/);
  await store.ok(['commit', 'hull', 'committed']);
  assert.equal(await store.ok(['run', '--rm', '--network', 'none', 'committed', 'cat', '/bin/busybox.new']), 'hi\n');

  await store.ok(['save', '-o', join(folder, 'saved.tar'), 'committed']);
  const other = new TestStore(join(folder, 'two'));
  await other.ok(['load', '-i', join(folder, 'saved.tar')]);
  assert.equal(await other.ok(['run', '--rm', '--network', 'none', 'committed', 'cat', '/bin/busybox.new']), 'hi\n');
  assert.equal(
    readdirSync(join(other.root, 'snapshots')).filter((id) => !existsSync(join(other.root, 'snapshots', id, 'layer.erofs'))).length,
    0,
    'every layer came as a tar',
  );
  assert.equal(
    (await other.ok(['images', '-q', '--no-trunc', 'committed'])).trim(),
    (await store.ok(['images', '-q', '--no-trunc', 'committed'])).trim(),
  );

  for (const s of [store, other]) {
    await s.ok(['system', 'check']);
    await s.ok(['rm', '-f', 'hull']).catch(() => {});
    await s.ok(['system', 'prune', '-af']);
    assert.deepEqual(readdirSync(join(s.root, 'snapshots')), []);
    await s.ok(['system', 'check']);
  }
});
