// COPY on real files: what a directory, a link and a pipe become, and no way out of the root.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, linkSync, lstatSync, mkdirSync, readdirSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { lutimesNs } from '../../src/sys/index.ts';
import { base, context, image, put, copy, tree } from './copy-fixture.ts';

test('a directory gives its contents; what it holds belongs to root and keeps modes and times', async () => {
  put(join(context, 'd/f'), 'f', 0o4755);
  put(join(context, 'd/e/g'), 'g');
  chownSync(join(context, 'd/f'), 1000, 1000);
  chmodSync(join(context, 'd/f'), 0o4755);
  utimesSync(join(context, 'd/f'), 1_234_567_890, 1_234_567_890);
  await copy('d', '/to/here');
  assert.deepEqual(tree(), [
    '/to d755 0:0',
    '/to/here d755 0:0',
    '/to/here/e d755 0:0',
    '/to/here/e/g -644 0:0 g',
    '/to/here/f -4755 0:0 f',
  ]);
  assert.equal(lstatSync(join(image, 'to/here/f')).mtimeMs, 1_234_567_890_000);
  assert.equal(lstatSync(join(image, 'to')).mtimeMs, 1_600_000_000_000);
});

test('the original engine takes set-ID bits off files and leaves them on directories', async () => {
  put(join(context, 'd/f'), 'f', 0o6755);
  mkdirSync(join(context, 'd/s'));
  chmodSync(join(context, 'd/s'), 0o2770);
  await copy('d', '/d', { style: 'classic' });
  assert.deepEqual(tree(), ['/d d755 0:0', '/d/f -755 0:0 f', '/d/s d2770 0:0']);
});

test('a name that ends in a slash is a directory, another one is the file itself', async () => {
  put(join(context, 'a'), 'a');
  mkdirSync(join(image, 'there'));
  await copy('a', '/new/dir/');
  await copy('a', '/renamed');
  await copy('a', '/there');
  await copy('a', 'b', { workdir: '/w' });
  assert.deepEqual(
    tree().filter((l) => l.includes(' -')),
    ['/new/dir/a -644 0:0 a', '/renamed -644 0:0 a', '/there/a -644 0:0 a', '/w/b -644 0:0 a'],
  );
});

test('existing directories are merged and take the mode of the source; existing files are replaced', async () => {
  put(join(context, 't/shared/file'), 'new', 0o600);
  chmodSync(join(context, 't/shared'), 0o700);
  put(join(image, 'dst/shared/file'), 'old');
  put(join(image, 'dst/shared/keep'), 'keep');
  chownSync(join(image, 'dst/shared'), 5, 6);
  await copy('t', '/dst');
  assert.deepEqual(tree(), ['/dst d755 0:0', '/dst/shared d700 0:0', '/dst/shared/file -600 0:0 new', '/dst/shared/keep -644 0:0 keep']);
});

test('links in a tree stay links, a link that is named is followed, and never out of the root', async () => {
  put(join(context, 'd/file'), 'file');
  symlinkSync('file', join(context, 'd/rel'));
  symlinkSync('/etc/passwd', join(context, 'abs'));
  put(join(context, 'etc/passwd'), 'of the context');
  symlinkSync('../../../../etc/passwd', join(context, 'up'));
  await copy('d', '/d');
  await copy(['d/rel', 'abs', 'up'], '/x/');
  assert.deepEqual(tree(), [
    '/d d755 0:0',
    '/d/file -644 0:0 file',
    '/d/rel l 0:0 -> file',
    '/x d755 0:0',
    '/x/abs -644 0:0 of the context',
    '/x/rel -644 0:0 file',
    '/x/up -644 0:0 of the context',
  ]);
});

test('links of the image on the way to the destination are followed inside the image only', async () => {
  put(join(context, 'a'), 'a');
  symlinkSync(join(base, 'outside'), join(image, 'out'));
  symlinkSync('../../../../../../..', join(image, 'top'));
  mkdirSync(join(base, 'outside'));
  await copy('a', '/out/a');
  await copy('a', '/top/b');
  assert.deepEqual(readdirSync(join(base, 'outside')), []);
  assert.ok(lstatSync(join(image, base, 'outside/a')).isFile());
  assert.ok(lstatSync(join(image, 'b')).isFile());
});

test('hard links are kept within one source', async () => {
  put(join(context, 'd/a'), 'same');
  linkSync(join(context, 'd/a'), join(context, 'd/b'));
  await copy('d', '/d');
  await copy(['d/a', 'd/b'], '/two/');
  const ino = (path: string): number => lstatSync(join(image, path)).ino;
  assert.equal(ino('d/a'), ino('d/b'));
  assert.notEqual(ino('two/a'), ino('two/b'));
});

test('pipes are copied, sockets leave an empty file or nothing', async () => {
  mkdirSync(join(context, 'd'));
  execFileSync('mkfifo', [join(context, 'd/pipe')]);
  execFileSync('perl', [
    '-MIO::Socket::UNIX',
    '-e',
    'IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 1); chmod 0755, $ARGV[0]',
    join(context, 'd/sock'),
  ]);
  await copy('d', '/g');
  await copy('d', '/c', { style: 'classic' });
  assert.deepEqual(tree(), ['/c d755 0:0', '/c/pipe p644 0:0', '/g d755 0:0', '/g/pipe p644 0:0', '/g/sock -755 0:0 ']);
});

test('below a set-group-ID directory files belong to root’s group all the same', async () => {
  put(join(context, 'f'));
  mkdirSync(join(image, 'local'));
  chownSync(join(image, 'local'), 0, 50);
  chmodSync(join(image, 'local'), 0o2775);
  await copy('f', '/local/');
  assert.deepEqual(tree(), ['/local d2775 0:50', '/local/f -644 0:0 x']);
});

test('a directory copied onto an existing one gives it its time, to the graph engine', async () => {
  const time = (path: string): number => lstatSync(join(image, path)).mtimeMs;
  put(join(context, 'd/x'));
  put(join(context, 'a'));
  utimesSync(join(context, 'd'), 1_500_000_000, 1_500_000_000);
  for (const [style, own] of [
    ['graph', 1_500_000_000_000],
    ['classic', undefined],
  ] as const) {
    mkdirSync(join(image, style));
    utimesSync(join(image, style), 5, 5);
    await copy('d', `/${style}`, { style });
    if (own === undefined) assert.ok(time(style) > 1_700_000_000_000);
    else assert.equal(time(style), own);
  }
  await copy(['a', 'd'], '/new/');
  assert.equal(time('new'), 1_500_000_000_000);
});

test('times before 1970 stay as they are; the original engine begins there', async () => {
  for (const name of ['d/f', 'd/sub/g']) put(join(context, name));
  symlinkSync('f', join(context, 'd/l'));
  for (const name of ['d/f', 'd/sub/g', 'd/l', 'd/sub', 'd']) {
    lutimesNs(join(context, name), -5_000_000_000n, -5_000_000_000n);
    assert.equal(lstatSync(join(context, name)).mtimeMs, -5000);
  }
  await copy('d', '/graph');
  await copy('d', '/classic', { style: 'classic' });
  for (const name of ['', 'f', 'l', 'sub', 'sub/g']) assert.equal(lstatSync(join(image, 'graph', name)).mtimeMs, -5000, name);
  for (const name of ['f', 'l', 'sub', 'sub/g']) assert.equal(lstatSync(join(image, 'classic', name)).mtimeMs, 0, name);
});

test('to the original engine, nothing but a slash ends a directory, and a pattern is compared as written', async () => {
  put(join(context, 'd1/x'));
  await copy('d1/x', '/dot/.', { style: 'classic' });
  assert.ok(lstatSync(join(image, 'dot')).isFile());
  await copy('./d*', '/one/', { style: 'classic' });
  for (const pattern of ['d*/', '././d*', 'd1//*'])
    await assert.rejects(copy(pattern, '/two/', { style: 'classic' }), { code: 'copy.no-sources' });
  await assert.rejects(copy('/../d1', '/three', { style: 'classic' }), { code: 'copy.outside-context' });
  await copy('d*/', '/four/');
  assert.ok(lstatSync(join(image, 'four/x')).isFile());
});
