// `INCLUDE` in builds: parts of the context and of the Dockerfile's folder, with their places in errors and warnings.
import assert from 'node:assert/strict';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openShop } from '../support/shop.ts';

const shop = openShop('include');
after(() => shop.close());
before(() => shop.ok('bootstrap', 'busybox'));

const folder = shop.context.bind(shop);

const HEAD = '# slipway:features=include\n# check=skip=NonPortableSyntax\n';

test('parts beside the Dockerfile and in the context, nested; the plain file builds the same from the cache', async () => {
  const context = folder({
    'docker/Dockerfile': `${HEAD}INCLUDE parts/base.Dockerfile\nCOPY file /file\nINCLUDE ../common/end\n`,
    'docker/parts/base.Dockerfile': 'ARG WHO=world\nFROM busybox\nARG WHO\nINCLUDE greet\n',
    'docker/parts/greet': 'RUN echo "hello $WHO" > /greeting\n',
    'common/end': 'CMD ["cat", "/greeting", "/file"]\n',
    file: 'content\n',
  });
  const dockerfile = join(context, 'docker/Dockerfile');
  const made = await shop.ok('build', '--progress', 'plain', '--build-arg', 'WHO=you', '-t', 'included', '-f', dockerfile, context);
  assert.doesNotMatch(made.stderr, /WARN/);
  assert.equal((await shop.ok('run', '--rm', 'included')).stdout, 'hello you\ncontent\n');
  const plain = join(context, 'plain');
  await shop.ok('dockerfile', 'flatten', '-f', dockerfile, '-o', plain, context);
  const again = await shop.ok('build', '--progress', 'plain', '--build-arg', 'WHO=you', '-t', 'flat', '-f', plain, context);
  assert.equal(again.stderr.match(/ CACHED$/gm)?.length, 3);
  assert.equal(await shop.id('included'), await shop.id('flat'));
  assert.doesNotMatch((await shop.ok('dockerfile', 'flatten', '-f', dockerfile, context)).stdout, /INCLUDE|features|NonPortable/);
  const tree = await shop.ok('dockerfile', 'ast', dockerfile).catch((e: unknown) => e);
  assert.match(String(tree), /ENOENT|cannot include|stages/);
});

test('what fails, and what is warned of, stands in the part', async () => {
  const context = folder({
    Dockerfile: `# slipway:features=include\nFROM busybox\nINCLUDE parts/steps\n`,
    'parts/steps': 'ENV a b\nRUN true\n\nRUN echo broken >&2 && exit 7\n',
  });
  const failed = await shop.run('build', context);
  assert.equal(failed.status, 1, failed.stderr);
  assert.match(failed.stderr, /parts\/steps:4\n-+\n[^>]*\n {3}4 \| >>> RUN echo broken/);
  const checked = await shop.run('build', '--check', context);
  assert.match(checked.stdout, /LegacyKeyValueFormat[\s\S]*parts\/steps:1\n/);
  assert.match(checked.stdout, /NonPortableSyntax.*\nINCLUDE parts\/steps is understood by Slipway alone\nDockerfile:3\n/);
  const json = await shop.run('build', '--call', 'check,format=json', context);
  const { warnings, sources } = JSON.parse(json.stdout) as {
    warnings: { ruleName: string; location: { sourceIndex?: number } }[];
    sources: { filename: string }[];
  };
  assert.deepEqual(
    sources.map(({ filename }) => filename),
    ['Dockerfile', 'parts/steps'],
  );
  assert.equal(warnings.find((w) => w.ruleName === 'LegacyKeyValueFormat')?.location.sourceIndex, 1);
  writeFileSync(join(context, 'parts/steps'), 'RUN true\nCOPPY a b\n');
  const wrong = await shop.run('build', context);
  assert.match(
    wrong.stderr,
    /parts\/steps:2\n[\s\S]*unknown instruction: COPPY \(did you mean COPY\?\)\n\nhint: included by Dockerfile:3\n/,
  );
  writeFileSync(join(context, 'parts/steps'), '# test: passes\nFROM busybox\nRUN true\n');
  assert.match((await shop.ok('build', '--test=only', context)).stderr, /ok +passes/);
});

test('no path and no link leads out of the context', async () => {
  const context = folder({ Dockerfile: `${HEAD}FROM busybox\nINCLUDE ../../secret\n`, 'deep/er/x': '' });
  writeFileSync(join(shop.folder, 'secret'), 'RUN echo out\n');
  const climbing = await shop.run('build', context);
  assert.match(climbing.stderr, /cannot include \.\.\/\.\.\/secret: no such file or directory/);
  assert.match(climbing.stderr, /Dockerfile:4\n/);
  symlinkSync(join(shop.folder, 'secret'), join(context, 'link'));
  writeFileSync(join(context, 'Dockerfile'), `${HEAD}FROM busybox\nINCLUDE link\n`);
  assert.match((await shop.run('build', context)).stderr, /cannot include link: no such file or directory/);
  writeFileSync(join(context, 'Dockerfile'), `${HEAD}FROM busybox\nINCLUDE deep\n`);
  assert.match((await shop.run('build', context)).stderr, /cannot include deep: (is a directory|not a regular file|illegal)/i);
});

test('a Dockerfile elsewhere, from standard input, and in an archive', async () => {
  const context = folder({ part: 'RUN echo context > /x\n' });
  const elsewhere = folder({ Dockerfile: `${HEAD}FROM busybox\nINCLUDE part\n`, part: 'RUN echo elsewhere > /x\n' });
  const x = async (): Promise<string> => (await shop.ok('run', '--rm', 'made', 'cat', '/x')).stdout;
  await shop.ok('build', '-q', '-t', 'made', '-f', join(elsewhere, 'Dockerfile'), context);
  assert.equal(await x(), 'elsewhere\n');
  const typed = await shop.typing(`${HEAD}FROM busybox\nINCLUDE part\n`, 'build', '-q', '-t', 'made', '-f', '-', context);
  assert.equal(typed.status, 0, typed.stderr);
  assert.equal(await x(), 'context\n');
  writeFileSync(join(context, 'part'), 'RUN echo archive > /x\n');
  writeFileSync(join(context, 'Dockerfile'), `${HEAD}FROM busybox\nINCLUDE part\n`);
  const { spawnSync } = await import('node:child_process');
  const { status } = spawnSync('tar', ['-cf', join(shop.folder, 'context.tar'), '-C', context, '.']);
  assert.equal(status, 0);
  const piped = spawnSync(
    'sh',
    ['-c', `exec "$0" build -q -t made - < "${join(shop.folder, 'context.tar')}"`, join(import.meta.dirname, '../../bin/slipway')],
    {
      env: shop.env,
      encoding: 'utf8',
    },
  );
  assert.equal(piped.status, 0, piped.stderr);
  assert.equal(await x(), 'archive\n');
  const worker = await shop.with({ SLIPWAY_WORKER: '1' }).run('build', '-q', '-t', 'made', '-f', join(elsewhere, 'Dockerfile'), context);
  assert.equal(worker.status, 0, worker.stderr);
  assert.equal(await x(), 'elsewhere\n');
  const original = await shop.with({ DOCKER_BUILDKIT: '0' }).run('build', '-q', '-t', 'made', context);
  assert.match(original.stderr, /unknown instruction: INCLUDE/);
});
