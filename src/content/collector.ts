// The garbage collector: keeps what images, containers, cache records and live leases reach, and removes the rest. It decides
// inside one write transaction, during which nobody can take a new lease, so nothing that somebody just found can vanish.
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Database, Layout, Sql } from '../store/index.ts';
import { NOBODY } from './leases.ts';
import { processAlive, removeTree } from '../sys/index.ts';

export interface Collected {
  readonly blobs: number;
  readonly snapshots: number;
  /** Bytes of the blobs and, as far as they were known, of the snapshots. */
  readonly bytes: number;
}

/** Snapshots that something refers to, with all their parents. */
const REACHED_SNAPSHOTS = `
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

  /** Removes everything that nothing refers to. Any number of processes may go on working meanwhile. */
  collect(): Collected {
    const trash = join(this.#layout.snapshots, '.trash');
    mkdirSync(trash, { recursive: true, mode: 0o700 });
    const collected = this.#db.transaction((sql) => {
      this.#endDeadLeases(sql);
      const snapshots = this.#sweepSnapshots(sql, trash);
      const blobs = this.#sweepBlobs(sql);
      sql.run(
        'DELETE FROM layers WHERE diff_id NOT IN (SELECT diff_id FROM image_layers) AND diff_id NOT IN (SELECT diff_id FROM snapshots WHERE diff_id IS NOT NULL)',
      );
      sql.run('DELETE FROM layer_forms WHERE diff_id NOT IN (SELECT diff_id FROM layers)');
      sql.run(
        'DELETE FROM blob_repositories WHERE digest NOT IN (SELECT digest FROM blobs) AND digest NOT IN (SELECT digest FROM layer_forms)',
      );
      return { blobs: blobs.count, snapshots: snapshots.count, bytes: blobs.bytes + snapshots.bytes };
    });
    this.#sweepIngests();
    // outside the transaction: removing a big tree takes its time. What a crash leaves here goes the next time.
    removeTree(trash);
    return collected;
  }

  #endDeadLeases(sql: Sql): void {
    for (const { id, owner, expires_at } of sql.all<{ id: string; owner: string; expires_at: number | null }>(
      'SELECT id, owner, expires_at FROM leases',
    )) {
      const alive = owner === NOBODY || processAlive(owner);
      if (!alive || (expires_at !== null && expires_at < Date.now())) sql.run('DELETE FROM leases WHERE id = ?', id);
    }
    sql.run('DELETE FROM lease_refs WHERE lease_id NOT IN (SELECT id FROM leases)');
  }

  #sweepSnapshots(sql: Sql, trash: string): { count: number; bytes: number } {
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
    const known = new Set(sql.all<{ id: number }>('SELECT id FROM snapshots').map((r) => String(r.id)));
    for (const name of readdirSync(this.#layout.snapshots)) {
      if (/^\d+$/.test(name) && !known.has(name)) renameSync(join(this.#layout.snapshots, name), join(trash, `${name}.${process.pid}`));
    }
    return { count, bytes };
  }

  #sweepBlobs(sql: Sql): { count: number; bytes: number } {
    const reached = new Set(sql.all<{ digest: string }>(REACHED_BLOBS).map((r) => r.digest));
    let count = 0;
    let bytes = 0;
    const folder = join(this.#layout.blobs, 'sha256');
    for (const { digest, size } of sql.all<{ digest: string; size: number }>('SELECT digest, size FROM blobs')) {
      if (reached.has(digest)) continue;
      sql.run('DELETE FROM blobs WHERE digest = ?', digest);
      sql.run('UPDATE layers SET blob_digest = NULL WHERE blob_digest = ?', digest);
      count++;
      bytes += size;
    }
    // a process that died between renaming a blob and recording it leaves a file that no row knows
    const known = new Set(sql.all<{ digest: string }>('SELECT digest FROM blobs').map((r) => r.digest));
    for (const name of readdirSync(folder)) if (!known.has(`sha256:${name}`)) rmSync(join(folder, name), { force: true });
    return { count, bytes };
  }

  #sweepIngests(): void {
    for (const name of readdirSync(this.#layout.ingest)) {
      const owner = name.slice(0, name.lastIndexOf(':'));
      const path = join(this.#layout.ingest, name);
      if (owner.includes(':') ? !processAlive(owner) : abandoned(path)) removeTree(path);
    }
  }
}

/** Working folders that carry no owner in their name are left alone for a day. */
function abandoned(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs > 86_400_000;
}
