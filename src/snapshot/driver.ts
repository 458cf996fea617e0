// Which snapshotter a store has: found out once, when it is first needed, and the same ever after.
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { isSlipwayError, SlipwayError } from '../model/index.ts';
import type { Database, Layout } from '../store/index.ts';
import { removeTree } from '../sys/index.ts';
import { escaped, mountAll, unmountAll } from './mount.ts';
import type { Snapshotter } from './types.ts';

type Driver = Snapshotter['driver'];

export function chooseDriver(layout: Layout, db: Database, wanted: Driver | undefined): Driver {
  const known = db.read((sql) => sql.get<{ value: Driver }>("SELECT value FROM meta WHERE key = 'snapshotter'"))?.value;
  if (known === undefined) {
    const made = wanted ?? tryOverlay(layout);
    return made === undefined ? 'overlay' : record(db, made);
  }
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

function record(db: Database, driver: Driver): Driver {
  return db.transaction((sql) => {
    // Snapshots that are there already are overlays: stores did not always write down what they are.
    const made = sql.get('SELECT 1 FROM snapshots LIMIT 1') === undefined ? driver : 'overlay';
    sql.run("INSERT INTO meta (key, value) VALUES ('snapshotter', ?) ON CONFLICT (key) DO NOTHING", made);
    return sql.get<{ value: Driver }>("SELECT value FROM meta WHERE key = 'snapshotter'")!.value;
  });
}

/** Tries it where the snapshots will be; undefined when that cannot be found out, without the right to mount. */
function tryOverlay(layout: Layout): Driver | undefined {
  const folder = mkdtempSync(join(layout.snapshots, 'probe-'));
  const at = (name: string): string => join(folder, name);
  try {
    for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(at(name));
    mountAll(
      [{ type: 'overlay', source: 'overlay', options: ['lower', 'upper', 'work'].map((name) => `${name}dir=${escaped(at(name))}`) }],
      at('merged'),
    );
    unmountAll(at('merged'));
    return 'overlay';
  } catch (e) {
    if (isSlipwayError(e) && e.kind === 'failed-precondition') return 'copy';
    if ((isSlipwayError(e) && e.kind === 'permission-denied') || (e as NodeJS.ErrnoException).code === 'EPERM') return undefined;
    throw e;
  } finally {
    removeTree(folder);
  }
}
