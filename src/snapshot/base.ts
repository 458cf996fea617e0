// What snapshotters have in common: records of snapshots and their parents in the database, and a folder for each on disk.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Digest, SlipwayError } from '../model/index.ts';
import { type Database, isNoSpace, type Layout, noSpaceError, type Sql } from '../store/index.ts';
import { leaveMount, removeTree, treeSize } from '../sys/index.ts';
import { crashPoint } from '../util/index.ts';
import { type Applied, type DiffResult, type LayerApplier, type LayerUnpacker, tarUnpacker } from './layer/index.ts';
import type { ActiveSnapshot, Holder, LayerLabels, Mount, Snapshot, Snapshotter } from './types.ts';

export interface SnapshotRow {
  readonly id: number;
  readonly parent_id: number | null;
  readonly state: 'active' | 'committed';
  readonly name: string | null;
  readonly chain_id: Digest | null;
  readonly diff_id: Digest | null;
  readonly size: number | null;
}

export abstract class DirectorySnapshotter implements Snapshotter {
  abstract readonly driver: Snapshotter['driver'];
  readonly #layout: Layout;
  readonly #db: Database;
  /** Parents never change, so what was looked up once is remembered. */
  readonly #parents = new Map<number, number | null>();

  constructor(layout: Layout, db: Database) {
    this.#layout = layout;
    this.#db = db;
  }

  prepare(parent: number | null, holder: Holder): ActiveSnapshot {
    const now = Date.now();
    const id = this.#db.transaction((sql) => {
      if (parent !== null && sql.get('SELECT 1 FROM snapshots WHERE id = ? AND state = ?', parent, 'committed') === undefined) {
        throw new SlipwayError('failed-precondition', 'snapshot.no-parent', `snapshot ${parent} is not there, or not committed`);
      }
      const { lastInsertRowid } = sql.run(
        "INSERT INTO snapshots (parent_id, state, created_at, used_at, durable) VALUES (?, 'active', ?, ?, 0)",
        parent,
        now,
        now,
      );
      holder.addSnapshot(lastInsertRowid);
      return lastInsertRowid;
    });
    crashPoint('snapshot.recorded');
    this.#parents.set(id, parent);
    try {
      // After a power cut an ID may come again whose row was lost and whose folder was not.
      removeTree(this.folder(id));
      mkdirSync(this.folder(id), { mode: 0o700 });
      mkdirSync(this.directory(id), { mode: 0o755 });
      this.fill(id, parent);
      crashPoint('snapshot.prepared');
    } catch (e) {
      this.remove(id);
      throw isNoSpace(e) ? noSpaceError(this.#layout.root, e) : e;
    }
    return { id, parentId: parent, state: 'active', upper: this.directory(id) };
  }

  /** Makes a new, empty folder ready to be written. */
  protected abstract fill(id: number, parent: number | null): void;
  abstract mounts(id: number): Mount[];
  abstract view(id: number): Mount[];
  abstract diff(id: number, sink: (chunk: Buffer) => void): DiffResult;
  abstract applier(id: number): LayerApplier;

  unpacker(id: number): LayerUnpacker {
    return tarUnpacker(this.applier(id));
  }

  adopt(_id: number, _tar: string): Applied | undefined {
    return undefined;
  }

  abstract folders(id: number): Readonly<Record<string, string>>;
  /** Removes what only the writing needed. */
  protected abstract settle(id: number): void;

  commit(id: number, holder: Holder, labels: LayerLabels = {}): Snapshot {
    crashPoint('snapshot.before-commit');
    const committed = this.#db.transaction((sql) => {
      const row = this.row(id);
      const other = labels.chainId === undefined ? undefined : this.#servable(sql, labels.chainId);
      if (other && other.id !== id) {
        holder.addSnapshot(other.id);
        return snapshot(other);
      }
      sql.run("UPDATE snapshots SET state = 'committed', used_at = ? WHERE id = ?", Date.now(), id);
      this.#label(sql, id, labels);
      return snapshot({
        ...row,
        state: 'committed',
        chain_id: labels.chainId ?? row.chain_id,
        diff_id: labels.diffId ?? row.diff_id,
        size: labels.size ?? row.size,
      });
    });
    crashPoint('snapshot.committed');
    if (committed.id !== id) this.remove(id);
    else this.settle(id);
    return committed;
  }

  label(id: number, labels: LayerLabels): void {
    this.#db.transaction((sql) => {
      const taken = labels.chainId !== undefined && byChain(sql, labels.chainId) !== undefined;
      const { chainId: _, ...others } = labels;
      this.#label(sql, id, taken ? others : labels);
    });
  }

  get(id: number): Snapshot | undefined {
    const row = this.#db.read((sql) => sql.get<SnapshotRow>('SELECT * FROM snapshots WHERE id = ?', id));
    return row && snapshot(row);
  }

  byChain(chainId: Digest): Snapshot | undefined {
    const row = this.#db.read((sql) => byChain(sql, chainId));
    return row && snapshot(row);
  }

  hold(which: number | Digest, holder: Holder): Snapshot | undefined {
    return this.#db.transaction((sql) => {
      const row = typeof which === 'number' ? sql.get<SnapshotRow>('SELECT * FROM snapshots WHERE id = ?', which) : byChain(sql, which);
      const found = row?.state === 'committed' ? this.#whole(sql, row) : undefined;
      if (found) holder.addSnapshot(found.id);
      return found && snapshot(found);
    });
  }

  directory(id: number): string {
    return join(this.folder(id), 'fs');
  }

  storedSize(id: number): number {
    return treeSize(this.directory(id));
  }

  isWhole(id: number): boolean {
    return existsSync(this.directory(id));
  }

  protected parents(id: number): number[] {
    const out: number[] = [];
    for (let at = this.#parent(id); at !== null; at = this.#parent(at)) out.push(at);
    return out;
  }

  remove(id: number): void {
    this.#db.removal((sql) => {
      if (sql.get('SELECT 1 FROM snapshots WHERE parent_id = ?', id) !== undefined) {
        throw new SlipwayError('failed-precondition', 'snapshot.has-children', `snapshot ${id} has others on top of it`);
      }
      sql.run('DELETE FROM snapshots WHERE id = ?', id);
    });
    crashPoint('snapshot.row-removed');
    leaveMount(this.directory(id));
    removeTree(this.folder(id));
  }

  tarSize(_id: number): number | undefined {
    return undefined;
  }

  close(): void {}

  protected folder(id: number): string {
    return join(this.#layout.snapshots, String(id));
  }

  #servable(sql: Sql, chainId: Digest): SnapshotRow | undefined {
    const row = byChain(sql, chainId);
    return row && this.#whole(sql, row);
  }

  /** A snapshot whose folder is missing loses what it is found by, so that it is made again; the collector takes the rest. */
  #whole(sql: Sql, row: SnapshotRow): SnapshotRow | undefined {
    if (this.isWhole(row.id)) return row;
    sql.run('UPDATE snapshots SET name = NULL, chain_id = NULL, diff_id = NULL WHERE id = ?', row.id);
    sql.run('DELETE FROM cache_records WHERE snapshot_id = ?', row.id);
    return undefined;
  }

  #label(sql: Sql, id: number, l: LayerLabels): void {
    if (l.name === undefined && l.chainId === undefined && l.diffId === undefined && l.size === undefined) return;
    sql.run(
      'UPDATE snapshots SET name = coalesce(?, name), chain_id = coalesce(?, chain_id), diff_id = coalesce(?, diff_id), size = coalesce(?, size) WHERE id = ?',
      l.name ?? null,
      l.chainId ?? null,
      l.diffId ?? null,
      l.size ?? null,
      id,
    );
  }

  protected row(id: number): SnapshotRow {
    const row = this.#db.read((sql) => sql.get<SnapshotRow>('SELECT * FROM snapshots WHERE id = ?', id));
    if (!row) throw new SlipwayError('not-found', 'snapshot.not-found', `snapshot ${id} is not there`);
    return row;
  }

  #parent(id: number): number | null {
    let parent = this.#parents.get(id);
    if (parent === undefined) {
      parent = this.row(id).parent_id;
      this.#parents.set(id, parent);
    }
    return parent;
  }
}

const byChain = (sql: Sql, chainId: Digest): SnapshotRow | undefined =>
  sql.get<SnapshotRow>('SELECT * FROM snapshots WHERE chain_id = ?', chainId);

function snapshot(r: SnapshotRow): Snapshot {
  return {
    id: r.id,
    parentId: r.parent_id,
    state: r.state,
    ...(r.name !== null && { name: r.name }),
    ...(r.chain_id !== null && { chainId: r.chain_id }),
    ...(r.diff_id !== null && { diffId: r.diff_id }),
    ...(r.size !== null && { size: r.size }),
  };
}
