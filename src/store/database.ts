// The one database of a store. Any number of processes use it at once: readers see a consistent state, writers take turns,
// and every change is a transaction.
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { isSlipwayError, SlipwayError } from '../model/index.ts';
import { FileLock } from '../sys/index.ts';
import { withCleanupSync } from '../util/index.ts';
import { storeError } from './errors.ts';
import { migrations } from './migrations/index.ts';
import { giveReserve, keepReserve } from './reserve.ts';

export type SqlValue = SQLInputValue;

export interface Sql {
  get<T>(sql: string, ...params: SqlValue[]): T | undefined;
  all<T>(sql: string, ...params: SqlValue[]): T[];
  run(sql: string, ...params: SqlValue[]): { changes: number; lastInsertRowid: number };
}

const FILE = 'slipway.db';
const BUSY_TIMEOUT = 30_000; // ms
/** Pages of the log before it is folded into the database; whoever opens the store first after a while reads all of them. */
const LOG_PAGES = 256;

type Mode = 'idle' | 'reading' | 'writing' | 'closed';

export class Database {
  readonly root: string;
  readonly #db: DatabaseSync;
  readonly #sql: Sql;
  #mode: Mode = 'idle';
  #depth = 0;

  private constructor(root: string, db: DatabaseSync) {
    this.root = root;
    this.#db = db;
    this.#sql = cachedStatements(db);
  }

  /**
   * Makes root and database when missing, and brings an older one up to date.
   * Throws failed-precondition 'store.newer', no-space 'store.full', permission-denied 'store.no-permission', data-loss 'store.corrupt'.
   */
  static open(root: string): Database {
    let db: DatabaseSync | undefined;
    try {
      mkdirSync(root, { recursive: true, mode: 0o700 });
      db = new DatabaseSync(join(root, FILE), { timeout: BUSY_TIMEOUT });
      if (versionOf(db) !== migrations.length) migrate(root, db);
      db.exec(`PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = ${LOG_PAGES}`);
      keepReserve(root);
      return new Database(root, db);
    } catch (error) {
      db?.close();
      throw storeError(error, root);
    }
  }

  /**
   * Ends the use of it. The connection itself is left to the end of the process: closing the last one would fold the log into
   * the database, which costs every single command four fsyncs; this way it happens once in hundreds of changes.
   */
  close(): void {
    this.#mode = 'closed';
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** `fn` sees one state of the database throughout. It must be synchronous and must not write. */
  read<T>(fn: (sql: Sql) => T): T {
    if (this.#mode === 'reading' || this.#mode === 'writing') return fn(this.#sql);
    if (this.#mode === 'closed') throw closed();
    return this.#bracket('reading', 'BEGIN', 'COMMIT', 'ROLLBACK', fn);
  }

  /**
   * `fn` must be synchronous. When it throws, nothing of it happened. Inside another transaction it becomes part of that one:
   * it is durable when the outermost has ended. Throws unavailable 'store.busy' when others write for longer than 30 s.
   */
  transaction<T>(fn: (sql: Sql) => T): T {
    switch (this.#mode) {
      case 'idle':
        return this.#bracket('writing', 'BEGIN IMMEDIATE', 'COMMIT', 'ROLLBACK', fn);
      case 'writing': {
        const point = `nested${this.#depth}`;
        return this.#bracket('writing', `SAVEPOINT ${point}`, `RELEASE ${point}`, `ROLLBACK TO ${point}; RELEASE ${point}`, fn);
      }
      case 'reading':
        // SQLite could only upgrade when nobody wrote since; that would fail now and then instead of always.
        throw new SlipwayError('internal', 'store.write-in-read', 'a transaction was begun inside a read');
      case 'closed':
        throw closed();
    }
  }

  /** As `transaction`, for what frees space: on a full disk it has the room that the store keeps. */
  removal<T>(fn: (sql: Sql) => T): T {
    try {
      return this.transaction(fn);
    } catch (error) {
      if (this.#mode !== 'idle' || !isSlipwayError(error) || error.kind !== 'no-space' || !giveReserve(this.root)) throw error;
      return this.transaction(fn);
    }
  }

  /** As `removal`, and the disk has it, with all that was committed before, when this returns. Not inside another one. */
  durably<T>(fn: (sql: Sql) => T): T {
    if (this.#mode !== 'idle') throw new SlipwayError('internal', 'store.nested-durable', 'a durable transaction inside another one');
    this.#db.exec('PRAGMA synchronous = FULL');
    return withCleanupSync(
      () => this.removal(fn),
      () => this.#db.exec('PRAGMA synchronous = NORMAL'),
    );
  }

  #bracket<T>(mode: Mode, begin: string, end: string, undo: string, fn: (sql: Sql) => T): T {
    const before = this.#mode;
    try {
      this.#db.exec(begin);
      this.#mode = mode;
      this.#depth++;
      try {
        const result = fn(this.#sql);
        if (result instanceof Promise) throw new SlipwayError('internal', 'store.async-transaction', 'a transaction must be synchronous');
        this.#db.exec(end);
        return result;
      } catch (error) {
        // A full disk ends the whole transaction by itself.
        try {
          if (this.#db.isTransaction) this.#db.exec(undo);
        } catch {
          // why the transaction failed is the reason that counts; SQLite undoes it in any case
        }
        throw error;
      } finally {
        this.#mode = before;
        this.#depth--;
      }
    } catch (error) {
      throw storeError(error, this.root);
    }
  }
}

function closed(): SlipwayError {
  return new SlipwayError('internal', 'store.closed', 'the store is used after it was closed');
}

/** Statements are prepared once for each text: texts must be constants, with values as parameters. */
function cachedStatements(db: DatabaseSync): Sql {
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    let statement = statements.get(sql);
    if (statement === undefined) statements.set(sql, (statement = db.prepare(sql)));
    return statement;
  };
  return {
    get: <T>(sql: string, ...params: SqlValue[]) => prepare(sql).get(...params) as T | undefined,
    all: <T>(sql: string, ...params: SqlValue[]) => prepare(sql).all(...params) as T[],
    run: (sql, ...params) => {
      const { changes, lastInsertRowid } = prepare(sql).run(...params);
      return { changes: Number(changes), lastInsertRowid: Number(lastInsertRowid) };
    },
  };
}

function versionOf(db: DatabaseSync): number {
  return (db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
}

/**
 * Changing to WAL fails at once when somebody else does the same, whatever the busy timeout. So those who find a database
 * that is not up to date go one at a time, and look again when it is their turn.
 */
function migrate(root: string, db: DatabaseSync): void {
  const found = versionOf(db);
  if (found > migrations.length) {
    throw new SlipwayError(
      'failed-precondition',
      'store.newer',
      `the store ${root} was written by a newer Slipway (version ${found} of its database, this one knows ${migrations.length})`,
      {
        hints: ['use that version, or another store (SLIPWAY_ROOT)'],
      },
    );
  }
  const lock = waitForLock(join(root, `${FILE}.lock`));
  try {
    if (found === 0) {
      chmodSync(join(root, FILE), 0o600);
      db.exec('PRAGMA journal_mode = WAL');
    }
    db.exec('BEGIN IMMEDIATE');
    try {
      for (const { version, sql } of migrations.slice(versionOf(db))) db.exec(`${sql}; PRAGMA user_version = ${version};`);
      db.exec('COMMIT');
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  } finally {
    lock.release();
  }
}

function waitForLock(path: string): FileLock {
  const end = Date.now() + BUSY_TIMEOUT;
  const cell = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    const lock = FileLock.tryAcquire(path, 'exclusive');
    if (lock !== undefined) return lock;
    if (Date.now() > end)
      throw new SlipwayError(
        'unavailable',
        'store.busy',
        `another process has been preparing the store for ${BUSY_TIMEOUT / 1000} s (${path})`,
      );
    Atomics.wait(cell, 0, 0, 2);
  }
}
