// `image rebase`: the layers of an image on a newer base, also on a machine that never built it.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openShop, type Shop } from '../support/shop.ts';

const shop = openShop('rebase');
const build = async (on: Shop, name: string, dockerfile: string): Promise<void> => {
  const dir = join(shop.folder, name.replaceAll(/[:/]/g, '-'));
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'Dockerfile'), dockerfile);
  await on.ok('build', '-q', '-t', name, dir);
};
const base = (version: number): string => `FROM busybox
RUN echo ${version} > /version && mkdir /shared && echo ${version} > /shared/base && seq ${version} 1000 > /numbers${version}
ENV VERSION=${version} PATH=/v${version}:/bin
LABEL base=${version}
`;
before(async () => {
  await shop.makeImages();
  await build(shop, 'corp/base:1', base(1));
  await build(
    shop,
    'app',
    'FROM corp/base:1\nENV PATH=/app:$PATH APP=yes\nRUN mkdir /app && cat /version > /app/built && rm /shared/base && echo own > /shared/own\nCMD ["sh", "-c", "cat /version /app/built; ls /shared; echo $VERSION $PATH $APP"]\n',
  );
  await build(shop, 'corp/base:2', base(2));
});
after(() => shop.close());

const text = async (...args: string[]): Promise<string> => (await shop.ok(...args)).stdout;
const run = (on: Shop, name: string): Promise<string> => on.ok('run', '--rm', '--network', 'none', name).then((r) => r.stdout);

test('the layers of an image move to a newer base, with what the base says now', async () => {
  assert.equal(await run(shop, 'app'), '1\n1\nown\n1 /app:/v1:/bin yes\n');
  const r = await shop.ok('image', 'rebase', '-t', 'app:patched', 'app', 'corp/base:2');
  assert.match(r.stderr, /^1 layer of app moved from corp\/base:1 to corp\/base:2$/m);
  assert.equal(r.stdout, await text('image', 'inspect', '-f', '{{println .Id}}', 'app:patched').then((t) => t.replace('\n\n', '\n')));
  assert.equal(await run(shop, 'app:patched'), '2\n1\nown\n2 /app:/v2:/bin yes\n');
  assert.equal(await text('image', 'inspect', '-f', '{{.Config.Labels.base}} {{len .RootFS.Layers}}', 'app:patched'), '2 3\n');
  const history = (await text('history', '--no-trunc', '--format', '{{.CreatedBy}}', 'app:patched')).split('\n');
  assert.equal(history[0], 'slipway image rebase corp/base:2');
  assert.ok(history.some((line) => line.includes('/numbers2')) && !history.some((line) => line.includes('/numbers1')));
  assert.equal(await run(shop, 'app'), '1\n1\nown\n1 /app:/v1:/bin yes\n', 'the image itself stays');
});

test('elsewhere, where the images came as archives, and the old base is named', async () => {
  const archive = join(shop.folder, 'all.tar');
  await shop.ok('tag', 'corp/base:1', 'old');
  await shop.ok('save', '-o', archive, 'app', 'old', 'corp/base:2');
  const other = shop.elsewhere('there');
  await other.ok('load', '-q', '-i', archive);
  const unknown = await other.run('image', 'rebase', 'app', 'corp/base:2');
  assert.match(unknown.stderr, /^error: no image of docker\.io\/corp\/base is here that app stands on\n\nhint: --from names/);
  await other.ok('image', 'rebase', '--from', 'old', '-t', 'moved', 'app', 'corp/base:2');
  assert.equal(await run(other, 'moved'), '2\n1\nown\n2 /app:/v2:/bin yes\n');
  await other.ok('save', '-o', archive, 'moved');
  const third = shop.elsewhere('third');
  await third.ok('load', '-q', '-i', archive);
  assert.equal(await run(third, 'moved'), '2\n1\nown\n2 /app:/v2:/bin yes\n');
});

test('what cannot be is refused', async () => {
  const wrong = await shop.run('image', 'rebase', '--from', 'corp/base:2', 'app', 'corp/base:2');
  assert.match(wrong.stderr, /^error: app does not stand on corp\/base:2: its layers begin with others/);
  assert.match((await shop.run('image', 'rebase', 'app', 'nothing')).stderr, /No such image: nothing/);
});
