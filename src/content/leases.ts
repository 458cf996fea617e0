// Leases: what a process is using although nothing permanent refers to it yet. A lease needs no renewal and no clock: it is
// void as soon as the process that took it is gone, which pid, start time and boot tell without doubt.
import type { Digest } from '../model/index.ts';
import type { Database } from '../store/index.ts';
import { processAlive, processIdentity } from '../sys/index.ts';
import { randomId } from '../util/index.ts';

type Kind = 'blob' | 'snapshot' | 'image';

/** The owner of leases that only time ends. */
export const NOBODY = 'nobody';

export class Lease {
  readonly id: string;
  readonly #db: Database;

  constructor(db: Database, id: string) {
    this.#db = db;
    this.id = id;
  }

  addBlob(digest: Digest): void {
    this.#add('blob', digest);
  }

  addSnapshot(id: number): void {
    this.#add('snapshot', String(id));
  }

  addImage(id: Digest): void {
    this.#add('image', id);
  }

  /** What the lease held is free, unless something else refers to it by now. */
  release(): void {
    this.#db.transaction((sql) => sql.run('DELETE FROM leases WHERE id = ?', this.id));
  }

  [Symbol.dispose](): void {
    this.release();
  }

  #add(kind: Kind, key: string): void {
    this.#db.transaction((sql) => sql.run('INSERT OR IGNORE INTO lease_refs (lease_id, kind, key) VALUES (?, ?, ?)', this.id, kind, key));
  }
}

export class Leases {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** A lease of this process. `ttl` (ms) ends it although the process lives on. */
  create(ttl?: number): Lease {
    const id = randomId();
    const now = Date.now();
    this.#db.transaction((sql) =>
      sql.run(
        'INSERT INTO leases (id, owner, created_at, expires_at) VALUES (?, ?, ?, ?)',
        id,
        processIdentity(),
        now,
        ttl === undefined ? null : now + ttl,
      ),
    );
    return new Lease(this.#db, id);
  }

  /** A lease that outlives this process, for `ttl` ms: what a download that was cut short has verified is found again. */
  createLasting(ttl: number): Lease {
    const id = randomId();
    const now = Date.now();
    this.#db.transaction((sql) =>
      sql.run('INSERT INTO leases (id, owner, created_at, expires_at) VALUES (?, ?, ?, ?)', id, NOBODY, now, now + ttl),
    );
    return new Lease(this.#db, id);
  }

  /** Ends the leases that outlive their processes, for when room is wanted. */
  endLasting(): void {
    this.#db.transaction((sql) => sql.run('DELETE FROM leases WHERE owner = ?', NOBODY));
  }

  /** Whether a process died holding something, so that collecting would find what it left. */
  anyDead(): boolean {
    const rows = this.#db.read((sql) => sql.all<{ owner: string }>('SELECT DISTINCT owner FROM leases'));
    return rows.some((r) => r.owner !== NOBODY && !processAlive(r.owner));
  }
}
