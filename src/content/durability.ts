// What survives a power cut. Steps and unpacked layers are written without waiting for the disk, and their rows may become durable
// before their files. So a snapshot begins as not durable; a sync of the file system after its commit makes it so. The first
// process that opens the store after the machine was started again drops what was not durable then, so that no half-written file
// is ever served.
import { readFileSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Digest, digestHex } from '../model/index.ts';
import type { Database, Layout, Sql } from '../store/index.ts';
import { FileLock, syncFileSystem } from '../sys/index.ts';
import { crashPoint } from '../util/index.ts';

const TMPFS = 0x01021994;
const PENDING = "SELECT id FROM snapshots WHERE durable = 0 AND state = 'committed'";

/** Whether a sync would make something durable. A store on memory has nothing that could be. */
export function needsSync(layout: Layout, db: Database): boolean {
  return db.read((sql) => sql.get(PENDING)) !== undefined && statfsSync(layout.root).type !== TMPFS;
}

/** Makes everything durable that is committed; another process that does the same does it for this one too. */
export function syncStore(layout: Layout, db: Database): void {
  using lock = FileLock.tryAcquire(join(layout.locks, 'sync'), 'exclusive', { remove: true });
  if (lock === undefined) return;
  for (;;) {
    const ids = db.read((sql) => sql.all<{ id: number }>(PENDING)).map((r) => r.id);
    if (ids.length === 0) return;
    syncFileSystem(layout.snapshots);
    crashPoint('store.synced');
    db.transaction((sql) => sql.run('UPDATE snapshots SET durable = 1 WHERE id IN (SELECT value FROM json_each(?))', JSON.stringify(ids)));
  }
}

/** What a start of the machine has cost. */
export interface Recovered {
  readonly snapshots: number;
  readonly blobs: number;
  readonly images: readonly Digest[];
  readonly containers: readonly string[];
}

/** Drops what was not durable when the machine stopped, once after each start of it. */
export function recover(layout: Layout, db: Database): Recovered | undefined {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  const seen = (sql: Sql): string | undefined => sql.get<{ value: string }>("SELECT value FROM meta WHERE key = 'boot'")?.value;
  if (db.read(seen) === boot) return undefined;
  return db.durably((sql) => {
    const before = seen(sql);
    if (before === boot) return undefined;
    const lost = before === undefined ? undefined : dropLost(layout, sql);
    crashPoint('store.recovered');
    sql.run("INSERT INTO meta (key, value) VALUES ('boot', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", boot);
    return lost;
  });
}

function dropLost(layout: Layout, sql: Sql): Recovered {
  const pending = sql.all<{ id: number }>(PENDING).map((r) => r.id);
  const { containers, snapshots } = dropSnapshots(sql, withDescendants(sql, pending));
  const blobs = sql
    .all<{ digest: Digest; size: number }>('SELECT digest, size FROM blobs')
    .filter(({ digest, size }) => blobSize(layout, digest) !== size);
  for (const { digest } of blobs) sql.run('DELETE FROM blobs WHERE digest = ?', digest);
  return { snapshots, containers, blobs: blobs.length, images: dropUnservable(sql) };
}

const blobSize = (layout: Layout, digest: Digest): number | undefined =>
  statSync(join(layout.blobs, 'sha256', digestHex(digest)), { throwIfNoEntry: false })?.size;

/** Removes the rows of snapshots, among which are all that stand on them, with the cache records and containers that need them. */
export function dropSnapshots(sql: Sql, ids: readonly number[]): { snapshots: number; containers: string[] } {
  const list = JSON.stringify(ids);
  const containers = sql
    .all<{ id: string }>("SELECT id FROM containers WHERE json_extract(json, '$.snapshotId') IN (SELECT value FROM json_each(?))", list)
    .map((r) => r.id);
  for (const id of containers) {
    sql.run('DELETE FROM containers WHERE id = ?', id);
    sql.run('DELETE FROM network_leases WHERE container = ?', id);
  }
  sql.run('DELETE FROM cache_records WHERE snapshot_id IN (SELECT value FROM json_each(?))', list);
  sql.run('UPDATE cache_mounts SET snapshot_id = NULL WHERE snapshot_id IN (SELECT value FROM json_each(?))', list);
  // children first: a row refers to its parent
  for (const id of [...ids].sort((a, b) => b - a)) sql.run('DELETE FROM snapshots WHERE id = ?', id);
  return { snapshots: ids.length, containers };
}

/** Removes the rows of images whose configuration, manifest or layers cannot be had any more. */
export function dropUnservable(sql: Sql): Digest[] {
  sql.run('UPDATE layers SET blob_digest = NULL WHERE blob_digest NOT IN (SELECT digest FROM blobs)');
  sql.run('UPDATE images SET manifest_digest = NULL, manifest_media_type = NULL WHERE manifest_digest NOT IN (SELECT digest FROM blobs)');
  const images = unservable(sql);
  for (const id of images) sql.run('DELETE FROM images WHERE id = ?', id);
  return images;
}

/**
 * Images whose configuration or layers are missing. A layer is a blob, or what a snapshot gives. `without`: as if these had been
 * dropped already.
 */
export function unservable(
  sql: Sql,
  without: { blobs: readonly string[]; snapshots: readonly number[] } = { blobs: [], snapshots: [] },
): Digest[] {
  const [blobs, snapshots] = [JSON.stringify(without.blobs), JSON.stringify(without.snapshots)];
  return sql
    .all<{ id: Digest }>(
      `WITH have(digest) AS (SELECT digest FROM blobs WHERE digest NOT IN (SELECT value FROM json_each(?)))
       SELECT id FROM images WHERE id NOT IN (SELECT digest FROM have) OR EXISTS (
         SELECT 1 FROM image_layers i WHERE i.image_id = images.id
           AND NOT EXISTS (SELECT 1 FROM layers l JOIN have b ON b.digest = l.blob_digest WHERE l.diff_id = i.diff_id)
           AND NOT EXISTS (SELECT 1 FROM snapshots s WHERE s.diff_id = i.diff_id AND s.state = 'committed'
             AND s.id NOT IN (SELECT value FROM json_each(?))))`,
      blobs,
      snapshots,
    )
    .map((r) => r.id);
}

/** Snapshots with all that stand on them. */
export function withDescendants(sql: Sql, ids: readonly number[]): number[] {
  return sql
    .all<{ id: number }>(
      `WITH RECURSIVE found(id) AS (SELECT id FROM snapshots WHERE id IN (SELECT value FROM json_each(?))
         UNION SELECT s.id FROM snapshots s JOIN found ON s.parent_id = found.id) SELECT id FROM found`,
      JSON.stringify(ids),
    )
    .map((r) => r.id);
}
