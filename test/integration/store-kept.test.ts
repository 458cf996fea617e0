// What is in use stays, whatever is removed beside it; what is lost is noticed; and nothing accumulates.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ContentStore, GarbageCollector, Leases } from '../../src/content/index.ts';
import { ImageStore } from '../../src/image/index.ts';
import { type Digest, sha256 } from '../../src/model/index.ts';
import { openSnapshotter } from '../../src/snapshot/index.ts';
import { Database, layout } from '../../src/store/index.ts';
import { FileLock, removeTree } from '../../src/sys/index.ts';
import { scratch, temporaryStore } from '../support/store.ts';

const base = scratch();
after(() => removeTree(base));

let stores = 0;
function store() {
  const folder = join(base, String(stores++));
  const places = layout(join(folder, 'root'), join(folder, 'run'));
  const db = Database.open(places.root);
  const content = new ContentStore(places, db);
  const snapshots = openSnapshotter(places, db, 'copy');
  const images = new ImageStore(places, db, content, snapshots);
  return { places, db, content, snapshots, images, leases: new Leases(db), collect: () => new GarbageCollector(places, db).collect() };
}

/** An image of one layer, which is a blob. */
function image(s: ReturnType<typeof store>, text: string, names: readonly string[], parentId?: Digest): Digest {
  using lease = s.leases.create();
  const blob = s.content.add(Buffer.from(text), lease);
  const config = { architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers' as const, diff_ids: [blob] } };
  const layers = [{ diffId: blob, tarSize: text.length, blob: { digest: blob, mediaType: 'tar' } }];
  return s.images.create({ config, layers, names, ...(parentId && { parentId }) }, lease).id;
}

/** What is told of an image of one layer that goes. */
const gone = (id: Digest, text: string): { kind: 'deleted'; id: Digest }[] =>
  [id, sha256(text)].map((one) => ({ kind: 'deleted', id: one }));

test('a leased image loses its name and nothing else; when the lease ends it can go', () => {
  const s = store();
  const id = image(s, 'kept', ['kept']);
  const lease = s.leases.create();
  assert.equal(s.images.hold('kept', lease)?.id, id);
  assert.throws(() => s.images.remove(id, { force: true }), { code: 'image.in-use' });
  assert.deepEqual(s.images.remove('kept'), [{ kind: 'untagged', name: 'kept:latest' }]);
  assert.deepEqual(s.images.removeUnused(id, { named: true }), []);
  s.collect();
  assert.ok(s.content.hold(sha256('kept')), 'its layer is there');
  assert.equal(s.images.get(id).id, id);
  lease.release();
  assert.deepEqual(s.images.removeUnused(id), gone(id, 'kept'));
  s.collect();
  assert.deepEqual(readdirSync(join(s.places.blobs, 'sha256')), []);
});

test('a prune that ends the leases of unfinished pulls leaves a pull that goes on alone', () => {
  const s = store();
  using own = s.leases.create();
  const lasting = s.leases.createLasting(60_000);
  const [first = '', second = ''] = ['first', 'second'].map((text) => {
    if (text === 'second') s.leases.endLasting();
    for (const lease of [lasting, own]) s.content.add(Buffer.from(text), lease);
    return sha256(text);
  });
  s.collect();
  assert.deepEqual(readdirSync(join(s.places.blobs, 'sha256')).sort(), [first, second].map((digest) => digest.slice(7)).sort());
  lasting.release();
  own.release();
  s.collect();
  assert.deepEqual(readdirSync(join(s.places.blobs, 'sha256')), []);
});

test('pruning removes nameless parents with their children, once, and none that is used', () => {
  const s = store();
  const parent = image(s, 'parent', []);
  const child = image(s, 'child', [], parent);
  assert.deepEqual(s.images.removeUnused(parent), [], 'it has a child');
  using lease = s.leases.create();
  s.images.hold(parent, lease);
  assert.deepEqual(s.images.removeUnused(child), gone(child, 'child'), 'the parent is held');
  lease.release();
  assert.deepEqual(s.images.removeUnused(parent), gone(parent, 'parent'));
  assert.deepEqual(s.images.removeUnused(parent), [], 'gone already');
});

test('a blob or snapshot whose file is missing is no longer found', () => {
  const s = store();
  using lease = s.leases.create();
  const blob = s.content.add(Buffer.from('lost'), lease);
  rmSync(s.content.path(blob));
  assert.ok(!s.content.hold(blob, lease));
  assert.equal(s.content.info(blob), undefined, 'it is fetched again');
  assert.equal(s.content.add(Buffer.from('lost'), lease), blob);
  assert.equal(s.content.read(blob).toString(), 'lost');
  const chainId = sha256('chain');
  const { id } = s.snapshots.prepare(null, lease);
  s.snapshots.commit(id, lease, { chainId });
  assert.equal(s.snapshots.hold(chainId, lease)?.id, id);
  removeTree(join(s.places.snapshots, String(id)));
  assert.equal(s.snapshots.hold(chainId, lease), undefined);
  const other = s.snapshots.prepare(null, lease);
  assert.equal(s.snapshots.commit(other.id, lease, { chainId }).id, other.id, 'it is made again');
});

test('an equal layer that is found at a commit is held by the same transaction', () => {
  const s = store();
  const chainId = sha256('chain');
  using first = s.leases.create();
  using second = s.leases.create();
  const [a, b] = [s.snapshots.prepare(null, first), s.snapshots.prepare(null, second)];
  s.snapshots.commit(a.id, first, { chainId });
  assert.equal(s.snapshots.commit(b.id, second, { chainId }).id, a.id);
  first.release();
  s.collect();
  assert.equal(s.snapshots.get(a.id)?.id, a.id);
});

test('files that no row knows go, a stray folder among the blobs too', () => {
  const s = store();
  using lease = s.leases.create();
  const kept = s.content.add(Buffer.from('kept'), lease);
  const blobs = join(s.places.blobs, 'sha256');
  writeFileSync(join(blobs, 'a'.repeat(64)), 'unknown');
  mkdirSync(join(blobs, 'folder', 'inner'), { recursive: true });
  mkdirSync(join(s.places.snapshots, '7', 'fs'), { recursive: true });
  mkdirSync(join(s.places.snapshots, '.trash', '3.1'), { recursive: true });
  writeFileSync(join(s.places.ingest, `${'0'.repeat(16)}.0`), 'of a process that is gone');
  const growing = s.content.ingest();
  FileLock.tryAcquire(join(s.places.locks, 'step-x'), 'exclusive')?.release();
  using held = FileLock.tryAcquire(join(s.places.locks, 'step-y'), 'exclusive');
  assert.ok(held);
  s.collect();
  assert.deepEqual(readdirSync(blobs), [kept.slice(7)]);
  assert.deepEqual(readdirSync(s.places.snapshots), []);
  assert.deepEqual(readdirSync(s.places.locks), ['step-y']);
  growing.write(Buffer.from('grown'));
  assert.equal(growing.commit().digest, sha256('grown'), 'what is being written stays');
});

test('a lock by key leaves no file, and one that waited for it holds a file that others see', async () => {
  const path = join(base, 'lock');
  const first = await FileLock.acquire(path, 'exclusive', { remove: true });
  const waiting = FileLock.acquire(path, 'exclusive', { remove: true });
  assert.equal(FileLock.tryAcquire(path, 'exclusive', { remove: true }), undefined);
  first.release();
  const second = await waiting;
  assert.ok(FileLock.isHeld(path));
  assert.equal(FileLock.tryAcquire(path, 'exclusive', { remove: true }), undefined, 'not a second file of the same name');
  second.release();
  assert.ok(!readdirSync(base).includes('lock'));
});

/** A process that leases an image of `s` until it is killed; it may live in a PID namespace of its own. */
async function holder(root: string, image: string, wrap: readonly string[]) {
  const code = `
    const { Leases } = await import('${import.meta.dirname}/../../src/content/index.ts');
    const { Database } = await import('${import.meta.dirname}/../../src/store/index.ts');
    new Leases(Database.open('${root}')).create().addImage('${image}');
    process.stdout.write('held');
    setInterval(() => {}, 1000);`;
  const args = [process.execPath, '--no-warnings', '--input-type=module', '-e', code];
  const child = spawn('/usr/bin/env', [...wrap, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return {
    async kill() {
      const ended = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGKILL');
      await ended;
    },
  };
}

for (const [where, wrap] of [
  ['here', []],
  ['in a PID namespace of its own', ['unshare', '--pid', '--mount-proc', '--fork', '--kill-child']],
] as const) {
  test(`a lease lives as long as its process, ${where}`, async () => {
    const s = store();
    const id = image(s, 'theirs', []);
    const other = await holder(s.places.root, id, wrap);
    assert.ok(!s.leases.anyDead());
    s.collect();
    assert.deepEqual(s.images.removeUnused(id), []);
    await other.kill();
    assert.ok(s.leases.anyDead());
    assert.deepEqual(s.images.removeUnused(id), gone(id, 'theirs'));
    s.collect();
    assert.equal(readdirSync(join(s.places.root, 'leases')).length, s.leases.create() && 1, 'only that of this process');
  });
}

test('prune after three builds of the original engine; nothing but what it says stays', async (t) => {
  const s = temporaryStore(t);
  await s.ok(['bootstrap', 'busybox']);
  const dir = join(s.folder, 'context');
  mkdirSync(dir);
  for (const round of ['1', '2', '3']) {
    writeFileSync(join(dir, 'Dockerfile'), `FROM busybox\nENV A=1\nRUN echo ${round} > /f\nCMD ["x"]\n`);
    await s.ok(['build', '-q', '-t', 'x', dir], { env: { DOCKER_BUILDKIT: '0' } });
  }
  const pruned = await s.ok(['image', 'prune', '-f']);
  assert.equal(pruned.match(/^deleted: sha256:/gm)?.length, 6, 'two images with a layer each, and what only they were built on');
  assert.match(await s.ok(['image', 'prune', '-f']), /^Total reclaimed space: 0B$/m);
  assert.equal(await s.ok(['run', '--rm', '--network', 'none', 'x', 'cat', '/f']).catch(String), '3\n');
  const [one, two] = await Promise.all([s.slipway(['system', 'prune', '-af']), s.slipway(['system', 'prune', '-af'])]);
  assert.deepEqual([one.exitCode, two.exitCode], [0, 0], one.stderr + two.stderr);
  assert.equal(await s.ok(['images', '-aq']), '');
  for (const folder of ['blobs/sha256', 'snapshots', 'ingest', 'locks', 'leases'])
    assert.deepEqual(readdirSync(join(s.root, folder)), [], folder);
});
