// Where the steps of a build run: on a network of the user's, beside its containers, and with files of this machine. Needs root.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { inOwnNetwork, prepareOwnNetwork } from '../support/own-network.ts';
import { openShop, type Shop } from '../support/shop.ts';

if (inOwnNetwork(import.meta.url)) {
  let shop: Shop;
  let context: string;
  let files: string;
  before(async () => {
    prepareOwnNetwork();
    shop = openShop('build-places');
    await shop.ok('bootstrap', 'busybox');
    await shop.ok('network', 'create', 'mirrors');
    const server = 'echo packages > /index.html && exec httpd -f -p 80 -h /';
    await shop.ok('run', '-d', '--name', 'mirror', '--network', 'mirrors', 'busybox', 'sh', '-c', server);
    context = join(shop.folder, 'context');
    files = join(shop.folder, 'files');
    mkdirSync(context);
    mkdirSync(files);
    writeFileSync(join(files, 'seen'), 'of the machine\n');
  });
  after(async () => {
    await shop.run('rm', '-f', 'mirror');
    await shop.run('network', 'rm', 'mirrors');
    shop.close();
  });

  const dockerfile = (text: string): void => writeFileSync(join(context, 'Dockerfile'), text);
  const build = (...flags: string[]): ReturnType<Shop['run']> =>
    shop.run('build', '--progress', 'plain', '-t', 'made', '--no-cache', ...flags, context);
  const cat = async (path: string): Promise<string> => (await shop.ok('run', '--rm', '--network', 'none', 'made', 'cat', path)).stdout;

  for (const buildkit of ['1', '0'])
    test(`DOCKER_BUILDKIT=${buildkit}: steps reach containers of the network by name; --network=none of a step holds`, async () => {
      shop = shop.with({ DOCKER_BUILDKIT: buildkit });
      dockerfile('FROM busybox\nRUN wget -q -O /got http://mirror/index.html\n');
      const built = await build('--network', 'mirrors');
      assert.equal(built.status, 0, built.stderr);
      assert.equal(await cat('/got'), 'packages\n');
      const elsewhere = await build();
      assert.notEqual(elsewhere.status, 0, 'the default network knows no names');
      const missing = await build('--network', 'nowhere');
      assert.notEqual(missing.status, 0);
      assert.match(missing.stderr, /network nowhere not found/);
      shop = shop.with({ DOCKER_BUILDKIT: '1' });
      dockerfile('FROM busybox\nRUN --network=none ! wget -q -O /got http://mirror/index.html\n');
      assert.equal((await build('--network', 'mirrors')).status, 0);
    });

  for (const buildkit of ['1', '0'])
    test(`DOCKER_BUILDKIT=${buildkit}: --volume shows files of this machine, which enter no layer`, async () => {
      shop = shop.with({ DOCKER_BUILDKIT: buildkit });
      dockerfile('FROM busybox\nRUN cat /mnt/seen > /copy && echo back > /mnt/written\nRUN test -f /mnt/written\n');
      const built = await build('--network', 'none', '-v', `${files}:/mnt`);
      assert.equal(built.status, 0, built.stderr);
      assert.equal(await cat('/copy'), 'of the machine\n');
      assert.equal(readFileSync(join(files, 'written'), 'utf8'), 'back\n');
      assert.notEqual((await shop.run('run', '--rm', '--network', 'none', 'made', 'ls', '/mnt')).status, 0);
      const readonly = await build('--network', 'none', '-v', `${files}:/mnt:ro`);
      assert.notEqual(readonly.status, 0);
      assert.match(readonly.stderr, /Read-only file system/);
      dockerfile('FROM busybox\nRUN cat /etc/one > /copy\n');
      assert.equal((await build('--network', 'none', '-v', `${files}/seen:/etc/one:ro`)).status, 0);
      assert.equal(await cat('/copy'), 'of the machine\n');
    });

  test('what cannot be mounted is refused before anything runs', async () => {
    dockerfile('FROM busybox\nRUN true\n');
    assert.match((await build('-v', '/nowhere/at/all:/mnt')).stderr, /there is no file or folder \/nowhere\/at\/all/);
    assert.match((await build('-v', 'named:/mnt')).stderr, /steps of a build see no volume/);
    assert.match((await build('--network', 'container:mirror')).stderr, /network mode "container:mirror" not supported/);
  });
}
