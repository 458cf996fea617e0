// What somebody changes between a look at it and its use: steps share caches, users share contexts.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { prepareMounts } from '../../src/builder/steps/run/mounts.ts';
import { Scratch } from '../../src/builder/steps/run/scratch.ts';
import type { RunMount, RunRequest, StepEnvironment } from '../../src/builder/steps/types.ts';
import { openSnapshotter } from '../../src/snapshot/index.ts';
import { Database, layout } from '../../src/store/index.ts';
import { scratch as temporary } from '../support/store.ts';

function fixture(t: TestContext) {
  const folder = temporary();
  const places = layout(join(folder, 'root'), join(folder, 'run'));
  const db = Database.open(places.root);
  const env = { layout: places, db, snapshots: openSnapshotter(places, db) } as unknown as StepEnvironment;
  t.after(() => {
    db.close();
    rmSync(folder, { recursive: true });
  });
  const host = join(folder, 'host');
  mkdirSync(host);
  writeFileSync(join(host, 'file'), 'of the host');
  return { folder, env, host };
}

/** A folder with a file, and a file, which are replaced by links to those of the host. */
function fill(at: string): void {
  mkdirSync(join(at, 'sub'), { recursive: true });
  writeFileSync(join(at, 'sub/file'), 'right');
  writeFileSync(join(at, 'single'), 'right');
}
function swap(at: string, host: string): void {
  renameSync(join(at, 'sub'), join(at, 'gone'));
  symlinkSync(host, join(at, 'sub'));
  renameSync(join(at, 'single'), join(at, 'gone-too'));
  symlinkSync(join(host, 'file'), join(at, 'single'));
}

test('a mounted folder of a cache or a context is the one that was looked at', async (t) => {
  const { folder, env, host } = fixture(t);
  const context = join(folder, 'context');
  fill(context);
  const cache = { type: 'cache', id: 'c', target: '/c', sharing: 'shared', readonly: false } as const;
  const prepare = async (mounts: readonly RunMount[], use: (sources: readonly string[]) => void): Promise<void> => {
    const scratch = new Scratch(join(folder, 'scratch'));
    try {
      const request = { workdir: '/', mounts, signal: new AbortController().signal } as unknown as RunRequest;
      use((await prepareMounts(env, request, scratch)).mounts.map((mount) => mount.source));
    } finally {
      await scratch.close();
    }
  };
  let root = '';
  await prepare([cache], ([source]) => fill((root = source!)));
  const bind = (source: string, readonly: boolean): RunMount => ({ type: 'bind', root: context, source, target: '/x', readonly });
  const all = [{ ...cache, source: 'sub' }, bind('/sub', true), bind('/sub', false), bind('/single', true)];
  await prepare(all, ([fromCache, ...others]) => {
    swap(root, host);
    swap(context, host);
    assert.equal(readFileSync(join(fromCache!, 'file'), 'utf8'), 'right');
    writeFileSync(join(fromCache!, 'file'), 'written');
    assert.deepEqual(
      others.map((source, i) => readFileSync(i < 2 ? join(source, 'file') : source, 'utf8')),
      ['right', 'right', 'right'],
    );
  });
  assert.equal(readFileSync(join(root, 'gone/file'), 'utf8'), 'written');
  assert.equal(readFileSync(join(host, 'file'), 'utf8'), 'of the host');
  await assert.rejects(
    prepare([{ ...cache, source: '/missing/dir' }], () => {}),
    { code: 'run.no-mount-source', message: 'open /missing/dir: no such file or directory' },
  );
});
