// What a build says of itself: why steps ran, the plan before, the history after.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { commandLines } from '../support/processes.ts';
import { openShop } from '../support/shop.ts';

const shop = openShop('explain');
const context = join(shop.folder, 'project');
const DOCKERFILE = `FROM busybox AS base
ARG V=1
RUN echo base $V
FROM base AS a
COPY src /src
RUN cat /src/x > /a
FROM base AS b
RUN --mount=type=secret,id=one echo b > /b
FROM base AS test
RUN false
FROM base
COPY --from=a /a /a
COPY --from=b /b /b
`;

const put = (path: string, text: string): void => {
  mkdirSync(join(context, path, '..'), { recursive: true });
  writeFileSync(join(context, path), text);
};

before(async () => {
  await shop.makeImages();
});
// a test that fails leaves nothing to the next one
beforeEach(() => restore());
after(() => shop.close());

const build = async (...args: string[]): Promise<string> =>
  (await shop.ok('build', '--progress', 'plain', '-t', 't', ...args, context)).stderr;
const reasons = (output: string): string[] => [...output.matchAll(/^#\d+ not cached: (.*)$/gm)].map((m) => m[1] ?? '');
const restore = (): void => {
  put('Dockerfile', DOCKERFILE);
  put('src/x', '1\n');
  put('src/y', '2\n');
  rmSync(join(context, 'src/z'), { force: true });
};

test('a first build has no reasons, a second runs nothing and needs none', async () => {
  assert.deepEqual(reasons(await build()), []);
  const again = await build();
  assert.deepEqual(reasons(again), []);
  assert.match(again, /: 0 steps ran, 6 cached/);
});

test('files that changed are named, with how', async () => {
  put('src/x', '3\n');
  chmodSync(join(context, 'src/x'), 0o600);
  rmSync(join(context, 'src/y'));
  put('src/z', '');
  assert.deepEqual(reasons(await build('--explain')), [
    'src/x changed (content, mode)',
    'src/y was removed',
    'src/z was added',
    'what it stands on changed: [a 1/2] COPY src /src',
    'a changed (content) (of [a 2/2] RUN cat /src/x > /a)',
    'what it stands on changed: [stage-4 1/2] COPY --from=a /a /a',
  ]);
  chmodSync(join(context, 'src/x'), 0o644);
  restore();
  await build();
});

test('a file that changes nothing of what comes of it stops there', async () => {
  put('src/y', 'nobody reads it\n');
  assert.deepEqual(reasons(await build()), ['src/y changed (content)', 'what it stands on changed: [a 1/2] COPY src /src']);
  restore();
  await build();
});

test('build arguments, instructions, secrets, and what was asked for', async () => {
  const [first] = reasons(await build('--build-arg', 'V=2'));
  assert.equal(first, 'the build argument or variable V changed: "1" → "2"');
  await build();
  put('Dockerfile', DOCKERFILE.replace('cat /src/x', 'cat /src/y').replace('id=one', 'id=two'));
  const changed = reasons(await build('--explain'));
  assert.ok(changed.includes('the instruction changed: RUN cat /src/x > /a → RUN cat /src/y > /a'), changed.join('\n'));
  assert.ok(changed.includes('the ids of its secret mounts changed: one → two'), changed.join('\n'));
  restore();
  await build();
  assert.deepEqual(reasons(await build('--no-cache-filter', 'b')), ['it was asked to: --no-cache-filter b']);
});

test('a base image that is another one now', async () => {
  await shop.ok('tag', 'busybox', 'ground');
  put('Dockerfile', 'FROM ground\nRUN echo upon\n');
  await build();
  await shop.ok('tag', 'app', 'ground');
  const [reason = ''] = reasons(await build());
  assert.match(reason, /^the base image changed: docker\.io\/library\/ground:latest \(sha256:[0-9a-f]{12} → sha256:[0-9a-f]{12}\)$/);
  restore();
  await build();
});

test('what was pruned is said to be gone', async () => {
  await shop.ok('builder', 'prune', '-af');
  const gone = reasons(await build());
  assert.equal(gone[0], 'its result is no longer in the cache: it was pruned or gave way to newer ones');
});

test('the plan: what would run and why, and nothing is run', async () => {
  put('src/x', 'planned\n');
  const plan = JSON.parse((await shop.ok('build', '--plan=json', context)).stdout) as {
    stages: { name: string; needed: boolean }[];
    steps: { name: string; fate: string; reason?: string; line?: number }[];
    counts: object;
  };
  assert.deepEqual(
    plan.stages.map((s) => [s.name, s.needed]),
    [
      ['base', true],
      ['a', true],
      ['b', true],
      ['test', false],
      ['stage-4', true],
    ],
  );
  const step = (name: string) => plan.steps.find((s) => s.name.startsWith(name));
  assert.equal(step('[base 2/2]')?.fate, 'cached');
  assert.deepEqual([step('[a 1/2]')?.fate, step('[a 1/2]')?.reason, step('[a 1/2]')?.line], ['run', 'src/x changed (content)', 5]);
  assert.equal(step('[stage-4 1/2]')?.fate, 'maybe');
  assert.deepEqual(plan.counts, { cached: 2, run: 2, maybe: 2 });
  assert.match((await shop.ok('build', '--plan', context)).stdout, /stage test \(FROM base\): skipped/);
  assert.match((await shop.ok('build', '--plan=dot', context)).stdout, /^digraph build \{/);
  assert.match((await shop.ok('build', '--plan=mermaid', context)).stdout, /^flowchart LR/);
  assert.match((await shop.run('build', '--plan=tree', context)).stderr, /invalid format "tree" of a plan/);
});

test('history: lists, steps, logs, why later, and what was killed', async () => {
  put('src/x', 'kept\n');
  await build();
  const builds = (await shop.ok('builder', 'history', '--format', 'json')).stdout
    .trim()
    .split('\n')
    .map((l) => JSON.parse(l) as { ref: string; status: string; cached: number; ran: number });
  assert.deepEqual([builds[0]?.status, builds[0]?.ran, builds[0]?.cached], ['completed', 4, 2]);
  assert.match((await shop.ok('builder', 'history')).stdout, /^BUILD ID +NAME +STATUS +STEPS +CACHED +CREATED AT +DURATION\n/);
  assert.match((await shop.ok('builder', 'history', 'inspect')).stdout, /\[a 2\/2\] RUN cat \/src\/x > \/a/);
  assert.equal((await shop.ok('builder', 'why', '^0', 'COPY src')).stdout, '[a 1/2] COPY src /src\n  src/x changed (content)\n');
  assert.match((await shop.run('builder', 'why', '^0', 'COPY srk /src')).stderr, /has no step/);
  restore();
  put('Dockerfile', 'FROM busybox\nRUN echo said; false\n');
  assert.equal((await shop.run('build', context)).status, 1);
  assert.match((await shop.ok('builder', 'history', 'logs')).stdout, /RUN echo said; false\nsaid\n/);
  // no other run of this test has the same
  const command = `sleep 20.125${process.pid}`;
  put('Dockerfile', `FROM busybox\nRUN ${command}\n`);
  await shop.killed(() => commandLines().includes(`${command} `), 'build', context);
  assert.match((await shop.ok('builder', 'history')).stdout.split('\n')[1] ?? '', /Canceled/);
  await shop.ok('builder', 'history', 'rm', '--all');
  assert.equal((await shop.ok('builder', 'history', '-q')).stdout, '');
});

test('rawjson: one object a line, in the form of BuildKit', async () => {
  const { stderr } = await shop.ok('build', '--progress', 'rawjson', '--no-cache', context);
  const lines = stderr
    .trim()
    .split('\n')
    .map((l) => JSON.parse(l) as { vertexes?: { name: string; completed?: string }[]; logs?: { data: string }[] });
  assert.ok(lines.some((l) => l.vertexes?.some((v) => v.name.includes('RUN echo base') && v.completed !== undefined)));
  assert.equal(Buffer.from(lines.find((l) => l.logs)?.logs?.[0]?.data ?? '', 'base64').toString(), 'base 1\n');
});
