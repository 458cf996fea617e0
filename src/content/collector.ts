// The garbage collector: keeps what images, containers, cache records and live leases reach, and removes the rest, in two phases.
// First a transaction removes rows; nobody can take a lease meanwhile, so nothing that somebody just found can vanish. When it is
// durable, files that no row knows are removed. A collector that dies in between leaves such files to the next one.
import { lstatSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, isAbandoned, type Layout, type Sql, sweepOwned, sweepOwners } from '../store/index.ts';
import { FileLock, leaveMount, removeTree } from '../sys/index.ts';
import { crashPoint } from '../util/index.ts';
import { endDeadLeases } from './leases.ts';

export interface Collected {
  readonly blobs: number;
  readonly snapshots: number;
  /** Bytes of the blobs and, as far as they were known, of the snapshots. */
  readonly bytes: number;
}

/** Snapshots that something refers to, with all their parents. */
export const REACHED_SNAPSHOTS = `
WITH RECURSIVE
  seeds(id) AS (
    SELECT CAST(json_extract(json, '$.snapshotId') AS INTEGER) FROM containers
    UNION SELECT snapshot_id FROM cache_records WHERE snapshot_id IS NOT NULL
    UNION SELECT snapshot_id FROM cache_mounts WHERE snapshot_id IS NOT NULL
    UNION SELECT CAST(key AS INTEGER) FROM lease_refs WHERE kind = 'snapshot'
    UNION SELECT s.id FROM snapshots s JOIN image_layers l ON l.chain_id = s.chain_id
  ),
  reached(id) AS (
    SELECT id FROM seeds
    UNION SELECT s.parent_id FROM snapshots s JOIN reached r ON s.id = r.id WHERE s.parent_id IS NOT NULL
  )
SELECT id FROM reached`;

/** Blobs that something refers to. The digest of a layer's snapshot is no blob, and does no harm here. */
const REACHED_BLOBS = `
SELECT id AS digest FROM images
UNION SELECT manifest_digest FROM images WHERE manifest_digest IS NOT NULL
UNION SELECT digest FROM image_digests
UNION SELECT l.blob_digest FROM layers l JOIN image_layers i ON i.diff_id = l.diff_id WHERE l.blob_digest IS NOT NULL
UNION SELECT key FROM lease_refs WHERE kind IN ('blob', 'image')`;

export class GarbageCollector {
  readonly #layout: Layout;
  readonly #db: Database;

  constructor(layout: Layout, db: Database) {
    this.#layout = layout;
    this.#db = db;
  }

  /** Removes everything that nothing refers to. Other processes, other collectors too, may go on working meanwhile. */
  collect(): Collected {
    // files must not go before it is durable that their rows went
    const collected = this.#db.durably((sql) => {
      endDeadLeases(sql, this.#layout.root);
      const snapshots = removeSnapshotRows(sql);
      const blobs = removeBlobRows(sql);
      sql.run(
        'DELETE FROM layers WHERE diff_id NOT IN (SELECT diff_id FROM image_layers) AND diff_id NOT IN (SELECT diff_id FROM snapshots WHERE diff_id IS NOT NULL)',
      );
      sql.run('DELETE FROM layer_forms WHERE diff_id NOT IN (SELECT diff_id FROM layers)');
      sql.run(
        'DELETE FROM blob_repositories WHERE digest NOT IN (SELECT digest FROM blobs) AND digest NOT IN (SELECT digest FROM layer_forms)',
      );
      crashPoint('collector.before-commit');
      return { blobs: blobs.count, snapshots: snapshots.count, bytes: blobs.bytes + snapshots.bytes };
    });
    crashPoint('collector.committed');
    this.#removeUnknownSnapshots();
    this.#removeUnknownBlobs();
    this.#sweepIngests();
    this.#sweepLocks();
    sweepOwners(this.#layout.root);
    return collected;
  }

  /** A folder is created after its row, and no ID is used twice: one without a row will never get one. */
  #removeUnknownSnapshots(): void {
    const folder = this.#layout.snapshots;
    const found = readdirSync(folder);
    const known = new Set(this.#db.read((sql) => sql.all<{ id: number }>('SELECT id FROM snapshots')).map((r) => String(r.id)));
    for (const name of found) {
      const path = join(folder, name);
      if (/^\d+$/.test(name) ? known.has(name) : name !== '.trash' && !(name.startsWith('probe-') && isOld(path))) continue;
      leaveMount(join(path, 'fs'));
      removeTree(path);
      crashPoint('collector.snapshot-removed');
    }
  }

  /** The same bytes may come back under the same name, in a transaction as well: a file is removed inside one. */
  #removeUnknownBlobs(): void {
    const folder = join(this.#layout.blobs, 'sha256');
    const found = readdirSync(folder);
    const known = new Set(this.#db.read((sql) => sql.all<{ digest: string }>('SELECT digest FROM blobs')).map((r) => r.digest));
    for (const name of found) {
      if (known.has(`sha256:${name}`)) continue;
      this.#db.transaction((sql) => {
        if (sql.get('SELECT 1 FROM blobs WHERE digest = ?', `sha256:${name}`) === undefined)
          rmSync(join(folder, name), { force: true, recursive: true });
      });
      crashPoint('collector.blob-removed');
    }
  }

  /** What processes that are gone were writing. Folders without an owner in their name are left alone for a day. */
  #sweepIngests(): void {
    for (const name of readdirSync(this.#layout.ingest)) {
      const path = join(this.#layout.ingest, name);
      if (isAbandoned(this.#layout.root, name) ?? isOld(path)) removeTree(path);
    }
    // mount points and bundles of build steps
    for (const name of ['mounts', 'build']) sweepOwned(this.#layout.root, join(this.#layout.run, name));
  }

  /** Locks whose holders were killed. Those of cache mounts stay as long as the mounts: who finds one taken goes elsewhere. */
  #sweepLocks(): void {
    const folder = this.#layout.locks;
    for (const name of readdirSync(folder)) {
      if (name.startsWith('cache-') || !lstatSync(join(folder, name), { throwIfNoEntry: false })?.isFile()) continue;
      FileLock.tryAcquire(join(folder, name), 'exclusive', { remove: true })?.release();
    }
  }
}

function removeSnapshotRows(sql: Sql): { count: number; bytes: number } {
  const reached = new Set(sql.all<{ id: number }>(REACHED_SNAPSHOTS).map((r) => r.id));
  let count = 0;
  let bytes = 0;
  // children first: a row refers to its parent
  for (const { id, size } of sql.all<{ id: number; size: number | null }>('SELECT id, size FROM snapshots ORDER BY id DESC')) {
    if (reached.has(id)) continue;
    sql.run('DELETE FROM snapshots WHERE id = ?', id);
    count++;
    bytes += size ?? 0;
  }
  return { count, bytes };
}

function removeBlobRows(sql: Sql): { count: number; bytes: number } {
  const reached = new Set(sql.all<{ digest: string }>(REACHED_BLOBS).map((r) => r.digest));
  let count = 0;
  let bytes = 0;
  for (const { digest, size } of sql.all<{ digest: string; size: number }>('SELECT digest, size FROM blobs')) {
    if (reached.has(digest)) continue;
    sql.run('DELETE FROM blobs WHERE digest = ?', digest);
    sql.run('UPDATE layers SET blob_digest = NULL WHERE blob_digest = ?', digest);
    count++;
    bytes += size;
  }
  return { count, bytes };
}

function isOld(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs > 86_400_000;
}
