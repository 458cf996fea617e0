// Caches from elsewhere that are damaged, or written by BuildKit: a warning says so, what they had is built again, and nothing of
// them counts as the result of another step.
import assert from 'node:assert/strict';
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { sha256 } from '../../src/model/index.ts';
import { findExecutable } from '../../src/sys/index.ts';
import { type Fault, FaultProxy } from '../support/fault-proxy.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { openShop, type Shop } from '../support/shop.ts';

const shop = openShop('damaged');
const context = join(shop.folder, 'project');
const whole = join(shop.folder, 'cache');
let registry: TestRegistry;
let proxy: FaultProxy;
let ref: string;
let counter = 0;

/** `made` is another one whenever its step runs. */
const DOCKERFILE = `FROM scratch AS base
COPY busybox /bin/sh
COPY busybox /bin/
FROM base AS a
RUN --mount=type=cache,id=kept,target=/c busybox head -c 12 /dev/urandom | busybox base64 > /made; busybox touch /c/f
FROM base
COPY --from=a /made /copied
RUN busybox cat /copied > /end
`;

before(async () => {
  mkdirSync(context, { recursive: true });
  copyFileSync(findExecutable('busybox')!, join(context, 'busybox'));
  writeFileSync(join(context, 'Dockerfile'), DOCKERFILE);
  registry = await startRegistry({ folder: join(shop.folder, 'registry') });
  proxy = new FaultProxy(registry.port);
  ref = `${await proxy.start()}/app:cache`;
  const to = ['--cache-to', `type=local,dest=${whole},mode=max,mounts=true`, '--cache-to', `type=registry,ref=${ref},mode=max`];
  await build(shop, ...to);
});
after(async () => {
  await proxy.stop();
  await registry.stop();
  shop.close();
});

const machine = (): Shop => shop.elsewhere(`machine${counter++}`);

const build = async (on: Shop, ...args: string[]): Promise<string> =>
  (await on.ok('build', '--network', 'none', '--progress', 'plain', '-t', 'app', ...args, context)).stderr;

const made = async (on: Shop): Promise<string> =>
  (await on.ok('run', '--rm', '--network', 'none', 'app', 'sh', '-c', 'busybox cmp /copied /end && busybox cat /end')).stdout;

const isDocument = (bytes: Buffer): boolean => bytes[0] === 0x7b;
const flipped = (bytes: Buffer): Buffer => Buffer.concat([bytes.subarray(0, -1), Buffer.of(bytes.at(-1)! ^ 1)]);
const blobsOf = (folder: string): string[] => readdirSync(join(folder, 'blobs/sha256')).map((name) => join(folder, 'blobs/sha256', name));

/** A copy of the cache in which something was done to its layers. */
function damaged(name: string, change: (path: string) => void): string {
  const folder = join(shop.folder, name);
  cpSync(whole, folder, { recursive: true });
  for (const path of blobsOf(folder)) if (!isDocument(readFileSync(path))) change(path);
  return folder;
}

const CHANGES: readonly (readonly [string, (path: string) => void])[] = [
  ['missing', (path) => rmSync(path)],
  ['truncated', (path) => truncateSync(path, 20)],
  ['longer', (path) => writeFileSync(path, 'more', { flag: 'a' })],
  ['others', (path) => writeFileSync(path, flipped(readFileSync(path)))],
];

for (const [name, change] of CHANGES) {
  test(`layers that are ${name}: the build says so, and builds`, async () => {
    const folder = damaged(name, change);
    const other = machine();
    const output = await build(other, '--cache-from', `type=local,src=${folder}`);
    assert.match(output, /importing cache from .*: 5 results, without cache mounts: /);
    assert.match(output, new RegExp(`a layer of the cache from ${folder} cannot be used: .*; what needs it is built again`));
    assert.match(output, /\b5 steps ran, 0 cached/);
    const own = await made(other);
    assert.notEqual(own, await made(shop));
    // what was built is the cache from here on, whether that one is asked or not
    for (const from of [[], ['--cache-from', `type=local,src=${folder}`]]) {
      assert.match(await build(other, ...from), /\b0 steps ran, 5 cached/);
      assert.equal(await made(other), own);
    }
    // and what was made here does not count as what the cache spoke of
    const again = await build(other, '--cache-from', `type=local,src=${whole}`, '--no-cache-filter', 'a');
    assert.match(again, /\b3 steps ran/);
  });
}

test('of a cache with damaged layers the others are used', async () => {
  // the base has a program, the others have words
  const folder = damaged('small', (path) => readFileSync(path).length < 10_000 && rmSync(path));
  const other = machine();
  const output = await build(other, '--cache-from', `type=local,src=${folder}`);
  assert.match(output, /cannot be used/);
  assert.match(output, /\] COPY busybox \/bin\/\n#\d+ CACHED/);
  await made(other);
});

test('documents that are missing or broken: no cache from there', async () => {
  for (const change of [
    (path: string) => rmSync(path),
    (path: string) => truncateSync(path, 30),
    (path: string) => writeFileSync(path, '{}'),
  ]) {
    for (const which of ['index', 'config']) {
      const folder = damaged(`document${counter++}`, () => {});
      const config = blobsOf(folder).find((path) => readFileSync(path, 'latin1').includes('"records"'))!;
      change(which === 'index' ? join(folder, 'index.json') : config);
      assert.match(await build(machine(), '--cache-from', `type=local,src=${folder}`), /no cache from /, which);
    }
  }
  const nowhere = await build(machine(), '--cache-from', `type=local,src=${join(shop.folder, 'nowhere')}`);
  assert.match(nowhere, /no cache from .*no such file or folder/);
});

test('a registry that does not give the layers, or gives others', async () => {
  const digests = blobsOf(whole)
    .filter((path) => !isDocument(readFileSync(path)))
    .map((path) => basename(path));
  const faults: readonly Fault[] = [
    { kind: 'answer', status: 404 },
    { kind: 'answer', status: 403 },
    { kind: 'change', change: flipped },
  ];
  for (const fault of faults) {
    const other = machine();
    proxy.fault = ({ path }) => (digests.some((digest) => path.includes(digest)) ? fault : undefined);
    const output = await build(other, '--cache-from', ref);
    assert.match(output, /cannot be used: /, JSON.stringify(fault));
    assert.match(output, /\b5 steps ran, 0 cached/);
    await made(other);
  }
  proxy.fault = () => undefined;
  assert.match(await build(machine(), '--cache-from', ref), /\b0 steps ran, 5 cached/);
});

test('a cache that BuildKit wrote is passed over, and the reason given', async () => {
  // the forms that BuildKit 0.26 writes: as an image manifest, as a list (image-manifest=false), inline
  const config = Buffer.from(JSON.stringify({ layers: [], records: [{ digest: sha256('step') }] }));
  const image = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] }, 'moby.buildkit.cache.v0': 'W10=' };
  const described = { mediaType: 'application/vnd.buildkit.cacheconfig.v0', digest: sha256(config), size: config.length };
  const inline = Buffer.from(JSON.stringify(image));
  const imageConfig = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: sha256(inline), size: inline.length };
  const manifest = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', layers: [] };
  const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json' };
  for (const document of [
    { ...manifest, config: described },
    { ...index, manifests: [described] },
    { ...index, mediaType: 'application/vnd.docker.distribution.manifest.list.v2+json', manifests: [described] },
    { ...manifest, config: imageConfig },
  ]) {
    const folder = join(shop.folder, `buildkit${counter++}`);
    mkdirSync(join(folder, 'blobs/sha256'), { recursive: true });
    const bytes = Buffer.from(JSON.stringify(document));
    for (const blob of [bytes, config, inline]) writeFileSync(join(folder, 'blobs/sha256', sha256(blob).slice(7)), blob);
    const annotations = { 'org.opencontainers.image.ref.name': 'latest' };
    const entry = { mediaType: document.mediaType, digest: sha256(bytes), size: bytes.length, annotations };
    writeFileSync(join(folder, 'index.json'), JSON.stringify({ ...index, manifests: [entry] }));
    const output = await build(shop, '--cache-from', `type=local,src=${folder}`);
    assert.match(output, /no cache from .*: it was written by BuildKit, which names the results of steps by other keys than slipway/);
  }
});
