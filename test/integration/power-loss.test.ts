// A power cut on a real file system: what ext4 had not written is not in a copy of its image. The database is, so that rows are
// newer than files. The store in the copy must be sound, and a build must give what it should.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, copyFileSync, fsyncSync, mkdirSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { scratch, TestStore } from '../support/store.ts';

/** Big enough to be written late. */
const CONTENT = 'not lost\n'.repeat(100_000);

test('after a power cut nothing half-written is served', async (t) => {
  const folder = scratch();
  const [image, copy, root] = ['image', 'copy', 'root'].map((name) => join(folder, name)) as [string, string, string];
  mkdirSync(root);
  writeFileSync(image, '');
  truncateSync(image, 96 << 20);
  execFileSync('mkfs.ext4', ['-q', '-F', image]);
  const mount = (file: string): void => void execFileSync('mount', ['-o', 'loop', file, root]);
  mount(image);
  t.after(() => {
    execFileSync('umount', ['-l', root]);
    rmSync(folder, { recursive: true, force: true });
  });
  const store = new TestStore(folder, root);
  const context = join(folder, 'context');
  mkdirSync(context);
  writeFileSync(join(context, 'Dockerfile'), 'FROM busybox\nCOPY file /file\nRUN cp /file /copy\n');
  writeFileSync(join(context, 'file'), CONTENT);
  await store.ok(['bootstrap', 'busybox']);
  await store.ok(['system', 'sync']);
  execFileSync('sync', ['-f', root]);
  // killed before anything of it is synced, when all of it is recorded
  const build = ['build', '-q', '--network', 'none', '-t', 'app', context];
  assert.equal((await store.slipway(build, { env: { SLIPWAY_CRASH_AT: 'lease.release' } })).signal, 'SIGKILL');
  const log = openSync(join(root, 'slipway.db-wal'), 'r');
  fsyncSync(log);
  closeSync(log);
  copyFileSync(image, copy);
  execFileSync('umount', [root]);
  mount(copy);
  const db = new DatabaseSync(join(root, 'slipway.db'));
  assert.equal(
    db.prepare('SELECT count(*) AS n FROM snapshots WHERE durable = 0').get()?.['n'],
    3,
    'the rows are there: of the base and of two steps',
  );
  db.exec("UPDATE meta SET value = 'the boot before' WHERE key = 'boot'");
  db.close();
  rmSync(store.run, { recursive: true, force: true });
  const check = await store.slipway(['system', 'check']);
  assert.equal(check.exitCode, 0, check.stdout);
  assert.match(check.stderr, /lost, to be pulled or built again: image/);
  await store.ok(build);
  const out = join(folder, 'out');
  await store.ok(['build', '-q', '--network', 'none', '-o', out, context]);
  for (const name of ['file', 'copy']) assert.equal(readFileSync(join(out, name), 'utf8'), CONTENT, name);
});
