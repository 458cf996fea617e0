// The lock file of base images: written, obeyed by both engines, updated, verified and compared, with a registry and without.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { openShop, Shop } from '../support/shop.ts';

const shop = openShop('lock');
const context = join(shop.folder, 'project');
const lockFile = join(context, 'Dockerfile.lock');
let registry: TestRegistry;
let base: string;

async function publish(version: number): Promise<void> {
  const dir = join(shop.folder, 'base');
  mkdirSync(join(dir, 'etc'), { recursive: true });
  const status = (name: string, v: string): string =>
    `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${v}\n\n`;
  writeFileSync(
    join(dir, 'status'),
    status('same', '1') + status('libx', `${version}.0`) + (version === 1 ? status('old', '1') : status('new', '2')),
  );
  writeFileSync(join(dir, 'os-release'), 'ID=debian\nVERSION_ID="12"\n');
  writeFileSync(
    join(dir, 'Dockerfile'),
    `FROM busybox\nCOPY status /var/lib/dpkg/status\nCOPY os-release /etc/os-release\nRUN echo ${version} > /version\n`,
  );
  const maker = shop.elsewhere('maker');
  await maker.ok('build', '-q', '-t', base, dir);
  await maker.ok('push', '-q', base);
}

before(async () => {
  await shop.makeImages();
  registry = await startRegistry({ folder: join(shop.folder, 'registry') });
  base = `${registry.host}/corp/base:1`;
  const archive = join(shop.folder, 'busybox.tar');
  await shop.ok('save', '-o', archive, 'busybox');
  await shop.elsewhere('maker').ok('load', '-q', '-i', archive);
  mkdirSync(context);
});
beforeEach(async () => {
  rmSync(lockFile, { force: true });
  writeFileSync(
    join(context, 'Dockerfile'),
    `FROM ${base} AS a\nFROM busybox AS b\nRUN echo b > /b\nFROM a\nCOPY --from=b /b /b\nCMD ["cat", "/version"]\n`,
  );
  await publish(1);
});
after(async () => {
  await registry.stop();
  shop.close();
});

const fresh = async (name: string): Promise<Shop> => {
  const there = shop.elsewhere(name);
  await there.ok('load', '-q', '-i', join(shop.folder, 'busybox.tar'));
  return there;
};
const version = async (on: Shop, ...args: string[]): Promise<string> => {
  await on.ok('build', '-q', '-t', 'app', ...args, context);
  return (await on.ok('run', '--rm', '--network', 'none', 'app')).stdout;
};
interface Entry {
  name: string;
  platform: string;
  digest?: string;
  image: string;
  from: string;
}
const locked = (): Entry[] => (JSON.parse(readFileSync(lockFile, 'utf8')) as { images: Entry[] }).images;

test('a build writes what its bases stood for, and later builds of both engines obey, wherever they run', async () => {
  const one = await fresh('one');
  assert.equal(await version(one), '1\n');
  assert.ok(!existsSync(lockFile), 'only where it is asked for');
  assert.equal(await version(one, '--lock'), '1\n');
  const [busybox, own] = locked().sort((a, b) => a.from.length - b.from.length);
  assert.deepEqual([busybox?.name, busybox?.from, busybox?.digest], ['docker.io/library/busybox:latest', 'store', undefined]);
  assert.deepEqual([own?.name, own?.from, own?.platform], [base, registry.host, 'linux/amd64']);
  assert.match(own?.digest ?? '', /^sha256:[0-9a-f]{64}$/);

  await publish(2);
  const two = await fresh('two');
  assert.equal(await version(two), '1\n', 'by its digest');
  assert.equal(await version(two, '--pull'), '1\n', 'the lock goes before --pull');
  assert.equal(await version(new Shop(two.folder, { ...two.env, DOCKER_BUILDKIT: '0' })), '1\n');
  const text = readFileSync(lockFile, 'utf8');
  assert.equal(await version(two, '--lock'), '1\n');
  assert.equal(readFileSync(lockFile, 'utf8'), text, 'what is locked stays');
  assert.equal(await version(two, '--lock=off'), '2\n');
});

test('update, verify and diff', async () => {
  const here = await fresh('here');
  const missing = await here.run('lock', 'verify', context);
  assert.deepEqual([missing.status, missing.stdout.match(/missing/g)?.length], [1, 2]);
  assert.match((await here.ok('lock', 'update', context)).stdout, /^IMAGE +PLATFORM +DIGEST +STATE\n(?:.* added\n){2}$/);
  const first = readFileSync(lockFile, 'utf8');
  assert.match((await here.ok('lock', 'verify', context)).stdout, /^IMAGE.*\n(?:.* locked\n){2}$/);
  assert.match((await here.ok('lock', 'update', context)).stdout, /(?:.* unchanged\n){2}$/);
  assert.equal(readFileSync(lockFile, 'utf8'), first);

  await publish(2);
  const { stdout } = await here.ok('lock', 'diff', context);
  assert.match(
    stdout,
    /\/corp\/base:1 \(linux\/amd64\): another image\n {2}image .* of \d{4}-\d\d-\d\d → \w+\n {2}size .* → .*\n {2}added {4}new 2\n {2}removed {2}old 1\n {2}changed {2}libx 1\.0 → 2\.0\n/,
  );
  assert.match(stdout, /^busybox:latest \(linux\/amd64\): unchanged$/m);
  assert.equal(readFileSync(lockFile, 'utf8'), first, 'diff changes nothing');
  assert.match((await here.ok('lock', 'update', '--image', 'busybox', context)).stdout, /(?:.* unchanged\n){2}$/);
  assert.equal(await version(here), '1\n');
  assert.match((await here.ok('lock', 'update', context)).stdout, /updated/);
  assert.equal(await version(here), '2\n');
  writeFileSync(join(context, 'Dockerfile'), 'FROM busybox\nCMD ["echo", "none"]\n');
  assert.match((await here.ok('lock', 'update', context)).stdout, /removed/);
  assert.equal(locked().length, 1);
});

test('what cannot be obeyed is an error that says what to do; what is not locked, a warning', async () => {
  const here = await fresh('faults');
  await version(here, '--lock');
  writeFileSync(join(context, 'Dockerfile'), `FROM busybox\nCOPY --from=${registry.host}/corp/base:other /version /version\n`);
  await here.ok('tag', base, `${registry.host}/corp/base:other`);
  const warned = await here.ok('build', '--progress', 'plain', context);
  assert.match(warned.stderr, /corp\/base:other is not in Dockerfile\.lock: build --lock adds it/);

  const entries = locked();
  const other = `sha256:${'0'.repeat(64)}`;
  const write = (change: (e: Entry) => Entry): void => writeFileSync(lockFile, JSON.stringify({ version: 1, images: entries.map(change) }));
  write((e) => (e.digest === undefined ? { ...e, image: other } : e));
  const gone = await here.run('build', '--progress', 'plain', context);
  assert.match(gone.stderr, /busybox:latest is locked to the image sha256:0+, which was made on another machine/);
  assert.match(gone.stderr, /hint: slipway lock update/);
  assert.match((await here.run('lock', 'verify', context)).stdout, /busybox:latest .* unavailable: /);
  writeFileSync(lockFile, '{"version": 2}');
  assert.match((await here.run('build', context)).stderr, /Dockerfile\.lock is no lock file: its version is 2, and 1 is known/);
  assert.match((await here.run('build', '--lock', '-f', '-', context)).stderr, /a lock file lies beside its Dockerfile/);
  writeFileSync(join(context, 'Dockerfile'), 'FROM busybox\n');
  await here.ok('lock', 'update', context);
  await here.ok('build', '-q', context);
});
