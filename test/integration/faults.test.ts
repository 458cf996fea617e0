// A disk that fills must give an error that says so, and no damage. Kills at named points are in crash-points.test.ts.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratch, SLIPWAY, temporaryStore, TestStore as Store } from '../support/store.ts';

test('a full disk is told, and damages nothing', async (t) => {
  const folder = scratch();
  const root = join(folder, 'small');
  mkdirSync(root);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', root]);
  t.after(() => {
    execFileSync('umount', [root]);
    rmSync(folder, { recursive: true, force: true });
  });
  const store = new Store(folder, root);
  await store.ok(['bootstrap', 'busybox']);
  const dir = join(folder, 'context');
  mkdirSync(dir);
  writeFileSync(join(dir, 'Dockerfile'), 'FROM busybox\nCOPY big /big\n');
  writeFileSync(join(dir, 'big'), Buffer.alloc(40 << 20, 1));
  const r = await store.slipway(['build', '-t', 'x', dir]);
  assert.notEqual(r.exitCode, 0);
  assert.match(r.stderr, /no space left on device/i);
  assert.doesNotMatch(r.stderr, /^\s+at /m, 'no stack trace');
  assert.match(await store.ok(['images']), /busybox/);
  writeFileSync(join(dir, 'big'), 'small\n');
  await store.ok(['build', '-q', '-t', 'x', dir]);
  assert.equal(await store.ok(['run', '--rm', 'x', 'cat', '/big']), 'small\n');

  // not a byte is left: what frees space works all the same
  await store.ok(['run', '--name', 'full', '--network', 'none', 'x', 'true']);
  const counts = 'i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; exit 5';
  await store.ok(['create', '--name', 'logs', '--network', 'none', 'x', 'sh', '-c', counts]);
  const fill = join(root, 'fill');
  const fd = openSync(fill, 'w');
  try {
    for (const size of [1 << 20, 4096]) while (writes(fd, size));
  } finally {
    closeSync(fd);
  }
  assert.match((await store.slipway(['build', '-q', dir, '--no-cache'])).stderr, /no space left on device/i);
  // the log has no room: the output comes all the same, as does the exit code
  const started = await store.slipway(['start', '-a', 'logs']);
  assert.equal(started.exitCode, 5, started.stderr);
  assert.equal(started.stdout.split('\n').length, 3001);
  await store.ok(['rm', 'full', 'logs']);
  await store.ok(['rmi', 'x', 'busybox']);
  await store.ok(['system', 'prune', '-af']);
  rmSync(fill);
  assert.match(await store.ok(['system', 'check']), /no problems/);
});

/** False when there is no room. */
function writes(fd: number, size: number): boolean {
  try {
    return writeSync(fd, Buffer.alloc(size)) > 0;
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw e;
  }
}

test('few descriptors, and a folder that was removed: an error that says so, and nothing left', async (t) => {
  const store = temporaryStore(t);
  const shell = (script: string) => spawnSync('/bin/sh', ['-c', script, SLIPWAY], { env: store.env, encoding: 'utf8' });
  await store.ok(['bootstrap', 'busybox']);
  for (const n of [30, 34, 38]) {
    const { status, stderr } = shell(`ulimit -n ${n}; exec "$0" run --rm busybox true`);
    assert.doesNotMatch(stderr, /^\s+at |fault of|node:/m, String(n));
    assert.match(stderr, status === 0 ? /^$/ : /^error: too many open files|cannot be written/, String(n));
  }
  assert.equal(await store.ok(['ps', '-aq']), '');
  assert.match(await store.ok(['system', 'check']), /no problems/);

  const gone = join(store.folder, 'gone');
  mkdirSync(gone);
  const { status, stdout, stderr } = shell(`cd ${gone}; rmdir ${gone}; "$0" images -q && "$0" build .`);
  assert.equal(status, 1);
  assert.match(stdout, /^[0-9a-f]{12}$/m);
  assert.match(stderr, /error: .*the current directory does not exist any more$/im);
  assert.doesNotMatch(stderr, /^\s+at /m);
});
