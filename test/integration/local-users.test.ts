// Other users of the machine: nothing of a store can be read, written or run by them, whatever the umask of who builds.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findExecutable } from '../../src/sys/index.ts';
import { temporaryStore } from '../support/store.ts';

test('a store is its owner’s alone, also in folders that others can enter, with a umask of 0', async (t) => {
  const store = temporaryStore(t);
  chmodSync(store.folder, 0o755);
  for (const folder of [store.root, store.run, join(store.root, 'snapshots'), join(store.run, 'network')]) {
    mkdirSync(folder);
    chmodSync(folder, 0o755); // as older versions, and users, created them
  }
  const context = join(store.folder, 'context');
  mkdirSync(context);
  copyFileSync(findExecutable('busybox')!, join(context, 'busybox'));
  writeFileSync(
    join(context, 'Dockerfile'),
    'FROM scratch\nCOPY --chmod=4755 busybox /bin/sh\nWORKDIR /v\nVOLUME /v\nRUN --network=none --mount=type=cache,target=/c echo a >/c/a && echo b >/v/b\n',
  );
  const umask = process.umask(0);
  try {
    await store.ok(['build', '-q', '-t', 'image', context]);
    await store.ok(['run', '-d', '-e', 'PASSWORD=hidden', '--entrypoint', '/bin/sh', 'image', '-c', 'echo said; exec sleep 100']);
  } finally {
    process.umask(umask);
  }
  const nobody = { uid: 65534, gid: 65534, encoding: 'utf8' } as const;
  const found = spawnSync(
    'find',
    [store.root, store.run, '-mindepth', '2', '-o', '-type', 'f', '(', '-readable', '-o', '-writable', ')'],
    nobody,
  );
  assert.equal(found.stdout, '');
  assert.match(found.stderr, /snapshots.*Permission denied/);
  const all = spawnSync('find', [store.root, store.run, '-name', '[cs]*'], { encoding: 'utf8' }).stdout;
  assert.match(all, /fs\/bin\/sh/, 'the store has what others must not reach');
});
