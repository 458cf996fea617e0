// Images as archives: the same bytes each time, whole, and readable by others.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { readTar } from '../../src/archive/testing.ts';
import { loadArchive, saveArchive } from '../../src/image/index.ts';
import { sha256 } from '../../src/model/index.ts';
import { a, b, c, room, dockerArchive, ociFiles, tarOf, stored, failsWith, packings } from './archive-fixture.ts';

test('what is saved is the same bytes each time, whole, and loads elsewhere as the same images', async (t) => {
  const { dir, images } = room(t);
  await loadArchive(
    images,
    Readable.from([
      dockerArchive([
        { layers: [a, b], tags: ['one:1', 'one:2'] },
        { layers: [a, b, c], tags: ['two'] },
      ]),
    ]),
  );
  const [first, second] = [join(dir, 'first.tar'), join(dir, 'second.tar')];
  await saveArchive(images, ['one', 'two'], first);
  const sink = new PassThrough({ highWaterMark: 1000 });
  const [, streamed] = await Promise.all([saveArchive(images, ['one', 'two'], sink), buffer(sink)]);
  fs.writeFileSync(second, streamed);
  const bytes = fs.readFileSync(first);
  assert.ok(bytes.equals(streamed));
  const members = readTar(bytes);
  assert.equal(members.filter((m) => m.content.equals(a)).length, 1);
  const manifest = JSON.parse(members.find((m) => m.entry.path === 'manifest.json')!.content.toString()) as Array<{ RepoTags: string[] }>;
  assert.deepEqual(
    manifest.map((m) => m.RepoTags),
    [['one:1', 'one:2'], ['two:latest']],
  );
  for (const source of [first, Readable.from([streamed])]) {
    const other = room(t);
    const loaded = await loadArchive(other.images, source);
    assert.deepEqual(
      loaded.map((l) => l.image.id),
      [images.resolve('one:1').id, images.resolve('two').id],
    );
    assert.deepEqual(other.images.resolve('one:2').names, ['docker.io/library/one:1', 'docker.io/library/one:2']);
    assert.deepEqual(await stored(other.images, loaded[1]!.image), [a, b, c]);
  }
  await saveArchive(images, ['one:1'], join(dir, 'oci.tar'), { format: 'oci' });
  const oci = readTar(fs.readFileSync(join(dir, 'oci.tar'))).map((m) => m.entry.path);
  assert.ok(oci.includes('index.json') && !oci.includes('manifest.json'));
  await assert.rejects(saveArchive(images, ['none'], join(dir, 'none.tar')), failsWith('image.not-found'));
  await assert.rejects(saveArchive(images, ['one:3'], join(dir, 'none.tar')), failsWith('image.not-found'));
  assert.ok(!fs.existsSync(join(dir, 'none.tar')));
});

test('an image saved by its ID has no name', async (t) => {
  const { dir, images } = room(t);
  const [loaded] = await loadArchive(images, Readable.from([dockerArchive([{ layers: [a], tags: ['x'] }])]));
  await saveArchive(images, [loaded!.image.id], join(dir, 'a.tar'));
  assert.deepEqual((await loadArchive(room(t).images, join(dir, 'a.tar')))[0]!.names, []);
});

test('a manifest that describes what is saved keeps its digest', async (t) => {
  const { dir, images } = room(t);
  const [loaded] = await loadArchive(
    images,
    Readable.from([tarOf(ociFiles([a, b], packings['gzip']!, { 'org.opencontainers.image.ref.name': 'x/y:z' }))]),
  );
  assert.deepEqual(loaded!.names, ['docker.io/x/y:z']);
  await saveArchive(images, ['x/y:z'], join(dir, 'a.tar'), { format: 'oci' });
  const other = room(t);
  const [again] = await loadArchive(other.images, join(dir, 'a.tar'));
  assert.equal(again!.image.manifestDigest, loaded!.image.manifestDigest);
});

const skopeo = spawnSync('skopeo', ['--version']).error === undefined ? false : 'skopeo is not installed';

test('skopeo reads what is saved, and what it writes is read', { skip: skopeo }, async (t) => {
  const { dir, images } = room(t);
  const [loaded] = await loadArchive(images, Readable.from([dockerArchive([{ layers: [a, b, c], tags: ['x:1'] }], packings['gzip'])]));
  const file = join(dir, 'x.tar');
  await saveArchive(images, ['x:1'], file);
  const run = (...args: string[]): string =>
    execFileSync('skopeo', ['--insecure-policy', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  assert.equal(sha256(run('inspect', '--config', '--raw', `docker-archive:${file}`)), loaded!.image.id);
  run('copy', `docker-archive:${file}`, `docker-archive:${join(dir, 'skopeo.tar')}:docker.io/library/again:1`);
  run('copy', `oci-archive:${file}`, `oci:${join(dir, 'layout')}:docker.io/library/laid:out`);
  const other = room(t).images;
  const [again] = await loadArchive(other, join(dir, 'skopeo.tar'));
  assert.deepEqual([again!.names, again!.image.id], [['docker.io/library/again:1'], loaded!.image.id]);
  const [laid] = await loadArchive(other, join(dir, 'layout'));
  assert.deepEqual([laid!.names, laid!.image.id], [['docker.io/library/laid:out'], loaded!.image.id]);
});
