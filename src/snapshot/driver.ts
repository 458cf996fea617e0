// Which snapshotter a store has: found out once, when it is first needed. Only from overlay to erofs a store changes later, since what is
// in it stays as it is: where a kernel can mount layers, what comes from then on is kept so.
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { encodeHeader, END_OF_ARCHIVE, padding, type TarEntry } from '../archive/index.ts';
import { isSlipwayError, SlipwayError } from '../model/index.ts';
import type { Database, Layout, Sql } from '../store/index.ts';
import { leaveMount, removeTree } from '../sys/index.ts';
import { LayerPacker, mountIndex, PackedLayer } from './erofs/index.ts';
import { escaped, mountAll, unmountAll } from './mount.ts';
import type { Driver } from './types.ts';

/** The kernel that was asked whether it can mount layers from files, and cannot here. */
const REFUSED_BY = 'erofs-refused-by';

const PROBE_BYTES = Buffer.from('a layer');
const PROBE: TarEntry = { path: 'file', type: 'file', mode: 0o644, uid: 0, gid: 0, size: PROBE_BYTES.length, mtimeNs: 0n };

export function chooseDriver(layout: Layout, db: Database, wanted: Driver | undefined): Driver {
  const known = db.read((sql) => value(sql, 'snapshotter')) as Driver | undefined;
  if (known === undefined) {
    if (wanted === 'erofs' && tried(() => tryErofs(layout)) !== true) throw noErofs(layout);
    const found = wanted ?? tryDrivers(layout);
    return found === undefined ? 'overlay' : record(db, found);
  }
  if (known === 'overlay' && (wanted ?? 'erofs') === 'erofs') return upgrade(layout, db, wanted);
  if (wanted === undefined || wanted === known) return known;
  throw new SlipwayError(
    'failed-precondition',
    'snapshot.driver',
    `the store ${layout.root} was begun with the snapshotter ${known}, and cannot change to ${wanted}`,
    {
      hints: ['begin another store for it: SLIPWAY_ROOT=FOLDER'],
    },
  );
}

const value = (sql: Sql, key: string): string | undefined => sql.get<{ value: string }>('SELECT value FROM meta WHERE key = ?', key)?.value;

function record(db: Database, driver: Driver): Driver {
  return db.transaction((sql) => {
    // Snapshots that are there already are overlays: stores did not always write down what they are.
    const made = sql.get('SELECT 1 FROM snapshots LIMIT 1') === undefined ? driver : 'overlay';
    sql.run("INSERT INTO meta (key, value) VALUES ('snapshotter', ?) ON CONFLICT (key) DO NOTHING", made);
    return value(sql, 'snapshotter') as Driver;
  });
}

/** From overlay to erofs, where this kernel can. */
function upgrade(layout: Layout, db: Database, wanted: Driver | undefined): Driver {
  if (wanted === undefined && db.read((sql) => value(sql, REFUSED_BY)) === release()) return 'overlay';
  const can = tried(() => tryErofs(layout));
  if (can === true) {
    db.transaction((sql) => sql.run("UPDATE meta SET value = 'erofs' WHERE key = 'snapshotter' AND value = 'overlay'"));
    return 'erofs';
  }
  if (wanted !== undefined) throw noErofs(layout);
  if (can === false)
    db.transaction((sql) =>
      sql.run('INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value', REFUSED_BY, release()),
    );
  return 'overlay';
}

const noErofs = (layout: Layout): SlipwayError =>
  new SlipwayError('failed-precondition', 'snapshot.driver', `layers cannot be mounted from files in ${layout.snapshots}`, {
    hints: ['the snapshotter erofs needs Linux 6.12 with EROFS, root, and a store on ext4, XFS or Btrfs'],
  });

/** The best that can be mounted where the snapshots will be; undefined when that cannot be found out, without the right to mount. */
function tryDrivers(layout: Layout): Driver | undefined {
  const overlay = tried(() => inProbeFolder(layout, (at) => tryOverlay(at, ['lower'])));
  if (overlay !== true) return overlay === false ? 'copy' : undefined;
  return tried(() => tryErofs(layout)) === true ? 'erofs' : 'overlay';
}

/** True, false for what this machine cannot mount, undefined without the right to try. */
function tried(mounting: () => void): boolean | undefined {
  try {
    mounting();
    return true;
  } catch (e) {
    if (isSlipwayError(e) && e.kind === 'failed-precondition') return false;
    if ((isSlipwayError(e) && e.kind === 'permission-denied') || (e as NodeJS.ErrnoException).code === 'EPERM') return undefined;
    throw e;
  }
}

function inProbeFolder(layout: Layout, fn: (at: (name: string) => string) => void): void {
  const folder = mkdtempSync(join(layout.snapshots, 'probe-'));
  try {
    fn((name) => join(folder, name));
  } finally {
    removeTree(folder);
  }
}

function tryOverlay(at: (name: string) => string, lowers: readonly string[]): void {
  for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(at(name), { recursive: true });
  const options = [`lowerdir=${lowers.map((name) => escaped(at(name))).join(':')}`, `upperdir=${escaped(at('upper'))}`];
  mountAll([{ type: 'overlay', source: 'overlay', options: [...options, `workdir=${escaped(at('work'))}`] }], at('merged'));
  unmountAll(at('merged'));
}

/** With an overlay on it: file systems stack only so deep (Linux, FILESYSTEM_MAX_STACK_DEPTH). */
function tryErofs(layout: Layout): void {
  inProbeFolder(layout, (at) => {
    mkdirSync(at('layer'));
    const files = { tar: at('tar'), index: at('index') };
    const unpack = () => {
      throw noErofs(layout);
    };
    const packer = new LayerPacker(new PackedLayer(files, [], unpack));
    packer.write(Buffer.concat([encodeHeader(PROBE), PROBE_BYTES, padding(PROBE.size), END_OF_ARCHIVE]));
    packer.finish();
    mountIndex(files, at('layer'));
    try {
      if (!readFileSync(join(at('layer'), PROBE.path)).equals(PROBE_BYTES)) throw noErofs(layout);
      tryOverlay(at, ['layer', 'lower']);
    } finally {
      leaveMount(at('layer'));
    }
  });
}
