// `system check` finds what is damaged or left over, and repairs it; and what a power cut may have damaged is dropped, never served.
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { groupName } from '../../src/runtime/control-groups.ts';
import { cgroupMode } from '../../src/runtime/spec/cgroup.ts';
import { removeTree } from '../../src/sys/index.ts';
import { randomId } from '../../src/util/index.ts';
import { processesOf } from '../support/processes.ts';
import { temporaryStore, type TestStore } from '../support/store.ts';

/** An image of two layers, the upper one built here, and a container of it. */
async function prepared(store: TestStore): Promise<void> {
  await store.ok(['bootstrap', 'busybox']);
  const dir = join(store.folder, 'context');
  mkdirSync(dir);
  writeFileSync(join(dir, 'Dockerfile'), 'FROM busybox\nCOPY file /file\n');
  writeFileSync(join(dir, 'file'), 'built\n');
  await store.ok(['build', '-q', '-t', 'app', dir]);
}

function sql(store: TestStore, text: string): Record<string, unknown>[] {
  const db = new DatabaseSync(join(store.root, 'slipway.db'));
  try {
    return db.prepare(text).all();
  } finally {
    db.close();
  }
}

test('a sound store; then damage of every kind, found, repaired, and built again', async (t) => {
  const store = temporaryStore(t);
  await prepared(store);
  assert.match(await store.ok(['system', 'check']), /no problems$/m);
  const blobs = join(store.root, 'blobs', 'sha256');
  const [first = ''] = readdirSync(blobs);
  appendFileSync(join(blobs, first), 'more');
  writeFileSync(join(blobs, 'f'.repeat(64)), 'unknown');
  const [built] = sql(store, 'SELECT max(id) AS id FROM snapshots');
  removeTree(join(store.root, 'snapshots', String(built?.['id'])));
  mkdirSync(join(store.root, 'snapshots', '4711'));
  mkdirSync(join(store.run, 'build', 'a'.repeat(64)), { recursive: true });
  writeFileSync(join(store.root, 'ingest', `${'b'.repeat(16)}.1`), 'unfinished');
  writeFileSync(join(store.root, 'locks', 'step-x'), '');
  sql(store, "INSERT INTO leases (id, owner, created_at) VALUES ('x', 'cccccccccccccccc', 1)");
  const r = await store.slipway(['system', 'check', '--format', 'json']);
  assert.equal(r.exitCode, 1);
  const subjects = r.stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { Subject: string }).Subject);
  assert.deepEqual([...new Set(subjects)].sort(), ['blob', 'bundle', 'image', 'lease', 'lock', 'snapshot', 'unfinished']);
  const repaired = await store.ok(['system', 'check', '--repair']);
  assert.match(repaired, /all problems repaired$/m);
  assert.match(await store.ok(['system', 'check']), /no problems$/m);
  assert.ok(!existsSync(join(blobs, 'f'.repeat(64))));
  await store.ok(['bootstrap', 'busybox']);
  await store.ok(['build', '-q', '-t', 'app', join(store.folder, 'context')]);
  assert.equal(await store.ok(['run', '--rm', '--network', 'none', 'app', 'cat', '/file']), 'built\n');
});

test('after a restart of the machine, what was not on the disk is built again; what was, and what can be unpacked, stays', async (t) => {
  const store = temporaryStore(t);
  await prepared(store);
  const dir = join(store.folder, 'context');
  await store.ok(['run', '--name', 'kept', '--network', 'none', 'busybox', 'sh', '-c', 'echo mine > /mine']);
  await store.ok(['system', 'sync']);
  writeFileSync(join(dir, 'file'), 'not synced\n');
  await store.ok(['build', '-q', '-t', 'late', dir]);
  const [late] = sql(store, 'SELECT id FROM snapshots WHERE durable = 0');
  // as a power cut may leave it: the row is there, the file is empty
  writeFileSync(join(store.root, 'snapshots', String(late?.['id']), 'fs', 'file'), '');
  rmSync(store.run, { recursive: true, force: true });
  sql(store, "UPDATE meta SET value = 'another boot' WHERE key = 'boot'");
  const r = await store.slipway(['images', '--format', '{{.Repository}}']);
  assert.equal(r.stdout, 'app\nbusybox\n');
  assert.match(
    r.stderr,
    /^warning: the machine stopped before all was on the disk; lost, to be pulled or built again: image [0-9a-f]{12}$/m,
  );
  assert.equal((await store.slipway(['images', '-q'])).stderr, '', 'said once');
  await store.ok(['build', '-q', '-t', 'late', dir]);
  assert.equal(await store.ok(['run', '--rm', '--network', 'none', 'late', 'cat', '/file']), 'not synced\n');
  assert.equal(await store.ok(['run', '--rm', '--network', 'none', 'app', 'cat', '/file']), 'built\n');
  assert.match(await store.ok(['ps', '-a']), /kept/);
  assert.match(await store.ok(['system', 'check']), /no problems$/m);
});

test('processes and control groups that nothing is known of are found and ended', async (t) => {
  const store = temporaryStore(t);
  await store.ok(['bootstrap', 'busybox']);
  const run = ['run', '-d', '--network', 'none', 'busybox', 'sleep', '1000'];
  await store.ok(run);
  const killed = await store.slipway(run, { env: { SLIPWAY_CRASH_AT: 'container.create-asked' } });
  assert.equal(killed.signal, 'SIGKILL');
  // one that runs, and one whose monitor and process wait for a start: as if they had never been recorded
  sql(store, 'DELETE FROM containers');
  const group = join('/sys/fs/cgroup', cgroupMode() === 'v1' ? 'memory' : '', groupName(join(store.run, 'runtime'), randomId()));
  if (cgroupMode() !== 'none') mkdirSync(group);
  const report = await store.slipway(['system', 'check']);
  assert.equal(report.exitCode, 1);
  assert.match(report.stdout, /^process +\d+ +it belongs to [0-9a-f]{64}, which has ended/m);
  if (cgroupMode() !== 'none') assert.ok(report.stdout.includes(group), report.stdout);
  assert.match(await store.ok(['system', 'check', '--repair']), /all problems repaired$/m);
  assert.match(await store.ok(['system', 'check']), /no problems$/m);
  assert.deepEqual(processesOf(`${store.folder}/`), []);
  assert.ok(!existsSync(group));
});

test('a monitor clears up by itself, among the mounts of the command that was killed', async (t) => {
  const store = temporaryStore(t);
  await store.ok(['bootstrap', 'busybox']);
  const run = ['run', '--rm', 'busybox', 'true'];
  // on a busy machine the network may be ready before the monitor is started: such a one clears nothing up, and the next command does
  for (let report = ''; !/no problems$/m.test(report);) {
    // the first one tries the runtime out, in a folder that is mounted
    assert.equal((await store.slipway(run, { env: { SLIPWAY_CRASH_AT: 'network.rules-set' } })).signal, 'SIGKILL');
    while (processesOf(`${store.folder}/`).length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    report = (await store.slipway(['system', 'check'])).stdout;
    if (/no problems$/m.test(report)) continue;
    assert.match(report, /it is being started, by a command that is gone/);
    await store.ok(['ps']);
  }
});

test('a container whose start was cut off is found and ended', async (t) => {
  const store = temporaryStore(t);
  await store.ok(['bootstrap', 'busybox']);
  const run = ['run', '-d', '--name', 'cut', '--network', 'none', 'busybox', 'sleep', '1000'];
  assert.equal((await store.slipway(run, { env: { SLIPWAY_CRASH_AT: 'container.process-created' } })).signal, 'SIGKILL');
  assert.match((await store.slipway(['system', 'check'])).stdout, /^container +.*it is being started, by a command that is gone/m);
  assert.match(await store.ok(['system', 'check', '--repair']), /all problems repaired$/m);
  assert.match(await store.ok(['ps', '-a']), /Exited .* cut$/m);
  assert.deepEqual(processesOf(`${store.folder}/`), []);
});

test('ps alone ends what a probe left whose command was killed', async (t) => {
  const store = temporaryStore(t);
  await store.ok(['ps']);
  const folder = join(store.run, 'runtime', 'scratch');
  const id = randomId();
  mkdirSync(join(folder, `4194305.1.${id}`), { recursive: true }); // no process has this number
  await store.ok(['ps']);
  assert.deepEqual(readdirSync(folder), []);
});
