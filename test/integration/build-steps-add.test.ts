// What steps make besides copies: files of archives (ADD), heredocs, directories of WORKDIR; and nothing outside of the image.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  readlinkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeTar } from '../../src/archive/testing.ts';
import { copyStep } from '../../src/builder/steps/copy.ts';
import { workdirStep } from '../../src/builder/steps/workdir.ts';
import { base, context, image, put, copy, tree } from './copy-fixture.ts';

test('heredocs become files', async () => {
  await copyStep(
    { path: image },
    {
      instruction: 'COPY',
      style: 'graph',
      sources: [],
      files: [
        { name: 'ONE', data: Buffer.from('1\n') },
        { name: 'TWO', data: Buffer.from('2\n') },
      ],
      destination: '/dir/',
      workdir: '/',
      chown: '3:4',
      chmod: '755',
      now: 0,
    },
  );
  assert.deepEqual(tree(), ['/dir d755 3:4', '/dir/ONE -755 3:4 1\n', '/dir/TWO -755 3:4 2\n']);
});

test('ADD unpacks archives by their content, COPY never', async () => {
  put(join(base, 's/f'), 'f', 0o4755);
  chownSync(join(base, 's/f'), 12, 34);
  chmodSync(join(base, 's/f'), 0o4755);
  linkSync(join(base, 's/f'), join(base, 's/hard'));
  symlinkSync('/abs', join(base, 's/soft'));
  for (const [name, flag] of [
    ['plain', ''],
    ['gz.odd', 'z'],
    ['b', 'j'],
    ['x', 'J'],
  ] as const)
    execFileSync('tar', [`-c${flag}f`, join(context, name), '-C', join(base, 's'), '.']);
  put(join(context, 'text.tar'), 'no archive');
  for (const name of ['plain', 'gz.odd', 'b', 'x']) {
    await copy(name, `/${name}/`, { instruction: 'ADD' });
    assert.deepEqual(tree(join(image, name)), ['/f -4755 12:34 f', '/hard -4755 12:34 f', '/soft l 0:0 -> /abs']);
  }
  await copy(['text.tar', 'plain'], '/kept/', { instruction: 'ADD', unpack: false });
  await copy('text.tar', '/text', { instruction: 'ADD' });
  await copy('plain', '/owned', { instruction: 'ADD', chown: '1:2' });
  assert.deepEqual(readdirSync(join(image, 'kept')), ['plain', 'text.tar']);
  assert.equal(readFileSync(join(image, 'text'), 'utf8'), 'no archive');
  assert.deepEqual(tree(join(image, 'owned')), ['/f -4755 1:2 f', '/hard -4755 1:2 f', '/soft l 1:2 -> /abs']);
});

test('an archive writes nothing outside of the image', async () => {
  const script = `
import io, sys, tarfile
t = tarfile.open(sys.argv[1], 'w')
def add(name, **k):
    i = tarfile.TarInfo(name)
    for a, v in k.items(): setattr(i, a, v)
    i.size = 4 if i.type == tarfile.REGTYPE else 0
    t.addfile(i, io.BytesIO(b'evil') if i.size else None)
exec(sys.argv[2])
t.close()`;
  const archive = (code: string): void => void execFileSync('python3', ['-c', script, join(context, 't.tar'), code]);
  mkdirSync(join(base, 'outside'));
  put(join(base, 'outside/victim'), 'safe');
  archive(`add('../outside/a')`);
  await assert.rejects(copy('t.tar', '/', { instruction: 'ADD' }), { code: 'archive.outside' });
  archive(`add('l', type=tarfile.SYMTYPE, linkname='${base}/outside'); add('l/a'); add('${base}/outside/b')`);
  await copy('t.tar', '/', { instruction: 'ADD' });
  archive(`add('h', type=tarfile.LNKTYPE, linkname='../../../../..${base}/outside/victim')`);
  await assert.rejects(copy('t.tar', '/', { instruction: 'ADD' }));
  assert.deepEqual(readdirSync(join(base, 'outside')), ['victim']);
  assert.equal(readFileSync(join(base, 'outside/victim'), 'utf8'), 'safe');
});

test('WORKDIR makes what is missing and leaves what is there', () => {
  mkdirSync(join(image, 'srv'));
  chownSync(join(image, 'srv'), 33, 1);
  chmodSync(join(image, 'srv'), 0o2750);
  put(join(image, 'file'));
  put(join(image, 'etc/passwd'), 'daemon:x:1:1::/:\n');
  assert.equal(workdirStep({ path: image }, '/srv', { style: 'graph', now: 0 }), false);
  workdirStep({ path: image }, '/srv/below', { style: 'graph', now: 0 });
  workdirStep({ path: image }, '/srv/classic', { style: 'classic', now: 0 });
  workdirStep({ path: image }, '/home/app', { style: 'graph', user: 'daemon', now: 0 });
  workdirStep({ path: image }, '/opt/app', { style: 'classic', user: 'daemon', now: 0 });
  assert.deepEqual(
    tree().filter((l) => / d\d/.test(l)),
    [
      '/etc d755 0:0',
      '/home d755 1:1',
      '/home/app d755 1:1',
      '/opt d755 0:0',
      '/opt/app d755 0:0',
      '/srv d2750 33:1',
      '/srv/below d2755 0:1',
      '/srv/classic d2755 0:0',
    ],
  );
  assert.throws(() => workdirStep({ path: image }, '/file', { style: 'graph', now: 0 }), { message: 'mkdir /file: not a directory' });
  assert.throws(() => workdirStep({ path: image }, '/file', { style: 'classic', now: 0 }), {
    message: 'Cannot mkdir: /file is not a directory',
  });
});

test('names of archives are bytes, the top of one says nothing, and a hard link to nowhere is an error', async () => {
  const names = ['x\udcff', 'x\udcfe', 'd\udcfd/y\udcfc'];
  const members = [
    { path: './', mode: 0o700 },
    ...names.map((path) => ({ path })),
    { path: 'l', type: 'symlink' as const, link: 'x\udcff' },
  ];
  writeFileSync(join(context, 'a.tar'), makeTar(members));
  await copy('a.tar', '/o/', { instruction: 'ADD' });
  assert.equal(lstatSync(join(image, 'o')).mode & 0o7777, 0o755);
  assert.deepEqual(readdirSync(join(image, 'o'), 'latin1').sort(), ['d\xfd', 'l', 'x\xfe', 'x\xff']);
  assert.deepEqual([...readlinkSync(join(image, 'o/l'), 'buffer')], [0x78, 0xff]);
  writeFileSync(join(context, 'b.tar'), makeTar([{ path: 'h', type: 'link', link: '../../etc/shadow' }]));
  await assert.rejects(copy('b.tar', '/p/', { instruction: 'ADD' }), { code: 'archive.entry' });
});

test('a directory of WORKDIR gets the time that is asked for, those above it do not', () => {
  workdirStep({ path: image }, '/w/x', { style: 'graph', now: 2_000_000_000_000, time: 1_500_000_000_000 });
  assert.deepEqual([lstatSync(join(image, 'w')).mtimeMs, lstatSync(join(image, 'w/x')).mtimeMs], [2_000_000_000_000, 1_500_000_000_000]);
});

test('an archive’s times that Docker cannot set become 1970', async () => {
  const times = { past: -5_000_000_000n, future: 1n << 64n, 'far/': 5_000_000_000_000_000_000n, 'dir/': -1n };
  writeFileSync(
    join(context, 't.tar'),
    makeTar(Object.entries(times).map(([path, mtimeNs]) => ({ path, mtimeNs, type: path.endsWith('/') ? 'dir' : 'file' }))),
  );
  await copy('t.tar', '/x/', { instruction: 'ADD' });
  const is = ['past', 'future', 'far', 'dir'].map((name) => lstatSync(join(image, 'x', name)).mtimeMs);
  assert.deepEqual(is, [0, 0, 5_000_000_000_000, 0]);
});

test('a user by name owns nothing in a stage that holds nothing', () => {
  for (const user of ['me', '1:us']) {
    assert.throws(() => workdirStep({ path: image }, '/a', { style: 'graph', user, now: 0 }), { message: 'invalid user index: -1' });
  }
  assert.equal(workdirStep({ path: image }, '/a', { style: 'graph', user: 'root', now: 0 }), true);
});
