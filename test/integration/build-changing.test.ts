// A context that somebody edits while it is built: what was copied is never taken for what it was before, or is later; needs root.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryStore } from '../support/store.ts';

test('a file that is changed while a step before its COPY runs', async (t) => {
  const store = temporaryStore(t);
  await store.ok(['bootstrap', 'busybox']);
  const context = join(store.folder, 'context');
  const file = join(context, 'file');
  mkdirSync(context);
  writeFileSync(file, 'before\n');
  const wait = 'touch /c/waits; until [ -e /c/go ]; do sleep 0.02; done';
  writeFileSync(
    join(context, 'Dockerfile'),
    `FROM busybox\nRUN --mount=type=cache,target=/c ${wait}\nCOPY file /file\nRUN cp /file /copied\n`,
  );
  const args = ['build', '-q', '--network', 'none', '-t', 'app', context];
  const copied = (): Promise<string> => store.ok(['run', '--rm', '--network', 'none', 'app', 'cat', '/file', '/copied']);
  const building = store.start(args);
  const said = text(building.stderr!);
  const ended = new Promise((resolve) => building.once('close', resolve));
  const folder = join(store.root, 'cache-mounts');
  const files = (): string[] => (existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : []);
  let waits: string | undefined;
  while (waits === undefined && building.exitCode === null) {
    await sleep(10);
    waits = files().find((path) => path.endsWith('/waits'));
  }
  if (waits === undefined) assert.fail(await said);
  writeFileSync(file, 'meanwhile\n');
  writeFileSync(join(folder, waits, '../go'), '');
  await ended;
  assert.equal(building.exitCode, 0, await said);
  assert.equal(await copied(), 'meanwhile\nmeanwhile\n');
  writeFileSync(file, 'before\n');
  await store.ok(args);
  assert.equal(await copied(), 'before\nbefore\n');
  writeFileSync(file, 'meanwhile\n');
  await store.ok(args);
  assert.equal(await copied(), 'meanwhile\nmeanwhile\n');
});
