// The build cache by project, and cache mounts while they are in use: listing does not take one from a build, users that meet at a new cache get the same one, and the
// bound on what builds keep holds without anybody asking for it.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryStore, type TestStore } from '../support/store.ts';

async function store(
  t: Parameters<typeof temporaryStore>[0],
): Promise<TestStore & { build(name: string, text: string, args?: string[]): Promise<string> }> {
  const made = temporaryStore(t);
  await made.ok(['bootstrap', 'busybox']);
  return Object.assign(made, {
    build: async (name: string, text: string, args: string[] = []) => {
      const dir = join(made.folder, name);
      mkdirSync(dir, { recursive: true });
      writeFileSync(join(dir, 'Dockerfile'), `FROM busybox\n${text}\n`);
      const r = await made.slipway(['build', '--progress', 'plain', '--network', 'none', ...args, '-t', name, dir]);
      if (r.exitCode !== 0) throw new Error(r.stderr);
      return r.stderr;
    },
  });
}

/** Ends when `file` of the cache is there, so that two builds meet without a clock. */
const until = (file: string): string => `timeout 60 sh -c 'until [ -e ${file} ]; do sleep 0.02; done'`;

test('du and prune beside a build: the cache is listed as in use and stays, and a private user that comes then has it', async (t) => {
  const s = await store(t);
  await s.build('first', 'RUN --mount=type=cache,id=c,target=/c echo kept > /c/file');
  const lists: Promise<string>[] = [];
  for (let i = 0; i < 3; i++) {
    lists.push(s.ok(['builder', 'du', '--verbose']));
    const text = await s.build('again', `RUN --mount=type=cache,id=c,target=/c,sharing=private echo ${i}; cat /c/file`);
    assert.match(text, /^#\d+ [\d.]+ kept$/m, 'not a second cache, which is empty');
  }
  await Promise.all(lists);

  const holds = s.build('holds', `RUN --mount=type=cache,id=c,target=/c touch /c/here; ${until('/c/go')}`);
  const beside = `RUN --mount=type=cache,id=c,target=/c ${until('/c/here')}; echo met`;
  await s.build('meets', beside);
  const entry = /ID:(?:(?!\n\n)[^])*cached mount[^]*?(?=\n\n|$)/;
  assert.match(entry.exec(await s.ok(['builder', 'du', '--verbose']))?.[0] ?? '', /^Reclaimable: +false$/m);
  await s.ok(['builder', 'prune', '-af']);
  await s.build('releases', 'RUN --mount=type=cache,id=c,target=/c cat /c/file; touch /c/go');
  await holds;
  await s.ok(['builder', 'prune', '-af']);
  assert.doesNotMatch(await s.ok(['builder', 'du', '--verbose']), /cached mount/);
});

test('users that meet at a cache that is not there yet get the same one', async (t) => {
  const s = await store(t);
  for (let round = 0; round < 2; round++) {
    const waits = (own: string, other: string): string =>
      `RUN --mount=type=cache,id=r${round},target=/c touch /c/${own}; ${until(`/c/${other}`)}`;
    await Promise.all([s.build('a', waits('a', 'b')), s.build('b', waits('b', 'a'))]);
  }
});

test('the bound on the cache is kept by builds themselves, the oldest first', async (t) => {
  const s = await store(t);
  const env = { SLIPWAY_CACHE_LIMIT: '3MB' };
  const fill = (n: number): string =>
    `RUN --mount=type=cache,id=big${n},target=/c dd if=/dev/urandom of=/c/file bs=1M count=2 && echo ${n}`;
  const dir = join(s.folder, 'bounded');
  mkdirSync(dir);
  for (const n of [1, 2]) {
    writeFileSync(join(dir, 'Dockerfile'), `FROM busybox\n${fill(n)}\n`);
    // looked at now and then only: the first build of a store does, the others would in some minutes
    await s.ok(['build', '-q', '--network', 'none', dir], n === 1 ? {} : { env });
  }
  assert.match(await s.ok(['builder', 'du', '--verbose']), /"big1"/, 'not looked at so soon');
  const { DatabaseSync } = await import('node:sqlite');
  const db = new DatabaseSync(join(s.root, 'slipway.db'));
  db.exec("UPDATE meta SET value = '0' WHERE key = 'cache-bounded'");
  db.close();
  await s.ok(['build', '-q', '--network', 'none', dir], { env });
  const left = await s.ok(['builder', 'du', '--verbose']);
  assert.doesNotMatch(left, /"big1"/);
  assert.match(left, /"big2"/);
});

test('du and prune by the project that brought it', async (t) => {
  const s = await store(t);
  const step = (n: number): string => `RUN --mount=type=cache,id=p${n},target=/c echo ${n} > /c/file && echo ${n} > /x`;
  await s.build('one', step(1));
  await s.build('two', step(2));
  writeFileSync(join(s.folder, 'two', 'other'), `FROM busybox\n${step(3)}\n`);
  await s.ok(['build', '-q', '--network', 'none', '-f', join(s.folder, 'two', 'other'), join(s.folder, 'two')]);
  const projects = (...args: string[]): Promise<string> =>
    s.ok(['builder', 'du', '--by-project', '--format', '{{.Project}} {{.Entries}}', ...args]);
  const [one, two] = ['one', 'two'].map((name) => join(s.folder, name));
  assert.deepEqual((await projects()).trim().split('\n').sort(), [`${one} 2`, `${two} 2`, `${two} ${two}/other 2`].sort());
  assert.match(
    await s.ok(['builder', 'du', '--verbose', '--filter', 'project=.'], { cwd: one! }),
    /^(?:(?:.+\n)+Project: {6}\/.*\/one\n(?:.+\n)*\n){2}/,
  );
  await s.ok(['builder', 'prune', '-af', '--filter', `project=${two}/other`]);
  assert.deepEqual((await projects()).trim().split('\n').sort(), [`${one} 2`, `${two} 2`]);
  await s.ok(['builder', 'prune', '-af', '--filter', 'project=.'], { cwd: two! });
  assert.equal(await projects(), `${one} 2\n`);
  assert.match(await s.build('one', step(1)), /CACHED/);
});
