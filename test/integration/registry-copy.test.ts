// Copies between registries, layouts and archives, and lists for several platforms, checked with skopeo.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ANONYMOUS, copy, parsePlace, Registries } from '../../src/registry/index.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { type Shop, openShop } from '../support/shop.ts';

let shop: Shop;
let one: TestRegistry;
let two: TestRegistry;

before(async () => {
  shop = openShop('registry-copy');
  one = await startRegistry({ folder: join(shop.folder, 'one') });
  two = await startRegistry({ folder: join(shop.folder, 'two') });
  await shop.makeImages();
  await shop.ok('tag', 'app', `${one.host}/lab/app:1`);
  await shop.ok('push', `${one.host}/lab/app:1`);
});
after(async () => {
  await one.stop();
  await two.stop();
  shop.close();
});

const skopeo = (...args: string[]): string => execFileSync('skopeo', args, { encoding: 'utf8' });
const digest = (name: string): string =>
  (JSON.parse(skopeo('inspect', '--tls-verify=false', `docker://${name}`)) as { Digest: string }).Digest;
const raw = (name: string): { manifests: { digest: string; platform: { os: string; architecture: string; variant?: string } }[] } =>
  JSON.parse(skopeo('inspect', '--raw', '--tls-verify=false', `docker://${name}`)) as never;
const at = (name: string): string => join(shop.folder, name);

async function works(name: string): Promise<void> {
  const s = shop.elsewhere(`works-${name.replaceAll(/\W/g, '-')}`);
  assert.equal((await s.ok('run', '--rm', '--network', 'none', name, 'cat', '/file')).stdout, 'content\n');
}

test('from registry to registry: the digest stays, and a second copy moves nothing', async () => {
  const first = await shop.ok('copy', `docker://${one.host}/lab/app:1`, `docker://${two.host}/mirrored/app:1`);
  assert.equal(first.stdout.trim(), digest(`${one.host}/lab/app:1`));
  assert.equal(digest(`${two.host}/mirrored/app:1`), digest(`${one.host}/lab/app:1`));
  assert.match((await shop.ok('copy', `${one.host}/lab/app:1`, `${two.host}/mirrored/app:1`)).stderr, /copied 0B/);
  await works(`${two.host}/mirrored/app:1`);
});

test('within a registry blobs are taken over', async () => {
  const { stderr } = await shop.ok('copy', `${one.host}/lab/app:1`, `${one.host}/elsewhere/app:2`);
  assert.match(stderr, /Taken over/);
  assert.match(stderr, /copied 0B/);
});

test('to a layout and back; skopeo reads it', async () => {
  await shop.ok('copy', `docker://${one.host}/lab/app:1`, `oci:${at('layout')}:1`);
  const read = JSON.parse(skopeo('inspect', `oci:${at('layout')}:1`)) as { Digest: string };
  assert.equal(read.Digest, digest(`${one.host}/lab/app:1`));
  await shop.ok('copy', `oci:${at('layout')}:1`, `docker://${two.host}/from/layout:1`);
  assert.equal(digest(`${two.host}/from/layout:1`), read.Digest);
  const missing = await shop.run('copy', `oci:${at('layout')}:2`, `docker://${two.host}/from/layout:2`);
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /the layout has no image 2\n[^]*it holds: 1/);
});

test('to an archive that load reads, and from what save and skopeo write', async () => {
  await shop.ok('copy', `docker://${one.host}/lab/app:1`, `docker-archive:${at('app.tar')}:copied/app:1`);
  const s = shop.elsewhere('loaded');
  assert.match((await s.ok('load', '-i', at('app.tar'))).stdout, /Loaded image: copied\/app:1/);
  assert.equal((await s.ok('run', '--rm', '--network', 'none', 'copied/app:1', 'cat', '/file')).stdout, 'content\n');
  await shop.ok('save', '-o', at('saved.tar'), 'app');
  await shop.ok('copy', `docker-archive:${at('saved.tar')}`, `docker://${two.host}/from/saved:1`);
  await works(`${two.host}/from/saved:1`);
  skopeo('copy', '--insecure-policy', `oci:${at('layout')}:1`, `docker-archive:${at('skopeo.tar')}:some/name:3`);
  await shop.ok('copy', `docker-archive:${at('skopeo.tar')}:some/name:3`, `docker://${two.host}/from/skopeo:1`);
  await works(`${two.host}/from/skopeo:1`);
  const layers = (
    JSON.parse(skopeo('inspect', '--raw', '--tls-verify=false', `docker://${two.host}/from/skopeo:1`)) as {
      layers: { mediaType: string }[];
    }
  ).layers;
  assert.ok(
    layers.every((l) => l.mediaType.endsWith('gzip')),
    'plain layers were compressed on the way',
  );
});

test('a blob of a layout that was changed is refused', async () => {
  execFileSync('cp', ['-r', at('layout'), at('broken')]);
  const manifest = JSON.parse(skopeo('inspect', '--raw', `oci:${at('broken')}:1`)) as { layers: { digest: string }[] };
  const blob = join(at('broken'), 'blobs/sha256', manifest.layers[0]!.digest.slice(7));
  const bytes = readFileSync(blob);
  bytes[100]! ^= 1;
  writeFileSync(blob, bytes);
  const { status, stderr } = await shop.run('copy', `oci:${at('broken')}:1`, `oci:${at('copied')}:1`);
  assert.equal(status, 1);
  assert.match(stderr, /is not what was announced/);
  assert.ok(!existsSync(join(at('copied'), 'blobs/sha256', manifest.layers[0]!.digest.slice(7))));
  assert.equal((await shop.run('copy', `oci:${at('broken')}:1`, `docker://${two.host}/from/broken:1`)).status, 1);
});

/** Without a process of its own, which takes most of the time. */
async function copyHere(from: string, to: string): Promise<void> {
  const { signal } = new AbortController();
  using registries = new Registries({ hosts: {}, certificates: [], environment: {} }, ANONYMOUS, signal);
  await copy(registries, parsePlace(from), parsePlace(to), { signal, all: false, compression: { kind: 'gzip', level: 1 } });
}

test('names in an archive lead to no file outside of it, and what is damaged is not pushed', async () => {
  const secret = at('secret');
  writeFileSync(secret, 'a key of the host\n');
  const bytes = readFileSync(secret);
  const archive = (name: string, layer: string, make: (folder: string) => void): string => {
    const folder = at(name);
    mkdirSync(folder);
    const diffId = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    writeFileSync(
      join(folder, 'config.json'),
      JSON.stringify({ architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [diffId] } }),
    );
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify([{ Config: 'config.json', RepoTags: null, Layers: [layer] }]));
    make(folder);
    return folder;
  };
  const hostile = [
    archive('upwards', '../secret', () => {}),
    archive('absolute', secret, () => {}),
    archive('link', 'layer.tar', (folder) => symlinkSync(secret, join(folder, 'layer.tar'))),
    archive('linked-folder', 'sub/secret', (folder) => symlinkSync('..', join(folder, 'sub'))),
    archive('pipe', 'layer.tar', (folder) => execFileSync('mkfifo', [join(folder, 'layer.tar')])),
    archive('damaged', 'layer.tar', (folder) => writeFileSync(join(folder, 'layer.tar'), 'not what the configuration says')),
  ];
  for (const folder of hostile) {
    for (const target of [`docker://${two.host}/hostile/app:1`, `oci:${at('hostile-layout')}:1`]) {
      await assert.rejects(copyHere(`docker-archive:${folder}`, target), { kind: 'data-loss', message: /incomplete|announced/ }, folder);
    }
  }
  assert.ok(!existsSync(join(shop.folder, 'two/data/docker/registry/v2/repositories/hostile/app/_layers')), 'nothing was uploaded');
});

test('layers that lie compressed in an archive are sent as they are', async () => {
  const folder = at('compressed');
  mkdirSync(folder);
  const tar = execFileSync('tar', ['-c', '-C', join(shop.folder, 'context'), 'file']);
  writeFileSync(join(folder, 'layer.tar.gz'), gzipSync(tar));
  const diffId = `sha256:${createHash('sha256').update(tar).digest('hex')}`;
  const config = { architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [diffId] } };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify([{ Config: 'config.json', RepoTags: null, Layers: ['layer.tar.gz'] }]));
  await copyHere(`docker-archive:${folder}`, `docker://${two.host}/from/compressed:1`);
  await shop.ok('pull', `${two.host}/from/compressed:1`);
});

test('manifest create, annotate, inspect, push: a list for two platforms, of two repositories', async () => {
  const list = `${one.host}/lab/list:1`;
  await shop.ok('manifest', 'create', list, `${one.host}/lab/app:1`);
  assert.equal((await shop.run('manifest', 'create', list, `${one.host}/lab/app:1`)).status, 1);
  const context = at('arm');
  mkdirSync(context);
  writeFileSync(join(context, 'Dockerfile'), 'FROM busybox\nLABEL other=yes\n');
  await shop.ok('build', '-q', '-t', `${one.host}/lab/arm:1`, context);
  await shop.ok('push', `${one.host}/lab/arm:1`);
  await shop.ok('manifest', 'create', '--amend', list, `${one.host}/lab/arm:1`);
  await shop.ok('manifest', 'annotate', '--arch', 'arm64', '--variant', 'v8', list, `${one.host}/lab/arm:1`);
  const shown = JSON.parse((await shop.ok('manifest', 'inspect', list)).stdout) as { manifests: unknown[] };
  assert.equal(shown.manifests.length, 2);
  const pushed = (await shop.ok('manifest', 'push', '--purge', list)).stdout.trim();
  assert.match(pushed, /^sha256:/);
  assert.deepEqual(
    raw(list).manifests.map(({ platform }) => [platform.architecture, platform.variant]),
    [
      ['amd64', undefined],
      ['arm64', 'v8'],
    ],
  );
  assert.equal((await shop.run('manifest', 'push', list)).status, 1, 'it was forgotten');
  await works(list);
});

test('imagetools: inspect and create; copy --all takes the list with all of it', async () => {
  const list = `${one.host}/lab/list:1`;
  const { stdout } = await shop.ok('imagetools', 'inspect', list);
  assert.match(stdout, /^Name: {6}127[^]*MediaType: application\/vnd\.oci\.image\.index[^]*Platform: {4}linux\/arm64\/v8/);
  await shop.ok('buildx', 'imagetools', 'create', '-t', `${two.host}/made/list:1`, '--annotation', 'made=here', list);
  assert.deepEqual(raw(`${two.host}/made/list:1`).manifests, raw(list).manifests);
  assert.match((await shop.ok('imagetools', 'create', '--dry-run', list)).stdout, /"manifests"/);
  await shop.ok('copy', '--all', `docker://${one.host}/lab/list:1`, `docker://${two.host}/all/list:1`);
  assert.equal(digest(`${two.host}/all/list:1`), digest(list));
  await works(`${two.host}/all/list:1`);
});

test('push --all-platforms takes along what is not here', async () => {
  const s = shop.elsewhere('all-platforms');
  await s.ok('pull', `${one.host}/lab/list:1`);
  await s.ok('tag', `${one.host}/lab/list:1`, `${two.host}/whole/list:1`);
  assert.match((await s.ok('push', '--all-platforms', `${two.host}/whole/list:1`)).stdout, /\(2 images\)/);
  assert.deepEqual(raw(`${two.host}/whole/list:1`), raw(`${one.host}/lab/list:1`));
  await shop.ok('tag', 'app', `${two.host}/whole/alone:1`);
  const alone = await shop.run('push', '--all-platforms', `${two.host}/whole/alone:1`);
  assert.equal(alone.status, 1);
  assert.match(alone.stderr, /came with no list/);
});

test('registry ls, referrers and rm', async () => {
  const repositories = (await shop.ok('registry', 'ls', two.host)).stdout.trim().split('\n');
  assert.ok(repositories.includes('mirrored/app') && repositories.includes('all/list'));
  assert.equal((await shop.ok('registry', 'ls', `${two.host}/mirrored/app`)).stdout, '1\n');
  // This registry knows no referrers API: a tag stands for it (distribution-spec, "Referrers Tag Schema").
  const subject = digest(`${two.host}/mirrored/app:1`);
  const type = 'application/vnd.oci.image.index.v1+json';
  const artifact = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: subject,
    size: 1,
    artifactType: 'application/x.sbom',
  };
  await fetch(`http://${two.host}/v2/mirrored/app/manifests/${subject.replace(':', '-')}`, {
    method: 'PUT',
    headers: { 'content-type': type },
    body: JSON.stringify({ schemaVersion: 2, mediaType: type, manifests: [artifact] }),
  });
  const referrers = async (...args: string[]): Promise<string> =>
    (await shop.ok('registry', 'referrers', '--format', '{{.ArtifactType}}', ...args, `${two.host}/mirrored/app:1`)).stdout;
  assert.equal(await referrers(), 'application/x.sbom\n');
  assert.equal(await referrers('--artifact-type', 'application/x.other'), '');
  assert.match((await shop.ok('registry', 'rm', `${two.host}/mirrored/app:1`)).stdout, /^Deleted: sha256:/);
  assert.equal((await shop.run('pull', `${two.host}/mirrored/app:1`)).status, 1);
});

test('image compare: what a registry has need not be sent, what images share is told', async () => {
  const compare = async (...args: string[]) =>
    JSON.parse((await shop.ok('image', 'compare', '--format', 'json', ...args)).stdout) as {
      compressed: number;
      toPush: number;
      present: number;
      shared: number;
      pullSeconds: number;
      costPerMonth: number;
    }[];
  const [busybox, app] = await compare('--bandwidth', '8Mbit', '--price', '1000', 'busybox', 'app');
  assert.ok(busybox && app);
  assert.equal(busybox.shared, 1);
  assert.equal(app.toPush, app.compressed);
  assert.ok(app.compressed > busybox.compressed);
  // 8 Mbit are a million bytes a second, and 1000 a GB is one for a million: the same figure, but for the last binary place
  assert.equal(app.pullSeconds.toFixed(6), (app.compressed / 1e6).toFixed(6));
  assert.equal(app.costPerMonth.toFixed(6), (app.compressed / 1e6).toFixed(6));
  const manifest = JSON.parse(skopeo('inspect', '--raw', '--tls-verify=false', `docker://${one.host}/lab/app:1`)) as {
    config: { size: number };
    layers: { size: number }[];
  };
  assert.equal(
    app.compressed,
    manifest.layers.reduce((n, l) => n + l.size, manifest.config.size),
    'just what a push sends',
  );
  const [there] = await compare('--to', `${one.host}/lab/app`, 'app');
  assert.equal(
    there?.present,
    manifest.layers.reduce((n, l) => n + l.size, 0),
  );
  assert.match(
    (await shop.ok('image', 'compare', 'busybox', 'app')).stdout,
    /^IMAGE +ON DISK[^]*busybox is \d+\.\d % smaller to move than app/,
  );
  assert.equal((await shop.run('image', 'compare', '--bandwidth', 'fast', 'app')).status, 125);
});
