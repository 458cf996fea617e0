// Archives of images that are loaded: every kind that there is, and what is broken in every way.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { makeTar } from '../../src/archive/testing.ts';
import { loadArchive } from '../../src/image/index.ts';
import { a, b, c, room, config, dockerArchive, ociFiles, tarOf, stored, failsWith, noise, packings } from './archive-fixture.ts';

for (const [inner, packLayer] of Object.entries(packings)) {
  for (const [outer, packAll] of Object.entries(packings)) {
    for (const way of ['file', 'stream']) {
      test(`docker archive: layers ${inner}, archive ${outer}, as a ${way}`, async (t) => {
        const { dir, images } = room(t);
        const bytes = packAll(
          dockerArchive(
            [
              { layers: [a, b], tags: ['one', 'x/two:2'] },
              { layers: [a, b, c], tags: [] },
            ],
            packLayer,
          ),
        );
        const file = join(dir, 'a.tar');
        fs.writeFileSync(file, bytes);
        const loaded = await loadArchive(images, way === 'file' ? file : Readable.from([bytes.subarray(0, 100), bytes.subarray(100)]));
        assert.deepEqual(
          loaded.map((l) => l.names),
          [['docker.io/library/one:latest', 'docker.io/x/two:2'], []],
        );
        assert.deepEqual(await stored(images, loaded[1]!.image), [a, b, c]);
        assert.equal(images.resolve('one').size, 'a'.repeat(10).length + noise.length);
        assert.deepEqual(fs.readdirSync(images.layout.ingest), []);
      });
    }
  }
}

test('an OCI layout as a tar, a stream and a directory; the platform of this machine is taken out of an index', async (t) => {
  const { dir, images } = room(t);
  const files = ociFiles([a, b], packings['gzip']!, {
    'io.containerd.image.name': 'docker.io/library/oci:1',
    'org.opencontainers.image.ref.name': '1',
  });
  const tree = join(dir, 'tree');
  for (const [name, bytes] of files) {
    fs.mkdirSync(join(tree, name, '..'), { recursive: true });
    fs.writeFileSync(join(tree, name), bytes);
  }
  fs.writeFileSync(join(dir, 'oci.tar'), tarOf(files));
  for (const source of [tree, join(dir, 'oci.tar'), Readable.from([gzipSync(tarOf(files))])]) {
    const [loaded] = await loadArchive(images, source);
    assert.deepEqual(loaded!.names, ['docker.io/library/oci:1']);
    assert.deepEqual(await stored(images, loaded!.image), [a, b]);
    assert.equal(images.content.read(loaded!.image.manifestDigest!).includes('schemaVersion'), true);
    images.remove('oci:1');
  }
});

test('layers that a link or a repeated name shares are stored once', async (t) => {
  const { images } = room(t);
  const bytes = config([a]);
  const tar = makeTar([
    { path: 'one/layer.tar', content: a },
    { path: 'two/layer.tar', type: 'symlink', link: '../one/layer.tar' },
    { path: 'c.json', content: bytes },
    {
      path: 'manifest.json',
      content: JSON.stringify([
        { Config: 'c.json', Layers: ['two/layer.tar'], RepoTags: null },
        { Config: './c.json', Layers: ['one/layer.tar'], RepoTags: ['x:1'] },
      ]),
    },
  ]);
  const loaded = await loadArchive(images, Readable.from([tar]));
  assert.equal(loaded[0]!.image.id, loaded[1]!.image.id);
  assert.equal(images.content.list().length, 2);
});

test('a name moves to the image that is loaded last, and that is told', async (t) => {
  const { images } = room(t);
  const [first] = await loadArchive(images, Readable.from([dockerArchive([{ layers: [a], tags: ['x:1'] }])]));
  const [second] = await loadArchive(images, Readable.from([dockerArchive([{ layers: [c], tags: ['x:1'] }])]));
  assert.deepEqual(second!.replaced, [{ name: 'docker.io/library/x:1', id: first!.image.id }]);
  assert.deepEqual((await loadArchive(images, Readable.from([dockerArchive([{ layers: [c], tags: ['x:1'] }])])))[0]!.replaced, []);
  assert.equal(images.resolve('x:1').id, second!.image.id);
});

test('broken archives are one typed error, and no image, blob or file is left of them', async (t) => {
  const { dir, images, collector } = room(t);
  const outside = join(dir, 'outside.json');
  fs.writeFileSync(outside, config([a]));
  const good = dockerArchive([{ layers: [a, b], tags: ['x'] }]);
  const manifest = (m: unknown, more: Array<{ path: string; content: string | Buffer }> = []): Buffer =>
    makeTar([...more, { path: 'manifest.json', content: typeof m === 'string' ? m : JSON.stringify(m) }]);
  const both = [
    { path: 'c.json', content: config([a]) },
    { path: 'l', content: a },
  ];
  const oci = ociFiles([a], packings['gzip']!);
  const damaged = new Map(oci);
  const [name, bytes] = [...oci].find(([n, v]) => n.startsWith('blobs/') && v[0] === 0x1f)!;
  damaged.set(name, Buffer.concat([bytes.subarray(0, -1), Buffer.of(bytes.at(-1)! ^ 1)]));
  const lacking = new Map(oci);
  lacking.delete(name);
  const cases: Record<string, [string, Buffer]> = {
    nothing: ['archive.no-image', Buffer.alloc(0)],
    text: ['archive.no-image', Buffer.from('not an archive\n'.repeat(100))],
    'a short text': ['archive.no-image', Buffer.from('no')],
    'a tar of something else': ['archive.no-image', a],
    'cut in a layer': ['archive.truncated', good.subarray(0, good.length >> 1)],
    'cut, and compressed': ['archive.compression', gzipSync(good).subarray(0, 100_000)],
    'damaged compression': ['archive.compression', ((z) => (z.fill(0, 100_000, 100_400), z))(gzipSync(good))],
    'the format of old': ['archive.legacy', makeTar([{ path: 'repositories', content: '{}' }])],
    'no JSON': ['archive.malformed', manifest('{')],
    'no list': ['archive.malformed', manifest({})],
    'no config': ['archive.malformed', manifest([{ Layers: [] }])],
    'a config that is missing': ['archive.incomplete', manifest([{ Config: 'c.json', Layers: ['l'] }])],
    'a layer that is missing': ['archive.incomplete', manifest([{ Config: 'c.json', Layers: ['gone'] }], both)],
    'a config that names other layers': [
      'archive.mismatch',
      manifest(
        [{ Config: 'c.json', Layers: ['l'] }],
        [
          { path: 'c.json', content: config([b]) },
          { path: 'l', content: a },
        ],
      ),
    ],
    'a compressed layer that is another': [
      'archive.mismatch',
      manifest(
        [{ Config: 'c.json', Layers: ['l'] }],
        [
          { path: 'c.json', content: config([b]) },
          { path: 'l', content: gzipSync(a) },
        ],
      ),
    ],
    'too few layers': ['archive.malformed', manifest([{ Config: 'c.json', Layers: [] }], both)],
    'a config that is none': ['config.invalid', manifest([{ Config: 'l', Layers: ['l'] }], both)],
    'a name that is none': ['reference.invalid', manifest([{ Config: 'c.json', Layers: ['l'], RepoTags: ['x/UPPER'] }], both)],
    'a config outside of the archive': ['archive.incomplete', manifest([{ Config: '../outside.json', Layers: ['l'] }], both)],
    'a config at an absolute path': ['archive.incomplete', manifest([{ Config: outside, Layers: ['l'] }], both)],
    'a link out of the archive': [
      'archive.incomplete',
      makeTar([
        { path: 'c.json', type: 'symlink', link: '../outside.json' },
        { path: 'l', content: a },
        { path: 'manifest.json', content: '[{"Config":"c.json","Layers":["l"]}]' },
      ]),
    ],
    'links in a circle': [
      'archive.incomplete',
      makeTar([
        { path: 'c.json', type: 'symlink', link: 'c.json' },
        { path: 'manifest.json', content: '[{"Config":"c.json","Layers":[]}]' },
      ]),
    ],
    'a good image before a bad one': [
      'archive.incomplete',
      manifest(
        [
          { Config: 'c.json', Layers: ['l'], RepoTags: ['x'] },
          { Config: 'gone', Layers: [] },
        ],
        both,
      ),
    ],
    'a blob that is not what its name says': ['archive.mismatch', tarOf(damaged)],
    'a blob that is missing': ['archive.incomplete', tarOf(lacking)],
    'an index of nothing': ['archive.no-image', makeTar([{ path: 'index.json', content: '{"schemaVersion":2,"manifests":[]}' }])],
    'an index that is none': ['manifest.invalid', makeTar([{ path: 'index.json', content: '[]' }])],
  };
  for (const [what, [code, bytes]] of Object.entries(cases)) {
    for (const way of ['file', 'stream']) {
      await t.test(`${what} (${way})`, async () => {
        const file = join(dir, 'broken.tar');
        fs.writeFileSync(file, bytes);
        await assert.rejects(
          loadArchive(images, way === 'file' ? file : Readable.from(bytes.length === 0 ? [] : [bytes])),
          failsWith(code),
        );
        assert.deepEqual(images.list({ all: true }), []);
        assert.deepEqual(fs.readdirSync(images.layout.ingest), []);
        collector.collect();
        assert.deepEqual(images.content.list(), []);
      });
    }
  }
  const tree = join(dir, 'tree');
  fs.mkdirSync(tree);
  fs.symlinkSync(outside, join(tree, 'c.json'));
  fs.writeFileSync(join(tree, 'manifest.json'), JSON.stringify([{ Config: 'c.json', Layers: [] }]));
  await assert.rejects(loadArchive(images, tree), failsWith('archive.incomplete'));
});

test('an abort ends a load', async (t) => {
  const { images } = room(t);
  const controller = new AbortController();
  async function* cutShort(): AsyncGenerator<Buffer> {
    yield dockerArchive([{ layers: [b], tags: ['x'] }]).subarray(0, 100_000);
    // whoever asks for more has read that
    controller.abort();
    yield Buffer.alloc(1000);
  }
  await assert.rejects(loadArchive(images, Readable.from(cutShort()), { signal: controller.signal }));
  assert.deepEqual(fs.readdirSync(images.layout.ingest), []);
});
