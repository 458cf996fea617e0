// Caches that travel: to a folder, a registry, within an image; with cache mounts.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { openShop, type Shop } from '../support/shop.ts';

const shop = openShop('travel');
const context = join(shop.folder, 'project');
const archive = join(shop.folder, 'busybox.tar');
let registry: TestRegistry;
let counter = 0;

before(async () => {
  await shop.ok('bootstrap', 'busybox');
  await shop.ok('save', '-o', archive, 'busybox');
  mkdirSync(join(context, 'src'), { recursive: true });
  writeFileSync(join(context, 'src/x'), '1\n');
  writeFileSync(
    join(context, 'Dockerfile'),
    `FROM busybox AS base
RUN echo base > /base
FROM base AS a
COPY src /src
RUN --mount=type=cache,id=kept,target=/c mkdir -p /c/sub; echo in-mount >> /c/f; ln -sf f /c/l; cat /src/x > /a
FROM base
COPY --from=a /a /a
RUN echo end > /end
`,
  );
  registry = await startRegistry({ folder: join(shop.folder, 'registry') });
});
after(async () => {
  await registry.stop();
  shop.close();
});

/** Another machine: a store that has the base image and nothing else. */
async function machine(): Promise<Shop> {
  const other = shop.elsewhere(`machine${counter++}`);
  await other.ok('load', '-q', '-i', archive);
  return other;
}

const build = async (on: Shop, ...args: string[]): Promise<string> =>
  (await on.ok('build', '--progress', 'plain', '-t', 'app', ...args, context)).stderr;

test('a folder: nothing runs on another machine, and the image is the same', async () => {
  const folder = join(shop.folder, 'cache');
  await build(shop, '--cache-to', `type=local,dest=${folder},mode=max`);
  const other = await machine();
  const output = await build(other, '--cache-from', `type=local,src=${folder}`);
  assert.match(output, /0 steps ran, 5 cached/);
  assert.equal(await other.id('app'), await shop.id('app'));
  assert.equal((await other.ok('run', '--rm', '--network', 'none', 'app', 'cat', '/a', '/end', '/base')).stdout, '1\nend\nbase\n');
});

test('only what is needed is brought: a stage that is cached above stays where it is', async () => {
  const other = await machine();
  await build(other, '--cache-from', `type=local,src=${join(shop.folder, 'cache')}`);
  const entries = (await other.ok('builder', 'du', '--verbose')).stdout;
  assert.match(entries, /RUN echo end/);
  assert.doesNotMatch(entries, /RUN --mount/);
});

test('mode=min has the steps of the image, and what is missing runs', async () => {
  const folder = join(shop.folder, 'min');
  await build(shop, '--cache-to', `type=local,dest=${folder}`);
  const output = await build(await machine(), '--cache-from', `type=local,src=${folder}`);
  assert.match(output, /#\d+ \[stage-2 2\/2\] RUN echo end > \/end\n#\d+ CACHED/);
  assert.match(output, /#\d+ \[a 2\/2\] RUN --mount=.*\n#\d+ CACHED/, 'nobody needs what it makes');
});

test('cache mounts travel when asked for, chosen by id, and never over one that is there', async () => {
  const folder = join(shop.folder, 'mounts');
  await build(shop, '--cache-to', `type=local,dest=${folder},mounts=kept`);
  const other = await machine();
  const output = await build(other, '--cache-from', `type=local,src=${folder}`, '--no-cache-filter', 'a');
  assert.match(output, /importing cache from .*: 3 results, cache mounts kept/);
  const mounts = join(shop.folder, `machine${counter - 1}`, 'root/cache-mounts');
  const [mount = ''] = readdirSync(mounts);
  assert.match(readFileSync(join(mounts, mount, 'l'), 'utf8'), /^(?:in-mount\n){2,}$/);
  const again = await build(other, '--cache-from', `type=local,src=${folder}`);
  assert.doesNotMatch(again, /cache mounts/);
  const none = await build(await machine(), '--cache-from', `type=local,src=${folder},mounts=false`);
  assert.doesNotMatch(none, /cache mounts/);
});

test('a registry, in gzip and zstd; a second export sends nothing', async () => {
  const ref = `${registry.host}/app:cache`;
  await build(shop, '--cache-to', `type=registry,ref=${ref},mode=max,compression=gzip`);
  await build(shop, '--cache-to', `type=registry,ref=${ref},mode=max`);
  const output = await build(await machine(), '--cache-from', ref);
  assert.match(output, /0 steps ran, 5 cached/);
});

test('inline: the image itself is the cache', async () => {
  const ref = `${registry.host}/app:1`;
  for (const asked of [
    ['--build-arg', 'BUILDKIT_INLINE_CACHE=1'],
    ['--cache-to', 'type=inline'],
  ]) {
    await shop.ok('build', '-q', ...asked, '-t', ref, '--push', context);
    const output = await build(await machine(), '--cache-from', ref);
    assert.match(output, /#\d+ \[stage-2 2\/2\] RUN echo end > \/end\n#\d+ CACHED/);
    await shop.ok('build', '-q', '-t', ref, '--push', context);
    assert.doesNotMatch(await build(await machine(), '--cache-from', ref), /CACHED/);
  }
  await shop.ok('build', '-q', '--cache-to', 'type=inline', '-t', ref, '--push', context);
  assert.match(await build(await machine(), '--cache-from', `type=inline,ref=${ref}`), /importing cache from .*app:1/);
  assert.match(await build(await machine(), '--cache-from', `${registry.host}/app:nothing`), /no cache from .*app:nothing/);
});

test('builds for several platforms leave one cache, and a list of images with inline caches is one', async () => {
  const file = join(context, 'cross.Dockerfile');
  writeFileSync(
    file,
    'FROM --platform=$BUILDPLATFORM busybox AS b\nARG TARGETARCH\nRUN echo $TARGETARCH > /o\nFROM scratch\nCOPY --from=b /o /\n',
  );
  const both = ['--progress', 'plain', '--platform', 'linux/amd64,linux/arm64', '-f', file];
  const ref = `${registry.host}/cross`;
  const inline = ['--build-arg', 'BUILDKIT_INLINE_CACHE=1', '-t', `${ref}:list`, '--push'];
  await shop.ok('build', ...both, '--cache-to', `type=registry,ref=${ref}:cache,mode=max`, ...inline, '-q', context);
  for (const from of [`${ref}:cache`, `${ref}:list`]) {
    const other = await machine();
    const out = ['-o', `type=oci,dest=${join(shop.folder, 'cross.tar')}`];
    const { stderr } = await other.ok('build', ...both, '--cache-from', from, ...out, context);
    assert.match(stderr, /\b0 steps ran/);
    assert.equal(stderr.match(/\] COPY --from=b .*\n#\d+ CACHED/g)?.length, 2, stderr);
  }
});

test('what cannot be is told', async () => {
  for (const [flag, message] of [
    ['type=gha', /type=gha is not supported/],
    ['type=local', /type=local requires dest/],
    ['type=local,dest=x,mode=all', /invalid mode "all"/],
    ['type=local,dest=x,colour=red', /has no attribute "colour"/],
    ['type=inline,mode=max', /an inline cache has the layers of the image only/],
  ] as const) {
    const { status, stderr } = await shop.run('build', '--cache-to', flag, context);
    assert.equal(status, 1, flag);
    assert.match(stderr, message);
  }
});

test('a store that is told how large its cache may be keeps to it', async () => {
  const small = (await machine()).with({ SLIPWAY_CACHE_LIMIT: '1' });
  await small.ok('build', '-q', '-t', 'app', context);
  assert.doesNotMatch((await small.ok('builder', 'du', '--verbose')).stdout, /RUN --mount/);
  assert.equal((await small.ok('run', '--rm', '--network', 'none', 'app', 'cat', '/a')).stdout, '1\n');
});

test('the least recently used goes first; filters choose', async () => {
  const other = await machine();
  await other.ok('build', '-q', '-t', 'app', context);
  const file = join(context, 'other.Dockerfile');
  writeFileSync(file, 'FROM busybox\nRUN head -c 100000 /dev/zero > /later\n');
  await other.ok('build', '-q', '-f', file, context);
  await other.ok('rmi', '-f', ...(await other.ok('images', '-qa')).stdout.trim().split('\n'));
  const pruned = (await other.ok('builder', 'prune', '-f', '--keep-storage', '100000')).stdout;
  assert.match(pruned, /Total:/);
  const left = (await other.ok('builder', 'du', '--verbose')).stdout;
  assert.match(left, /later/);
  assert.doesNotMatch(left, /echo base/);
  assert.match((await other.ok('builder', 'prune', '-f', '--filter', 'description=later')).stdout, /100kB/);
  assert.doesNotMatch((await other.ok('builder', 'du', '--verbose')).stdout, /later/);
  assert.match((await other.run('builder', 'prune', '-f', '--filter', 'size=1')).stderr, /invalid filter 'size'/);
});
