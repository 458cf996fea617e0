// Layers kept as tars: mounted, they are what unpacking them gives, whatever is in them; and what cannot be mounted is unpacked.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeTar, type Member } from '../../src/archive/testing.ts';
import { GarbageCollector, Leases } from '../../src/content/index.ts';
import { isSlipwayError } from '../../src/model/index.ts';
import { openSnapshotter, type Snapshotter, withMounted } from '../../src/snapshot/index.ts';
import { Database, layout } from '../../src/store/index.ts';
import { getXattr, isMounted, listXattrs } from '../../src/sys/index.ts';
import { ext4 } from '../support/file-system.ts';

const base = ext4();

let stores = 0;
function store(driver?: Snapshotter['driver'], folder = join(base, `store,${stores++}`)) {
  const places = layout(join(folder, 'root'), join(folder, 'run'));
  const db = Database.open(places.root);
  const leases = new Leases(db);
  return { folder, places, db, leases, lease: leases.create(), snapshots: openSnapshotter(places, db, driver) };
}
type Store = ReturnType<typeof store>;

const [major = 0, minor = 0] = release().split('.').map(Number);
const recent = major > 6 || (major === 6 && minor >= 12);
const skip = recent ? false : 'this kernel mounts no layers from files (6.12 does)';

function add(s: Store, parent: number | null, tar: Buffer, step = 700): number {
  const { id } = s.snapshots.prepare(parent, s.lease);
  const unpacker = s.snapshots.unpacker(id);
  try {
    for (let at = 0; at < tar.length; at += step) unpacker.write(tar.subarray(at, at + step));
    unpacker.finish();
    return s.snapshots.commit(id, s.lease).id;
  } catch (e) {
    unpacker.abort();
    s.snapshots.remove(id);
    throw e;
  }
}

const isPacked = (s: Store, id: number): boolean => fs.existsSync(join(s.snapshots.directory(id), '../layer.erofs'));

/** The paths below a folder, sorted. (`readdirSync` with `recursive` follows links, and ends at a loop.) */
function pathsBelow(root: string, at: string): string[] {
  const below = fs.readdirSync(join(root, at), { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return below.flatMap((entry) => {
    const path = join(at, entry.name);
    return entry.isDirectory() ? [path, ...pathsBelow(root, path)] : [path];
  });
}

/** Everything that stat(2) and the attributes say of each file, and what is in it. */
function files(root: string): string[] {
  const all = ['', ...pathsBelow(root, '')];
  const first = new Map<string, string>();
  return all.map((name) => {
    const path = join(root, name);
    const stat = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
    // overlayfs lists a whiteout below which nothing is
    if (stat === undefined) return `${name} gone`;
    const inode = `${stat.dev}:${stat.ino}`;
    if (!first.has(inode)) first.set(inode, name);
    const content = stat.isFile() ? fs.readFileSync(path, 'latin1') : stat.isSymbolicLink() ? fs.readlinkSync(path) : stat.rdev;
    const xattrs = listXattrs(path)
      .sort()
      .map((x) => `${x}=${getXattr(path, x)?.toString('hex')}`);
    // a whiteout has no times, and those of directories without an entry are those of when they were made
    const time = stat.isDirectory() || (stat.isCharacterDevice() && stat.rdev === 0n) ? '' : stat.mtimeNs;
    const links = stat.isDirectory() ? '' : `${stat.nlink} ${first.get(inode)}`;
    return [name, stat.mode.toString(8), stat.uid, stat.gid, time, links, content, ...xattrs].join(' ');
  });
}

const shown = (s: Store, id: number): string[] => withMounted(s.places, s.snapshots.view(id), files);

/** Numbers below `n`, the same for a seed (Numerical Recipes' generator). */
function dice(seed: number): (n: number) => number {
  let state = seed;
  return (n) => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) % n;
}

function randomLayer(roll: (n: number) => number): Member[] {
  const pick = <T>(list: readonly T[]): T => list[roll(list.length)]!;
  const path = (): string => Array.from({ length: 1 + roll(3) }, () => pick(['a', 'b', 'c', 'ä'])).join('/');
  const earlier = [path()];
  return Array.from({ length: 1 + roll(12) }, (): Member => {
    earlier.push(path());
    const common = {
      path: earlier.at(-1)!,
      uid: roll(3),
      gid: roll(3),
      mode: pick([0o644, 0o755, 0o4755, 0o2775, 0o1777]),
      mtimeNs: BigInt(roll(1e9)) * 1_000_000_007n,
    };
    const xattrs = new Map([
      ['user.note', Buffer.from('x'.repeat(roll(600)))],
      ['security.capability', Buffer.from('0100000200040000000000000000000000000000', 'hex')],
    ]);
    switch (roll(10)) {
      case 0:
      case 1:
      case 2:
        return { ...common, content: 'x'.repeat(pick([0, 1, 511, 512, 513, 5000])), ...(roll(4) === 0 && { xattrs }) };
      case 3:
      case 4:
        return { ...common, type: 'dir', ...(roll(4) === 0 && { xattrs: new Map([...xattrs].slice(0, 1)) }) };
      case 5:
        return { ...common, type: 'symlink', link: pick(['a', '/b', '../c', 'x'.repeat(1 + roll(1000))]) };
      case 6:
        return { ...common, type: 'link', link: pick(earlier) };
      case 7:
        return { ...common, path: common.path.replace(/[^/]*$/, '.wh.$&') };
      case 8:
        return { ...common, path: common.path.replace(/[^/]*$/, '.wh..wh..opq') };
      default:
        return { ...common, type: pick(['char', 'block', 'fifo'] as const), major: 1 + roll(4000), minor: roll(100_000) };
    }
  });
}

test('random layers on each other are what unpacking them gives', { skip }, () => {
  let packed = 0;
  for (let seed = 1; seed <= 150; seed++) {
    const [one, other] = [store('erofs'), store('overlay')];
    const roll = dice(seed);
    let at: [number | null, number | null] = [null, null];
    for (let layer = 0; layer < 3; layer++) {
      const members = randomLayer(roll);
      const tar = makeTar(members);
      const results = [one, other].map((s, i) => {
        try {
          return add(s, at[i]!, tar);
        } catch (e) {
          assert.ok(isSlipwayError(e), String(e));
          return e.message;
        }
      });
      const [a, b] = results;
      const what = `seed ${seed}, layer ${layer}: ${JSON.stringify(members, (_, v: unknown) => (typeof v === 'bigint' ? String(v) : v))}`;
      if (typeof a !== 'number' || typeof b !== 'number') {
        assert.equal(a, b, what);
        break;
      }
      assert.deepEqual(shown(one, a), shown(other, b), what);
      if (isPacked(one, a)) packed++;
      at = [a, b];
    }
    for (const s of [one, other]) s.lease[Symbol.dispose]();
    new GarbageCollector(one.places, one.db).collect();
    assert.deepEqual(fs.readdirSync(one.places.snapshots), []);
  }
  assert.ok(packed > 100, `${packed} of the layers were kept as tars`);
});

test('what an index cannot tell is unpacked', { skip }, () => {
  const s = store('erofs');
  const below = add(s, null, makeTar([{ path: 'file', content: 'below' }, { path: 'dir/', mode: 0o700, uid: 4 }, { path: 'dir/x' }]));
  assert.ok(isPacked(s, below));
  const cases: Readonly<Record<string, readonly Member[]>> = {
    'a link to a file of a layer below': [{ path: 'again', type: 'link', link: 'file' }],
    'a path through a link': [{ path: 'l', type: 'symlink', link: 'dir' }, { path: 'l/inside' }],
    'an access list': [
      {
        path: 'f',
        xattrs: new Map([
          ['system.posix_acl_access', Buffer.from('0200000001000600ffffffff04000400ffffffff10000400ffffffff20000400ffffffff', 'hex')],
        ]),
      },
    ],
  };
  for (const [what, members] of Object.entries(cases)) {
    const id = add(s, below, makeTar(members));
    assert.equal(isPacked(s, id), false, what);
    assert.deepEqual(fs.readdirSync(join(s.snapshots.directory(id), '..')), ['fs'], what);
  }
  const passing = add(s, below, makeTar([{ path: 'dir/y' }]));
  assert.ok(isPacked(s, passing));
  assert.ok(
    shown(s, passing).some((l) => l.startsWith('dir 40700 4 0')),
    'a directory on the way is as below',
  );
});

test('the tar of a layer is the one that came, and other times make another', { skip }, () => {
  const s = store('erofs');
  // as no writer of ours would have it: unsorted, and with a time within a second
  const tar = makeTar([
    { path: 'b', mtimeNs: 5_000_000_001n },
    { path: './a', content: 'a' },
  ]);
  const id = add(s, null, tar);
  const read = (latest?: bigint): Buffer => {
    const chunks: Buffer[] = [];
    const { size, files: n, content } = s.snapshots.diff(id, (chunk) => void chunks.push(Buffer.from(chunk)), latest);
    assert.deepEqual([n, content], [2, 1]);
    assert.equal(size, Buffer.concat(chunks).length);
    return Buffer.concat(chunks);
  };
  assert.ok(read().equals(tar));
  assert.ok(!read(1n).equals(tar));
});

test('a layer without its index is found out, and its tar without it is too', { skip }, () => {
  const s = store('erofs');
  for (const name of ['layer.erofs', 'layer.tar']) {
    const id = add(s, null, makeTar([{ path: name }]));
    assert.ok(s.snapshots.isWhole(id));
    fs.rmSync(join(s.snapshots.directory(id), '..', name));
    assert.equal(s.snapshots.isWhole(id), false);
    assert.equal(s.snapshots.hold(id, s.lease), undefined);
  }
});

test('what is mounted goes when the snapshot is removed, by whoever does it', { skip }, () => {
  const s = store('erofs');
  const [mine, collected] = [add(s, null, makeTar([{ path: 'a' }])), add(s, null, makeTar([{ path: 'b' }]))];
  for (const id of [mine, collected]) assert.equal(shown(s, id).length, 2);
  assert.ok(isMounted(s.snapshots.directory(mine)));
  s.snapshots.remove(mine);
  s.lease[Symbol.dispose]();
  new GarbageCollector(s.places, s.db).collect();
  assert.deepEqual(fs.readdirSync(s.places.snapshots), []);
  assert.equal(isMounted(s.snapshots.directory(mine)) || isMounted(s.snapshots.directory(collected)), false);
});

test('a store of overlays goes on with layers as tars, with all that is in it', { skip }, () => {
  const before = store('overlay');
  const one = add(before, null, makeTar([{ path: 'dir/one', content: '1' }]));
  const after = store(undefined, before.folder);
  assert.equal(after.snapshots.driver, 'erofs');
  const two = add(
    after,
    one,
    makeTar([
      { path: 'dir/two', content: '2' },
      { path: 'dir/.wh.one', content: '' },
    ]),
  );
  assert.deepEqual([isPacked(after, one), isPacked(after, two)], [false, true]);
  assert.deepEqual(
    shown(after, two).map((l) => l.split(' ')[0]),
    ['', 'dir', 'dir/two'],
  );
  assert.throws(() => store('overlay', before.folder), { code: 'snapshot.driver' });
});

test('a file system that no layer can be mounted from has overlays', () => {
  const folder = fs.mkdtempSync('/dev/shm/slipway-no-erofs-');
  try {
    assert.equal(store(undefined, folder).snapshots.driver, 'overlay');
    assert.equal(store(undefined, folder).snapshots.driver, 'overlay');
    assert.throws(() => store('erofs', folder), { code: 'snapshot.driver', message: /cannot be mounted from files/ });
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});
