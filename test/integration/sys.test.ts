// System calls against the real kernel; needs root. Everything is mounted in a private namespace and ends with this process.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  createNetworkNamespace,
  deleteNetworkNamespace,
  deviceMajor,
  deviceMinor,
  enterPrivateMountNamespace,
  FileLock,
  lockedFiles,
  FileType,
  findExecutable,
  getXattr,
  listXattrs,
  lutimesNs,
  mkfifo,
  mknod,
  mount,
  MountFlag,
  processAlive,
  processIdentity,
  processStartTime,
  removeTree,
  removeXattr,
  run,
  setXattr,
  treeSize,
  treeSizeBeside,
  unmount,
  withNetworkNamespace,
  writeFileAtomic,
} from '../../src/sys/index.ts';

let dir: string;
before(() => {
  dir = mkdtempSync('/dev/shm/slipway-sys-');
});
after(() => removeTree(dir));

test('what is mounted in a private namespace is seen by nobody else', () => {
  enterPrivateMountNamespace();
  enterPrivateMountNamespace();
  const target = join(dir, 'mnt');
  mkdirSync(target);
  mount('tmpfs', target, 'tmpfs', MountFlag.MS_NOSUID, 'size=1m');
  writeFileSync(join(target, 'a'), 'x');
  assert.ok(readFileSync('/proc/thread-self/mountinfo', 'utf8').includes(target));
  assert.ok(!readFileSync('/proc/1/mountinfo', 'utf8').includes(target));
  assert.throws(() => mount('nothing', target, 'no-such-type', 0), { code: 'ENODEV', syscall: 'mount', path: target });
  unmount(target);
  assert.throws(() => unmount(target), { code: 'EINVAL', syscall: 'umount2' });
});

test('network namespaces: made, entered, left, removed', async () => {
  const path = join(dir, 'netns');
  const home = readlinkSync('/proc/self/ns/net');
  createNetworkNamespace(path);
  const inside = withNetworkNamespace(path, () => readlinkSync('/proc/thread-self/ns/net'));
  assert.notEqual(inside, home);
  assert.equal(readlinkSync('/proc/self/ns/net'), home);
  assert.throws(
    () =>
      withNetworkNamespace(path, () => {
        throw new Error('inside');
      }),
    /inside/,
  );
  assert.equal(readlinkSync('/proc/self/ns/net'), home);
  const listed = await withNetworkNamespace(path, () => run('ip', ['-o', 'link']));
  assert.equal(listed.stdout.trim().split('\n').length, 1);
  assert.throws(() => createNetworkNamespace(path), { code: 'EEXIST' });
  deleteNetworkNamespace(path);
  assert.ok(!existsSync(path));
  deleteNetworkNamespace(path);
});

test('device nodes, fifos, times and extended attributes', () => {
  const device = join(dir, 'device');
  mknod(device, FileType.S_IFCHR | 0o600, 0, 0);
  assert.ok(lstatSync(device).isCharacterDevice());
  mknod(join(dir, 'big'), FileType.S_IFBLK | 0o600, 259, 70000);
  const { rdev } = lstatSync(join(dir, 'big'));
  assert.deepEqual([deviceMajor(rdev), deviceMinor(rdev)], [259, 70000]);
  mkfifo(join(dir, 'fifo'), 0o640);
  assert.ok(lstatSync(join(dir, 'fifo')).isFIFO());

  const link = join(dir, 'link');
  symlinkSync('nowhere', link);
  lutimesNs(link, -1_500_000_000n, 1_700_000_000_123_456_789n);
  const stat = lstatSync(link, { bigint: true });
  assert.equal(stat.mtimeNs, 1_700_000_000_123_456_789n);
  assert.equal(stat.atimeNs, -1_500_000_000n);

  const file = join(dir, 'file');
  writeFileSync(file, '');
  setXattr(file, 'trusted.one', Buffer.from([0, 255]));
  setXattr(file, 'trusted.empty', Buffer.alloc(0));
  assert.deepEqual(listXattrs(file).sort(), ['trusted.empty', 'trusted.one']);
  assert.deepEqual(getXattr(file, 'trusted.one'), Buffer.from([0, 255]));
  assert.equal(getXattr(file, 'trusted.empty')?.length, 0);
  removeXattr(file, 'trusted.one');
  removeXattr(file, 'trusted.one');
  assert.equal(getXattr(file, 'trusted.one'), undefined);
  assert.throws(() => getXattr(join(dir, 'missing'), 'user.x'), { code: 'ENOENT' });
});

test('a lock excludes, waits, and ends with its holder', async () => {
  const path = join(dir, 'lock');
  const a = FileLock.tryAcquire(path, 'shared')!;
  const b = FileLock.tryAcquire(path, 'shared')!;
  assert.equal(FileLock.tryAcquire(path, 'exclusive'), undefined);
  a.release();
  const waiting = FileLock.acquire(path, 'exclusive');
  b.release();
  b.release();
  const c = await waiting;
  assert.equal(FileLock.tryAcquire(path, 'shared'), undefined);
  await assert.rejects(FileLock.acquire(path, 'shared', { signal: AbortSignal.timeout(5) }), { name: 'TimeoutError' });
  c.release();
  const holder = spawn('sh', ['-c', 'exec 9>"$0"; flock 9; echo held; exec sleep 60', path], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  assert.equal(FileLock.tryAcquire(path, 'exclusive'), undefined);
  const gone = new Promise((resolve) => holder.once('close', resolve));
  holder.kill('SIGKILL');
  await gone;
  (await FileLock.acquire(path, 'exclusive')).release();
});

test("a look at locks tells who is held, and is in nobody's way", () => {
  const [shared, exclusive, free] = ['look-s', 'look-x', 'look-f'].map((name) => join(dir, name)) as [string, string, string];
  using _one = FileLock.tryAcquire(shared, 'shared');
  using _two = FileLock.tryAcquire(exclusive, 'exclusive');
  FileLock.tryAcquire(free, 'exclusive')?.release();
  assert.deepEqual(lockedFiles([shared, exclusive, free, join(dir, 'look-none')]), new Set([shared, exclusive]));
});

test('a tree goes whatever is in it', async () => {
  const tree = join(dir, 'tree');
  mkdirSync(join(tree, 'closed/inner'), { recursive: true });
  chmodSync(join(tree, 'closed'), 0);
  writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xff, 0xfe])]), '');
  writeFileSync(join(tree, 'fixed'), '');
  await run('chattr', ['+i', join(tree, 'fixed')]);
  symlinkSync('/', join(tree, 'root'));
  removeTree(tree);
  assert.ok(!existsSync(tree));
  assert.ok(existsSync('/etc'));
  removeTree(tree);
  // Deeper than a path may be long.
  const cwd = process.cwd();
  mkdirSync(tree);
  try {
    process.chdir(tree);
    for (let i = 0; i < 40; i++) {
      mkdirSync('d'.repeat(200));
      process.chdir('d'.repeat(200));
    }
  } finally {
    process.chdir(cwd);
  }
  removeTree(tree);
  assert.ok(!existsSync(tree));
});

test('atomic writes leave nothing aside', () => {
  const folder = join(dir, 'atomic');
  mkdirSync(folder);
  writeFileAtomic(join(folder, 'f'), 'one', { mode: 0o600 });
  writeFileAtomic(join(folder, 'f'), 'two', { mode: 0o600 });
  assert.equal(readFileSync(join(folder, 'f'), 'utf8'), 'two');
  assert.equal(statSync(join(folder, 'f')).mode & 0o777, 0o600);
  assert.throws(() => writeFileAtomic(join(folder, 'no/f'), ''), { code: 'ENOENT' });
  assert.deepEqual(readdirSync(folder), ['f']);
});

test('processes: identity, output, signals, missing commands', async () => {
  assert.ok(processAlive(processIdentity()));
  assert.ok(!processAlive('1:other-boot:1'));
  assert.ok(!processAlive(''));
  assert.equal(processStartTime(2 ** 22 + 1), undefined);
  assert.deepEqual(await run('sh', ['-c', 'cat; echo bad >&2; exit 3'], { input: 'in' }), {
    exitCode: 3,
    signal: null,
    stdout: 'in',
    stderr: 'bad\n',
  });
  assert.equal((await run('sh', ['-c', 'kill -9 $$'])).exitCode, 137);
  await assert.rejects(run('no-such-command-here', []), { code: 'ENOENT' });
  await assert.rejects(run('sleep', ['60'], { signal: AbortSignal.timeout(5) }), { name: 'TimeoutError' });
  assert.equal(findExecutable('sh', '/nowhere:/bin'), '/bin/sh');
  assert.equal(findExecutable('no-such-command-here'), undefined);
});

test('a large tree is measured beside other work, each file once', async () => {
  const folder = join(dir, 'measured');
  mkdirSync(join(folder, 'below'), { recursive: true });
  for (let n = 0; n < 1100; n++) writeFileSync(join(folder, n % 2 === 0 ? 'below' : '', `f${n}`), '12345');
  linkSync(join(folder, 'f1'), join(folder, 'again'));
  const signal = new AbortController();
  assert.equal(await treeSizeBeside(folder, signal.signal), 5500);
  assert.equal(treeSize(folder), 5500);
  assert.equal(await treeSizeBeside(join(folder, 'f1'), signal.signal), 0);
  assert.equal(await treeSizeBeside(join(folder, 'none'), signal.signal), 0);
  let seen = false;
  setImmediate(() => {
    seen = true;
    signal.abort();
  });
  await assert.rejects(treeSizeBeside(folder, signal.signal), { name: 'AbortError' });
  assert.ok(seen);
});
