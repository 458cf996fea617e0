// `--squash` and its kin by the graph engine: layers that become one, with the same files, whatever the cache has.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openShop, Shop } from '../support/shop.ts';

const shop = openShop('squash');
const context = join(shop.folder, 'project');
const DOCKERFILE = `FROM busybox AS base
RUN mkdir /big && seq 1 20000 > /big/numbers && echo base > /kept
ENV BASE=1
RUN rm -r /big
FROM base AS app
RUN echo one > /one && chmod 4755 /one && echo gone > /gone
RUN rm /gone && echo two > /two && ln /two /three
CMD ["cat", "/kept", "/one", "/two"]
`;

before(async () => {
  await shop.makeImages();
  mkdirSync(context);
  writeFileSync(join(context, 'Dockerfile'), DOCKERFILE);
  await shop.ok('build', '-q', '-t', 'plain', context);
});
after(() => shop.close());

const text = async (...args: string[]): Promise<string> => (await shop.ok(...args)).stdout;
const layers = async (name: string): Promise<string[]> =>
  (await text('image', 'inspect', '--format', '{{range .RootFS.Layers}}{{println .}}{{end}}', name)).trim().split('\n');
const files = (name: string): Promise<string> =>
  text(
    'run',
    '--rm',
    '--network',
    'none',
    name,
    'sh',
    '-c',
    'cat /kept /one /two; stat -c "%a %h %n" /one /two /three; ls / | tr "\\n" " "; echo $BASE',
  );
const squashed = async (name: string, ...flags: string[]): Promise<string[]> => {
  await shop.ok('build', '-q', ...flags, '-t', name, context);
  assert.equal(await files(name), await files('plain'), flags.join(' '));
  assert.equal(await text('run', '--rm', '--network', 'none', name), 'base\none\ntwo\n');
  return layers(name);
};

test('--squash: what the build made is one layer upon the base, without what was removed on the way', async () => {
  const base = await layers('busybox');
  const made = await squashed('new', '--squash');
  assert.deepEqual([made.slice(0, -1), made.length], [base, base.length + 1]);
  assert.deepEqual(await squashed('again', '--squash'), made);
  assert.equal(await text('image', 'inspect', '-f', '{{.Id}}', 'again'), await text('image', 'inspect', '-f', '{{.Id}}', 'new'));
  const history = (await text('history', '--no-trunc', '--format', '{{.Size}} {{.CreatedBy}}', 'new')).split('\n');
  assert.match(history[0] ?? '', /^[\d.]+B slipway build --squash$/);
  assert.ok(history.slice(1, 7).every((line) => line.startsWith('0B ')));
  assert.ok(
    Number(await text('image', 'inspect', '-f', '{{.Size}}', 'new')) <
      Number(await text('image', 'inspect', '-f', '{{.Size}}', 'plain')) - 100_000,
  );
});

test('--squash-all: one layer, and nothing of the base; --squash-stage: those of a stage, what is above stays what it was', async () => {
  assert.equal((await squashed('all', '--squash-all')).length, 1);
  const plain = await layers('plain');
  const stage = await squashed('stage', '--squash-stage', 'base');
  assert.equal(stage.length, plain.length - 1);
  assert.deepEqual(stage.slice(-2), plain.slice(-2));
  const both = await squashed('both', '--squash-stage', 'base', '--squash-stage', 'app');
  assert.equal(both.length, plain.length - 2);
  assert.equal(both.at(-2), stage.at(-3));
  const absent = await shop.ok('build', '--squash-stage', 'app', '--target', 'base', '--progress', 'plain', context);
  assert.match(absent.stderr, /stage app brings no layer of its own to the image/);
});

test('squashed images travel, outlive the cache, and are reproducible', async () => {
  const archive = join(shop.folder, 'stage.tar');
  await shop.ok('builder', 'prune', '-af');
  await shop.ok('save', '-o', archive, 'stage', 'plain');
  const other = shop.elsewhere('other');
  await other.ok('load', '-q', '-i', archive);
  const ran = (name: string): Promise<string> => other.ok('run', '--rm', '--network', 'none', name).then((r) => r.stdout);
  assert.equal(await ran('stage'), 'base\none\ntwo\n');
  const ids = [];
  for (const name of ['r1', 'r2']) {
    await shop.ok('build', '-q', '--no-cache', '--squash-stage', 'base', '--reproducible', '-t', name, context);
    ids.push(await text('image', 'inspect', '-f', '{{.Id}}', name));
  }
  assert.equal(ids[0], ids[1]);
});

test('what cannot be is refused', async () => {
  assert.match((await shop.run('build', '--squash', '--squash-all', context)).stderr, /conflicting options: --squash/);
  assert.match((await shop.run('build', '--squash-stage', 'bse', context)).stderr, /"bse" could not be found \(did you mean base\?\)/);
  const classic = new Shop(shop.folder, { ...shop.env, DOCKER_BUILDKIT: '0' });
  assert.match((await classic.run('build', '--squash-all', context)).stderr, /the --squash-all option requires BuildKit/);
});
