// Leases: what a process is using although nothing permanent refers to it yet. A lease needs no renewal and no clock: it is
// void as soon as the process that took it is gone (store/owner.ts).
import type { Digest } from '../model/index.ts';
import { anyOwnerDead, type Database, ownerAlive, ownerOf, type Sql } from '../store/index.ts';
import { crashPoint, randomId } from '../util/index.ts';

type Kind = 'blob' | 'snapshot' | 'image';

/** The owner of leases that only time ends. */
const NOBODY = 'nobody';

export class Lease {
  readonly id: string;
  readonly #db: Database;
  readonly #lasting: boolean;

  constructor(db: Database, id: string, lasting: boolean) {
    this.#db = db;
    this.id = id;
    this.#lasting = lasting;
  }

  addBlob(digest: Digest): void {
    this.#add('blob', digest);
  }

  addSnapshot(id: number): void {
    this.#add('snapshot', String(id));
  }

  /** An image with all that it is made of. */
  addImage(id: Digest): void {
    this.#add('image', id);
  }

  /** What the lease held is free, unless something else refers to it by now. */
  release(): void {
    crashPoint('lease.release');
    this.#db.removal((sql) => sql.run('DELETE FROM leases WHERE id = ?', this.id));
  }

  [Symbol.dispose](): void {
    this.release();
  }

  #add(kind: Kind, key: string): void {
    this.#db.transaction((sql) => {
      // one that lasts may have been ended by somebody who wants room: what it would keep, the process that works on it holds anyway
      if (this.#lasting && sql.get('SELECT 1 FROM leases WHERE id = ?', this.id) === undefined) return;
      sql.run('INSERT OR IGNORE INTO lease_refs (lease_id, kind, key) VALUES (?, ?, ?)', this.id, kind, key);
    });
  }
}

export class Leases {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** A lease of this process. `ttl` (ms) ends it although the process lives on. */
  create(ttl?: number): Lease {
    return this.#create(ownerOf(this.#db.root), ttl);
  }

  /** A lease that outlives this process, for `ttl` ms: what a download that was cut short has verified is found again. */
  createLasting(ttl: number): Lease {
    return this.#create(NOBODY, ttl);
  }

  /** Ends the leases that outlive their processes, for when room is wanted. */
  endLasting(): void {
    this.#db.removal((sql) => sql.run('DELETE FROM leases WHERE owner = ?', NOBODY));
  }

  /** Whether a process died that may have left something, so that collecting would find it. */
  anyDead(): boolean {
    const rows = this.#db.read((sql) => sql.all<{ owner: string }>('SELECT DISTINCT owner FROM leases'));
    return rows.some(({ owner }) => owner !== NOBODY && !ownerAlive(this.#db.root, owner)) || anyOwnerDead(this.#db.root);
  }

  #create(owner: string, ttl: number | undefined): Lease {
    const id = randomId();
    const now = Date.now();
    this.#db.transaction((sql) =>
      sql.run(
        'INSERT INTO leases (id, owner, created_at, expires_at) VALUES (?, ?, ?, ?)',
        id,
        owner,
        now,
        ttl === undefined ? null : now + ttl,
      ),
    );
    crashPoint('lease.created');
    return new Lease(this.#db, id, owner === NOBODY);
  }
}

/** Ends the leases of processes that are gone and those whose time is over. Part of the caller's transaction. */
export function endDeadLeases(sql: Sql, root: string): void {
  const rows = sql.all<{ id: string; owner: string; expires_at: number | null }>('SELECT id, owner, expires_at FROM leases');
  const now = Date.now();
  const alive = new Map<string, boolean>([[NOBODY, true]]);
  for (const { id, owner, expires_at } of rows) {
    if (!alive.has(owner)) alive.set(owner, ownerAlive(root, owner));
    if (!alive.get(owner) || (expires_at !== null && expires_at < now)) sql.run('DELETE FROM leases WHERE id = ?', id);
  }
}

/** Whether a living process uses an image. Part of the caller's transaction. */
export function isImageLeased(sql: Sql, root: string, id: Digest): boolean {
  if (sql.get("SELECT 1 FROM lease_refs WHERE kind = 'image' AND key = ? LIMIT 1", id) === undefined) return false;
  endDeadLeases(sql, root);
  return sql.get("SELECT 1 FROM lease_refs WHERE kind = 'image' AND key = ? LIMIT 1", id) !== undefined;
}
