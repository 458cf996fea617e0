// The database: transactions, versions, and many processes that open a brand-new store at once.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Database, layout, storeError } from './index.ts';

const base = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'slipway-store-'));
after(() => rmSync(base, { recursive: true, force: true }));
let n = 0;
const fresh = (): string => join(base, String(n++), 'root');

const put = (db: Database, key: string): void => void db.transaction((sql) => sql.run('INSERT INTO meta VALUES (?, ?)', key, 'x'));
const keys = (db: Database): string[] => db.read((sql) => sql.all<{ key: string }>('SELECT key FROM meta ORDER BY key')).map((r) => r.key);

test('a transaction happens as a whole or not at all', () => {
  const root = fresh();
  using db = Database.open(root);
  put(db, 'a');
  assert.throws(
    () =>
      db.transaction((sql) => {
        sql.run('INSERT INTO meta VALUES (?, ?)', 'b', 'x');
        throw new Error('no');
      }),
    /^Error: no$/,
  );
  using other = Database.open(root);
  assert.deepEqual(keys(other), ['a']);
  assert.deepEqual(db.transaction((sql) => sql.run('DELETE FROM meta')).changes, 1);
  assert.equal(statSync(join(root, 'slipway.db')).mode & 0o777, 0o600);
});

test('nested transactions join the outer one', () => {
  using db = Database.open(fresh());
  assert.throws(() =>
    db.transaction(() => {
      put(db, 'a');
      throw new Error('outer');
    }),
  );
  assert.deepEqual(keys(db), []);
  db.transaction(() => {
    put(db, 'a');
    assert.throws(() =>
      db.transaction(() => {
        put(db, 'b');
        throw new Error('inner');
      }),
    );
    db.transaction(() => put(db, 'c'));
    assert.deepEqual(keys(db), ['a', 'c']);
  });
  assert.deepEqual(keys(db), ['a', 'c']);
});

test('after close it is not used any more', () => {
  const db = Database.open(fresh());
  put(db, 'a');
  db.close();
  db.close();
  assert.throws(() => keys(db), { code: 'store.closed' });
  assert.throws(() => put(db, 'b'), { code: 'store.closed' });
});

test('misuse is refused', () => {
  using db = Database.open(fresh());
  assert.throws(() => db.read(() => put(db, 'a')), { code: 'store.write-in-read' });
  assert.throws(() => db.transaction(async () => {}), { code: 'store.async-transaction' });
  put(db, 'still usable');
});

test('a reader sees one state throughout', () => {
  const root = fresh();
  using db = Database.open(root);
  using other = Database.open(root);
  db.read(() => {
    assert.deepEqual(keys(db), []);
    put(other, 'a');
    assert.deepEqual(keys(db), []);
  });
  assert.deepEqual(keys(db), ['a']);
});

test('a store of a newer version is left alone', () => {
  const root = fresh();
  Database.open(root).close();
  const raw = new DatabaseSync(join(root, 'slipway.db'));
  raw.exec('PRAGMA user_version = 999');
  raw.close();
  assert.throws(() => Database.open(root), { kind: 'failed-precondition', code: 'store.newer' });
});

test('errors of SQLite and of the file system are told in our terms', () => {
  const sqlite = (errcode: number): Error => Object.assign(new Error('x'), { code: 'ERR_SQLITE_ERROR', errcode });
  const kind = (e: unknown): unknown => (storeError(e, base) as { kind?: string }).kind;
  assert.equal(kind(sqlite(13)), 'no-space');
  assert.equal(kind(sqlite(26)), 'data-loss');
  assert.equal(kind(sqlite(5)), 'unavailable');
  assert.equal(kind(sqlite(8)), 'permission-denied');
  assert.equal(kind(Object.assign(new Error('x'), { code: 'ENOSPC' })), 'no-space');
  const other = new TypeError('x');
  assert.equal(storeError(other, base), other);
});

test('many processes open a brand-new store at once', async () => {
  const root = fresh();
  const script = `import { Database } from ${JSON.stringify(fileURLToPath(new URL('index.ts', import.meta.url)))};
    const db = Database.open(process.argv[1]);
    for (let i = 0; i < 20; i++) db.transaction((sql) => sql.run('INSERT INTO meta VALUES (?, ?)', process.pid + '-' + i, 'x'));`;
  const codes = await Promise.all(
    Array.from(
      { length: 8 },
      () =>
        new Promise((resolve) => {
          spawn(process.execPath, ['--input-type=module', '-e', script, root], { stdio: 'inherit' }).once('close', resolve);
        }),
    ),
  );
  assert.deepEqual(codes, Array(8).fill(0));
  using db = Database.open(root);
  assert.equal(keys(db).length, 160);
});

test('folders are made when they are asked for', () => {
  const root = fresh();
  const l = layout(root, `${root}-run`);
  assert.ok(!existsSync(root));
  assert.equal(l.snapshots, join(root, 'snapshots'));
  assert.ok(existsSync(l.snapshots));
  assert.ok(existsSync(join(l.blobs, 'sha256')));
  assert.ok(!existsSync(join(root, 'volumes')));
  assert.equal(l.runContainers, join(`${root}-run`, 'containers'));
});
