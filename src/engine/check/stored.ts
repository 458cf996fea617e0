// The database against the files of the store, both ways. Files are listed before rows are read where rows come first, so that
// what other commands do meanwhile is no finding.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { unservable, withDescendants } from '../../content/index.ts';
import { isAbandoned, ownerAlive } from '../../store/index.ts';
import { FileLock } from '../../sys/index.ts';
import type { Engine } from '../engine.ts';
import type { Finding } from './types.ts';

export function checkDatabase(engine: Engine): Finding[] {
  const problem = (text: string): Finding => ({
    subject: 'database',
    id: 'slipway.db',
    problem: text,
    advice: 'save the images that can be saved, and begin another store',
  });
  return engine.db.read((sql) => [
    ...sql
      .all<{ quick_check: string }>('PRAGMA quick_check')
      .filter((r) => r.quick_check !== 'ok')
      .map((r) => problem(r.quick_check)),
    ...sql
      .all<{ table: string; parent: string }>('PRAGMA foreign_key_check')
      .map((r) => problem(`a row of ${r.table} has lost its ${r.parent}`)),
  ]);
}

/** @param known digests whose bytes were found right before */
export function checkBlobs(engine: Engine, known: Set<string>): Finding[] {
  const { content, layout } = engine;
  const folder = join(layout.blobs, 'sha256');
  const files = readdirSync(folder);
  const rows = content.list();
  const recorded = new Set(rows.map((r) => r.digest as string));
  const damaged = rows.flatMap(({ digest, size }): Finding[] => {
    const found = statSync(content.path(digest), { throwIfNoEntry: false });
    if (found === undefined) return [{ subject: 'blob', id: digest, problem: 'its file is missing' }];
    if (found.size !== size) return [{ subject: 'blob', id: digest, problem: `its file has ${found.size} bytes instead of ${size}` }];
    if (!known.has(digest) && !content.verify(digest)) return [{ subject: 'blob', id: digest, problem: 'its bytes have another digest' }];
    known.add(digest);
    return [];
  });
  const strays = files.filter((name) => !recorded.has(`sha256:${name}`));
  return [...damaged, ...strays.map((name): Finding => ({ subject: 'blob', id: name, problem: 'a file that the database does not know' }))];
}

interface SnapshotRow {
  readonly id: number;
  readonly state: string;
  readonly parent_id: number | null;
  readonly parent_state: string | null;
  readonly used: number;
}

const UNFINISHED = 'it was left unfinished';

/** Snapshots that cannot be served. */
export function brokenSnapshots(found: readonly Finding[]): number[] {
  return found.filter((f) => f.subject === 'snapshot' && f.problem !== UNFINISHED).map((f) => Number(f.id));
}

export function checkSnapshots(engine: Engine): Finding[] {
  const { layout, snapshots } = engine;
  const folders = readdirSync(layout.snapshots);
  const rows = engine.db.read((sql) =>
    sql.all<SnapshotRow>(
      `SELECT s.id, s.state, s.parent_id, p.state AS parent_state,
         EXISTS (SELECT 1 FROM containers c WHERE json_extract(c.json, '$.snapshotId') = s.id)
           OR EXISTS (SELECT 1 FROM lease_refs r WHERE r.kind = 'snapshot' AND r.key = CAST(s.id AS TEXT)) AS used
       FROM snapshots s LEFT JOIN snapshots p ON p.id = s.parent_id`,
    ),
  );
  const recorded = new Set(rows.map((r) => String(r.id)));
  const finding = (id: number | string, problem: string): Finding => ({ subject: 'snapshot', id: String(id), problem });
  return [
    ...rows.flatMap((r) => {
      if (r.state === 'active' && !r.used) return [finding(r.id, UNFINISHED)];
      if (!snapshots.isWhole(r.id)) return [finding(r.id, 'its files are missing')];
      if (r.parent_id !== null && r.parent_state !== 'committed') return [finding(r.id, `its parent ${r.parent_id} is missing`)];
      return [];
    }),
    ...folders.filter((name) => !recorded.has(name)).map((name) => finding(name, 'a folder that the database does not know')),
  ];
}

/** @param found what is wrong with the blobs and snapshots that images are made of */
export function checkImages(engine: Engine, found: readonly Finding[]): Finding[] {
  const broken = engine.db.read((sql) =>
    unservable(sql, {
      blobs: found.filter((f) => f.subject === 'blob').map((f) => f.id),
      snapshots: withDescendants(sql, brokenSnapshots(found)),
    }),
  );
  const lost = engine.db.read((sql) =>
    sql.all<{ key: string }>(
      'SELECT key FROM cache_records WHERE snapshot_id IS NOT NULL AND snapshot_id NOT IN (SELECT id FROM snapshots)',
    ),
  );
  return [
    ...broken.map((id): Finding => {
      const names = engine.db.read((sql) => sql.all<{ name: string }>('SELECT name FROM image_names WHERE image_id = ?', id));
      const what = names.map((r) => r.name).join(', ');
      return {
        subject: 'image',
        id,
        problem: 'its layers or its configuration are missing or damaged',
        advice: `pull or build ${what || 'it'} again`,
      };
    }),
    ...lost.map(({ key }): Finding => ({ subject: 'cache', id: key, problem: 'its snapshot is missing' })),
  ];
}

export function checkLeases(engine: Engine): Finding[] {
  const { root } = engine.layout;
  const dead = engine.db.read((sql) =>
    sql
      .all<{ id: string; owner: string; expires_at: number | null }>('SELECT id, owner, expires_at FROM leases')
      .filter((r) => (r.expires_at === null ? !ownerAlive(root, r.owner) : r.expires_at < engine.now())),
  );
  return dead.map(({ id }) => ({ subject: 'lease', id, problem: 'the process that held it is gone' }));
}

/** What killed processes were writing, and their locks. */
export function checkUnfinished(engine: Engine): Finding[] {
  const { ingest, locks, root } = engine.layout;
  const owned = readdirSync(ingest).filter((name) => isAbandoned(root, name));
  const held = (folder: string, name: string): boolean => FileLock.isHeld(join(folder, name));
  const owners = existsSync(join(root, 'leases'))
    ? readdirSync(join(root, 'leases')).filter((name) => !held(join(root, 'leases'), name))
    : [];
  return [
    ...owned.map((name): Finding => ({ subject: 'unfinished', id: name, problem: 'the process that was writing it is gone' })),
    ...owners.map((name): Finding => ({ subject: 'lease', id: name, problem: 'the file of a process that is gone' })),
    ...readdirSync(locks)
      .filter((name) => !name.startsWith('cache-') && !held(locks, name))
      .map((name): Finding => ({ subject: 'lock', id: name, problem: 'nobody holds it' })),
  ];
}

export function checkContainers(engine: Engine): Finding[] {
  const { containers, volumes } = engine.layout;
  const folders = readdirSync(containers);
  const volumeFolders = readdirSync(volumes);
  const rows = engine.db.read((sql) =>
    sql.all<{ id: string; name: string; snapshot: number }>(
      "SELECT id, name, json_extract(json, '$.snapshotId') AS snapshot FROM containers",
    ),
  );
  const ids = new Set(rows.map((r) => r.id));
  const names = engine.db.read((sql) => sql.all<{ name: string }>('SELECT name FROM volumes')).map((r) => r.name);
  return [
    ...rows
      .filter((r) => engine.snapshots.get(r.snapshot) === undefined)
      .map((r): Finding => ({
        subject: 'container',
        id: r.id,
        problem: `the files of ${r.name} are missing`,
        advice: `slipway rm -f ${r.name}`,
      })),
    ...folders
      .filter((id) => /^[0-9a-f]{64}$/.test(id) && !ids.has(id))
      .map((id): Finding => ({ subject: 'container', id, problem: 'a folder that the database does not know' })),
    ...volumeFolders
      .filter((name) => !names.includes(name))
      .map((name): Finding => ({
        subject: 'volume',
        id: name,
        problem: 'a folder that the database does not know',
        advice: 'look at it: it is not removed, since data of yours may lie in it',
      })),
  ];
}
