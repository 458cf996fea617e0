// One suite for every snapshotter, on real mounts: what a snapshot holds, what its layer is, and that the layer unpacked by any
// driver gives the same files again.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readTar } from '../../src/archive/testing.ts';
import { GarbageCollector, Leases } from '../../src/content/index.ts';
import type { Digest } from '../../src/model/index.ts';
import { CopySnapshotter } from '../../src/snapshot/copy.ts';
import { ErofsSnapshotter } from '../../src/snapshot/erofs.ts';
import { openSnapshotter, type Snapshotter, withMounted } from '../../src/snapshot/index.ts';
import { OverlaySnapshotter } from '../../src/snapshot/overlay.ts';
import { Database, layout, type Layout } from '../../src/store/index.ts';
import { getXattr, mknod, setXattr } from '../../src/sys/index.ts';
import { ext4 } from '../support/file-system.ts';

const base = ext4();

interface Store {
  readonly places: Layout;
  readonly db: Database;
  readonly leases: Leases;
  readonly snapshots: Snapshotter;
}

let stores = 0;
function store(make: (places: Layout, db: Database) => Snapshotter): Store {
  const folder = join(base, String(stores++));
  const places = layout(join(folder, 'root'), join(folder, 'run'));
  const db = Database.open(places.root);
  return { places, db, leases: new Leases(db), snapshots: make(places, db) };
}

const DRIVERS: Readonly<Record<string, (places: Layout, db: Database) => Snapshotter>> = {
  erofs: (places, db) => new ErofsSnapshotter(places, db),
  overlay: (places, db) => new OverlaySnapshotter(places, db),
  copy: (places, db) => new CopySnapshotter(places, db),
};

/** A new snapshot on `parent`, changed by `fn` and committed. */
function make(s: Store, parent: number | null, fn: (root: string) => void): number {
  using lease = s.leases.create();
  const { id } = s.snapshots.prepare(parent, lease);
  withMounted(s.places, s.snapshots.mounts(id), fn);
  s.snapshots.commit(id, lease);
  return id;
}

function tarOf(s: Store, id: number): Buffer {
  const chunks: Buffer[] = [];
  s.snapshots.diff(id, (chunk) => void chunks.push(Buffer.from(chunk)));
  return Buffer.concat(chunks);
}

const look = <T>(s: Store, id: number, fn: (root: string) => T): T => withMounted(s.places, s.snapshots.view(id), fn);

/** Every path with what a layer keeps of it. */
function tree(root: string): string[] {
  return fs
    .readdirSync(root, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const path = join(root, name);
      const stat = fs.lstatSync(path);
      const what = stat.isSymbolicLink()
        ? fs.readlinkSync(path)
        : stat.isFile()
          ? createHash('sha256').update(fs.readFileSync(path)).digest('hex')
          : stat.rdev;
      return [
        name,
        stat.mode.toString(8),
        stat.uid,
        stat.gid,
        stat.isDirectory() ? '' : Math.floor(stat.mtimeMs / 1000),
        what,
        getXattr(path, 'security.capability')?.toString('hex') ?? '',
      ].join(' ');
    });
}

const CAPABILITY = Buffer.from('0100000200040000000000000000000000000000', 'hex');
const file = (path: string, text: string, mode = 0o644): void => {
  fs.mkdirSync(join(path, '..'), { recursive: true });
  fs.writeFileSync(path, text);
  fs.chmodSync(path, mode);
};

function first(root: string): void {
  for (const name of ['same', 'changed', 'gone', 'dir/a', 'dir/b', 'emptied/x', 'replaced/x', 'becomes-dir', 'swap/old'])
    file(join(root, name), `first ${name}`);
  fs.symlinkSync('same', join(root, 'link'));
  file(join(root, 'caps'), 'caps', 0o755);
  setXattr(join(root, 'caps'), 'security.capability', CAPABILITY);
  fs.linkSync(join(root, 'same'), join(root, 'same-again'));
  mknod(join(root, 'null'), fs.constants.S_IFCHR | 0o666, 1, 3);
  fs.chownSync(join(root, 'dir'), 5, 6);
}

function second(root: string): void {
  file(join(root, 'changed'), 'second');
  fs.rmSync(join(root, 'gone'));
  fs.chmodSync(join(root, 'dir/b'), 0o4755);
  fs.rmSync(join(root, 'emptied/x'));
  fs.rmSync(join(root, 'replaced'), { recursive: true });
  file(join(root, 'replaced'), 'a file now');
  fs.rmSync(join(root, 'becomes-dir'));
  file(join(root, 'becomes-dir/inside'), 'inside');
  fs.rmSync(join(root, 'swap'), { recursive: true });
  file(join(root, 'swap/new'), 'new');
  file(join(root, 'deep/er/est'), 'new');
  fs.unlinkSync(join(root, 'link'));
  fs.symlinkSync('changed', join(root, 'link'));
  file(join(root, 'one-of-two'), 'twice');
  fs.linkSync(join(root, 'one-of-two'), join(root, 'two-of-two'));
}

for (const [name, driver] of Object.entries(DRIVERS)) {
  describe(`the ${name} snapshotter`, () => {
    test('holds what was written, on top of what was there', () => {
      const s = store(driver);
      const one = make(s, null, first);
      const two = make(s, one, second);
      look(s, one, (root) => assert.equal(fs.readFileSync(join(root, 'changed'), 'utf8'), 'first changed'));
      look(s, two, (root) => {
        assert.equal(fs.readFileSync(join(root, 'changed'), 'utf8'), 'second');
        assert.equal(fs.readFileSync(join(root, 'same'), 'utf8'), 'first same');
        assert.equal(fs.lstatSync(join(root, 'same')).nlink, 2);
        assert.deepEqual(fs.readdirSync(join(root, 'emptied')), []);
        assert.deepEqual(fs.readdirSync(join(root, 'swap')), ['new']);
        assert.deepEqual(getXattr(join(root, 'caps'), 'security.capability'), CAPABILITY);
        assert.ok(!fs.existsSync(join(root, 'gone')));
        assert.throws(() => fs.writeFileSync(join(root, 'x'), ''), { code: 'EROFS' });
      });
      assert.deepEqual([s.snapshots.get(two)?.parentId, s.snapshots.get(two)?.state], [one, 'committed']);
    });

    test('a layer has what changed and nothing else, and is the same bytes each time', () => {
      const s = store(driver);
      const one = make(s, null, first);
      const two = make(s, one, second);
      const tar = tarOf(s, two);
      assert.deepEqual(tarOf(s, two), tar);
      const names = readTar(tar).map((m) => m.entry.path);
      for (const path of [
        'changed',
        '.wh.gone',
        'dir/b',
        'emptied/.wh.x',
        'replaced',
        'becomes-dir/inside',
        'swap/new',
        'deep/er/est',
        'link',
      ]) {
        assert.ok(names.includes(path), `${path} is missing from ${names.join(' ')}`);
      }
      for (const path of ['same', 'caps', 'null', 'dir/a', 'swap/old']) assert.ok(!names.includes(path), `${path} did not change`);
      const twice = readTar(tar).filter((m) => /of-two/.test(m.entry.path));
      assert.deepEqual(
        twice.map((m) => m.entry.type),
        ['file', 'link'],
      );
    });

    test('a step that changes nothing has an empty layer', () => {
      const s = store(driver);
      const one = make(s, null, first);
      const two = make(s, one, (root) => void fs.readFileSync(join(root, 'same')));
      assert.equal(s.snapshots.diff(two, () => {}).files, 0);
    });

    for (const [other, receiver] of Object.entries(DRIVERS)) {
      test(`its layers, unpacked by ${other}, are the same files`, () => {
        const from = store(driver);
        const to = store(receiver);
        const ids = [make(from, null, first)];
        ids.push(make(from, ids[0]!, second));
        let parent: number | null = null;
        for (const id of ids) {
          using lease = to.leases.create();
          const active = to.snapshots.prepare(parent, lease);
          const unpacker = to.snapshots.unpacker(active.id);
          unpacker.write(tarOf(from, id));
          unpacker.finish();
          parent = to.snapshots.commit(active.id, lease).id;
          assert.deepEqual(look(to, parent, tree), look(from, id, tree));
        }
      });
    }

    test('a chain of 250', () => {
      const s = store(driver);
      let at: number | null = null;
      for (let i = 0; i < 250; i++) at = make(s, at, (root) => fs.writeFileSync(join(root, `f${i % 50}`), String(i)));
      look(s, at as number, (root) => {
        assert.equal(fs.readdirSync(root).length, 50);
        assert.equal(fs.readFileSync(join(root, 'f49'), 'utf8'), '249');
      });
    });

    test('two that unpack the same layer end with one', () => {
      const s = store(driver);
      using lease = s.leases.create();
      const chainId: Digest = `sha256:${'a'.repeat(64)}`;
      const [a, b] = [s.snapshots.prepare(null, lease), s.snapshots.prepare(null, lease)];
      assert.equal(s.snapshots.commit(a.id, lease, { chainId }).id, a.id);
      assert.equal(s.snapshots.commit(b.id, lease, { chainId }).id, a.id);
      assert.equal(s.snapshots.get(b.id), undefined);
      assert.ok(!fs.existsSync(s.snapshots.directory(b.id)));
    });

    test('who ends with the one of another holds it from then on', () => {
      const s = store(driver);
      const chainId: Digest = `sha256:${'b'.repeat(64)}`;
      const lease = s.leases.create();
      const a = s.snapshots.commit(s.snapshots.prepare(null, lease).id, lease, { chainId });
      using other = s.leases.create();
      assert.equal(s.snapshots.commit(s.snapshots.prepare(null, other).id, other, { chainId }).id, a.id);
      lease[Symbol.dispose]();
      new GarbageCollector(s.places, s.db).collect();
      assert.equal(s.snapshots.hold(a.id, other)?.id, a.id);
      other[Symbol.dispose]();
      new GarbageCollector(s.places, s.db).collect();
      assert.equal(s.snapshots.get(a.id), undefined);
    });

    test('what others stand on stays, what nobody holds is collected', () => {
      const s = store(driver);
      const one = make(s, null, first);
      using lease = s.leases.create();
      const two = s.snapshots.prepare(one, lease);
      assert.throws(() => s.snapshots.remove(one), { code: 'snapshot.has-children' });
      assert.throws(() => s.snapshots.prepare(two.id, lease), { code: 'snapshot.no-parent' });
      s.snapshots.remove(two.id);
      new GarbageCollector(s.places, s.db).collect();
      assert.equal(s.snapshots.get(one), undefined);
      assert.deepEqual(fs.readdirSync(s.places.snapshots), []);
    });
  });
}

test('both drivers make the same layer of the same change', () => {
  const change = (root: string): void => {
    file(join(root, 'new/file'), 'new');
    file(join(root, 'changed'), 'second');
    fs.rmSync(join(root, 'gone'));
    fs.chmodSync(join(root, 'dir/b'), 0o600);
    // the two are made one after the other, and a second can end in between
    for (const path of ['new', 'new/file', 'changed', 'dir/b', 'dir', '.']) fs.utimesSync(join(root, path), 1e9, 1e9);
  };
  const tars = Object.values(DRIVERS).map((driver) => {
    const s = store(driver);
    return tarOf(s, make(s, make(s, null, first), change));
  });
  assert.deepEqual(
    readTar(tars[0]!).map((m) => m.entry.path),
    readTar(tars[1]!).map((m) => m.entry.path),
  );
  assert.ok(tars[0]!.equals(tars[1]!));
});

test('a store keeps the driver that it was begun with', () => {
  const folder = join(base, 'choice');
  const places = layout(join(folder, 'root'), join(folder, 'run'));
  const db = Database.open(places.root);
  assert.equal(openSnapshotter(places, db, 'copy').driver, 'copy');
  assert.equal(openSnapshotter(places, db).driver, 'copy');
  assert.throws(() => openSnapshotter(places, db, 'overlay'), { code: 'snapshot.driver' });
  assert.equal(store(openSnapshotter).snapshots.driver, 'erofs');
});
