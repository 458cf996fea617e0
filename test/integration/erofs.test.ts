// Images whose layers are tars, used as people use them, in a store on the file system of a disk.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, lchownSync, linkSync, mkdirSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lutimesNs, mkfifo } from '../../src/sys/index.ts';
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

test('pulled, loaded and copied layers stay tars, and everything works on them', { skip }, async () => {
  const folder = ext4();
  const store = new TestStore(join(folder, 'one'));
  const snapshots = join(store.root, 'snapshots');
  const tars = (): string[] => readdirSync(snapshots).filter((id) => existsSync(join(snapshots, id, 'layer.erofs')));
  mkdirSync(join(folder, 'context'));
  writeFileSync(join(folder, 'context', 'Dockerfile'), DOCKERFILE);

  await store.ok(['bootstrap', 'busybox']);
  await store.ok(['build', '-t', 'app', join(folder, 'context')]);
  assert.equal(tars().length, 3, 'the base, and what COPY brought');
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

/** A tree with all kinds of things in it, whose times are its own. */
function makeContext(context: string): void {
  const at = (name: string): string => join(context, name);
  for (const dir of ['tree/a/deep/er', 'tree/b', 'tree/empty', 'tree/left/out', 'tree/only/some']) mkdirSync(at(dir), { recursive: true });
  for (const name of [
    'tree/a/file',
    'tree/a/deep/er/file',
    'tree/b/äöü',
    'tree/left/out/x',
    'tree/only/some/kept',
    'tree/only/gone',
    'tree/big',
  ])
    writeFileSync(at(name), name.repeat(name.endsWith('big') ? 100_000 : 1));
  writeFileSync(at('tree/holes'), '');
  truncateSync(at('tree/holes'), 5 << 20);
  writeFileSync(Buffer.concat([Buffer.from(at('tree/raw-')), Buffer.of(0xff)]), 'raw');
  linkSync(at('tree/a/file'), at('tree/b/again'));
  linkSync(at('tree/left/out/x'), at('tree/b/x'));
  symlinkSync('../a', at('tree/b/link'));
  mkfifo(at('tree/fifo'), 0o640);
  for (const [name, mode] of [
    ['tree/a', 0o2750],
    ['tree/b/äöü', 0o4755],
    ['tree/empty', 0o1777],
  ] as const)
    chmodSync(at(name), mode);
  for (const name of ['tree/big', 'tree/a/deep', 'tree/b/link']) lchownSync(at(name), 7, 8);
  writeFileSync(at('.dockerignore'), 'tree/left\ntree/only\n!tree/only/some/kept\n');
  for (const name of readdirSync(at('tree'), { recursive: true, encoding: 'buffer' }).reverse()) {
    const path = Buffer.concat([Buffer.from(at('tree/')), name as unknown as Buffer]);
    lutimesNs(path, 0n, BigInt(name.length % 3 === 0 ? -86_400 : 1_700_000_000 + name.length) * 1_000_000_000n + 5n);
  }
  lutimesNs(at('tree'), 0n, 1_600_000_000n * 1_000_000_000n);
}

const COPIES = [
  'FROM scratch\nCOPY tree /',
  'FROM scratch\nCOPY tree /\nCOPY tree /',
  'FROM scratch\nCOPY --chown=3:4 --chmod=u=rwX,go=rX tree /\nCOPY --exclude=**/file --exclude=b tree /a',
  'FROM scratch AS one\nCOPY tree /\nFROM one AS two\nCOPY tree/b /a/deep\nFROM scratch\nCOPY --from=two / /\nCOPY --from=two /a/. /b/',
  'FROM scratch\nCOPY tree /\nADD tree/a /\nCOPY --link tree/b /',
] as const;

test('COPY gives the same layers whether or not files are made', { skip }, async () => {
  const folder = ext4();
  makeContext(join(folder, 'context'));
  const stores = (['overlay', 'erofs'] as const).map((driver) => {
    const store = new TestStore(join(folder, driver));
    store.env['SLIPWAY_SNAPSHOTTER'] = driver;
    return store;
  });
  for (const [i, dockerfile] of COPIES.entries()) {
    const file = join(folder, `Dockerfile.${i}`);
    writeFileSync(file, `${dockerfile}\n`);
    const layers = await Promise.all(
      stores.map(async (store) => {
        await store.ok(['build', '-q', '-f', file, '-t', `copy:${i}`, join(folder, 'context')]);
        return store.ok(['inspect', '-f', '{{json .RootFS.Layers}}', `copy:${i}`]);
      }),
    );
    assert.equal(layers[1], layers[0], dockerfile);
    await stores[1]!.ok(['save', '-o', join(folder, 'saved'), `copy:${i}`]);
  }
});
