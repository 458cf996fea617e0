// The resolver, by the kernel and by its own walk: the same answers, and never anything outside the root.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { listNames, O_PATH, openOutput, openRegular, readInput, readRegularFile, RootedTree, writeOutput } from './index.ts';

const base = mkdtempSync(join(tmpdir(), 'slipway-rooted-'));
const root = join(base, 'root');
after(() => rmSync(base, { recursive: true }));
mkdirSync(join(root, 'usr/lib'), { recursive: true });
mkdirSync(join(base, 'outside'));
writeFileSync(join(base, 'outside/secret'), 'secret');
writeFileSync(join(root, 'file'), 'file');
writeFileSync(join(root, 'usr/lib/x'), 'x');
symlinkSync('/usr/lib', join(root, 'lib'));
symlinkSync('../../../../../../etc', join(root, 'usr/up'));
symlinkSync('loop', join(root, 'loop'));
symlinkSync('lib/../up', join(root, 'usr/chain'));
symlinkSync(join(base, 'outside'), join(root, 'out'));
symlinkSync('../outside/secret', join(root, 'leaf'));
symlinkSync('file', join(root, 'to-file'));
symlinkSync('/proc/self/fd/0', join(root, 'magic'));

for (const kernel of [true, false]) {
  const how = kernel ? 'by the kernel' : 'by walking';

  for (const [path, expected] of [
    ['/', ''],
    ['usr/lib', 'usr/lib'],
    ['/lib/x', 'usr/lib/x'],
    ['/usr/up/passwd', 'etc/passwd'],
    ['/../../usr/./lib//y', 'usr/lib/y'],
    ['/usr/chain', 'etc'],
    ['/missing/../lib', 'usr/lib'],
    ['/file/x', 'file/x'],
  ] as const) {
    test(`${path} stays inside, ${how}`, () => {
      using tree = new RootedTree(root, { kernel });
      assert.equal(tree.locate(path), expected);
      const direct = statSync(join(root, expected), { throwIfNoEntry: false });
      assert.equal(tree.stat(tree.locate(path))?.ino, path === '/file/x' ? undefined : direct?.ino);
    });
  }

  test(`what is opened, ${how}`, () => {
    using tree = new RootedTree(root, { kernel });
    assert.equal(tree.readFile('lib/x').toString(), 'x');
    assert.equal(tree.readFile('/lib/../../to-file').toString(), 'file');
    for (const path of ['out/secret', 'leaf', 'usr/up/passwd', 'lib/none', '/none/../../outside/secret'])
      assert.throws(() => tree.readFile(path), { code: 'ENOENT' }, path);
    assert.throws(() => tree.readFile('loop'), { code: 'ELOOP' });
    assert.throws(() => tree.readFile('file/x'), { code: 'ENOTDIR' });
    assert.throws(() => tree.readFile('usr'), { code: 'EISDIR' });
    assert.throws(() => tree.readFile('magic'), { code: 'ENOENT' });
    assert.throws(() => tree.readFile('file', 3), { code: 'EFBIG' });
    assert.throws(() => tree.locate('/loop/x'), { code: 'ELOOP' });
    const link = tree.open('to-file', O_PATH | constants.O_NOFOLLOW);
    assert.ok(fstatSync(link).isSymbolicLink());
    closeSync(link);
    assert.throws(() => tree.open('to-file', constants.O_RDONLY | constants.O_NOFOLLOW), { code: 'ELOOP' });
    assert.deepEqual(tree.list('lib'), ['x']);
    assert.equal(tree.stat('none'), undefined);
    assert.equal(tree.stat('file/none'), undefined);
  });

  test(`directories are created inside, ${how}`, () => {
    using tree = new RootedTree(root, { kernel });
    const made: string[] = [];
    const note = (parent: { inside: string }, name: string): void => void made.push(join(parent.inside, name));
    tree.makeDirectories('out/new', 0o755, note).close();
    const outside = join(base, 'outside').slice(1);
    assert.equal(made.at(-1), join(outside, 'new'));
    assert.ok(statSync(join(root, outside, 'new')).isDirectory());
    assert.deepEqual(listNames(join(base, 'outside')), ['secret']);
    assert.throws(() => tree.makeDirectories('file/x', 0o755), { code: 'ENOTDIR' });
    rmSync(join(root, outside.split('/')[0] ?? ''), { recursive: true });
  });

  test(`no descriptor stays open, ${how}`, () => {
    const before = readdirSync('/proc/self/fd').length;
    {
      using tree = new RootedTree(root, { kernel });
      for (const path of ['lib/x', 'usr/chain', 'none/none', '/', 'loop', 'file/x', 'usr/up/..'])
        for (const call of [() => tree.locate(path), () => tree.stat(path), () => tree.readFile(path), () => tree.list(path)]) {
          try {
            call();
          } catch {
            // only the descriptors count here
          }
        }
    }
    assert.equal(readdirSync('/proc/self/fd').length, before);
  });
}

test('a name in an open directory is never followed, and names are bytes', () => {
  using tree = new RootedTree(root);
  using top = tree.directory('/');
  assert.throws(() => top.open('leaf', constants.O_RDONLY), { code: 'ELOOP' });
  assert.throws(() => top.directory('out'), { code: 'ENOTDIR' });
  const name = '\udcff\udcfe';
  writeFileSync(top.at(name), 'raw');
  assert.deepEqual([...Buffer.from(readdirSync(root, 'buffer').find((n) => n[0] === 0xff) ?? '')], [0xff, 0xfe]);
  assert.ok(top.list().includes(name));
  assert.equal(tree.readFile(name).toString(), 'raw');
  assert.equal(tree.stat(name)?.size, 3);
  rmSync(top.at(name));
});

test('only regular files are opened', () => {
  const fifo = join(base, 'fifo');
  assert.equal(spawnSync('mkfifo', [fifo]).status, 0);
  for (const path of [fifo, '/dev/zero', '/dev/null']) assert.throws(() => openRegular(path), { code: 'ENOTREG' }, path);
  assert.throws(() => openRegular(base), { code: 'EISDIR' });
  assert.throws(() => openRegular(join(base, 'none')), { code: 'ENOENT' });
  assert.match(readRegularFile('/proc/self/status').toString(), /^Name:/);
  assert.throws(() => readRegularFile('/proc/self/status', 10), { code: 'EFBIG' });
});

test('a named pipe that nobody reads from is waited for, and can be left', async () => {
  const fifo = join(base, 'output');
  assert.equal(spawnSync('mkfifo', [fifo]).status, 0);
  const leave = new AbortController();
  const waiting = openOutput(fifo, leave.signal);
  setImmediate(() => leave.abort());
  await assert.rejects(waiting, { name: 'AbortError' });
  const [read] = await Promise.all([readInput(fifo), writeOutput(fifo, 'sha256:1')]);
  assert.equal(read.toString(), 'sha256:1');
  const plain = join(base, 'plain');
  await writeOutput(plain, 'more than text');
  await writeOutput(plain, 'text');
  assert.equal(readRegularFile(plain).toString(), 'text');
  const socket = createServer().listen(join(base, 'socket'));
  await once(socket, 'listening');
  await assert.rejects(openOutput(join(base, 'socket')), { code: 'ENOTREG' });
  socket.close();
});

test('a name with a NUL is refused, not cut there', () => {
  for (const kernel of [true, false]) {
    using tree = new RootedTree('/', { kernel });
    for (const path of ['etc\0x', 'etc/passwd\0', '\0']) {
      assert.throws(() => tree.stat(path), { code: 'EINVAL' });
      assert.throws(() => tree.openFile(path), { code: 'EINVAL' });
      using etc = tree.directory('etc');
      assert.throws(() => etc.stat(path), { code: 'EINVAL' });
    }
  }
});
