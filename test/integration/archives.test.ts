// Archives of images: what other programs wrote goes in, what goes out they can read, and what is broken leaves nothing behind.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { makeTar, readTar } from '../../src/archive/testing.ts';
import { ContentStore, GarbageCollector } from '../../src/content/index.ts';
import { ImageStore, applyChanges, exportRootfs, importRootfs, loadArchive, openSink, saveArchive } from '../../src/image/index.ts';
import type { Image } from '../../src/image/index.ts';
import { encodeJson, isSlipwayError, MediaType, sha256 } from '../../src/model/index.ts';
import { openSnapshotter } from '../../src/snapshot/index.ts';
import { Database, layout } from '../../src/store/index.ts';
import { scratch } from '../support/store.ts';

interface Room {
  readonly dir: string;
  readonly images: ImageStore;
  readonly collector: GarbageCollector;
}

function room(t: TestContext): Room {
  const dir = scratch();
  const places = layout(join(dir, 'root'), join(dir, 'run'));
  const db = Database.open(places.root);
  t.after(() => {
    db.close();
    fs.rmSync(dir, { recursive: true, force: true });
  });
  const images = new ImageStore(places, db, new ContentStore(places, db), openSnapshotter(places, db));
  return { dir, images, collector: new GarbageCollector(places, db) };
}

const layer = (name: string, size = 10): Buffer => makeTar([{ path: 'd/' }, { path: `d/${name}`, content: name.repeat(size) }]);

/** A configuration over these layers, whose time makes it different from others. */
const config = (layers: readonly Buffer[], created = '2026-01-02T03:04:05Z'): Buffer =>
  encodeJson({
    architecture: 'amd64',
    os: 'linux',
    created,
    config: { Cmd: ['sh'] },
    rootfs: { type: 'layers', diff_ids: layers.map((l) => sha256(l)) },
  });

const hex = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** An archive as Docker before 25 wrote it, its layers through `pack`. */
function dockerArchive(
  images: ReadonlyArray<{ layers: readonly Buffer[]; tags: readonly string[] }>,
  pack = (b: Buffer): Buffer => b,
): Buffer {
  const members = new Map<string, Buffer>();
  const manifest = images.map(({ layers, tags }) => {
    const bytes = config(layers);
    members.set(`${hex(bytes)}.json`, bytes);
    for (const l of layers) members.set(`${hex(l)}/layer.tar`, pack(l));
    return { Config: `${hex(bytes)}.json`, RepoTags: tags, Layers: layers.map((l) => `${hex(l)}/layer.tar`) };
  });
  return makeTar([
    ...[...members].map(([path, content]) => ({ path, content })),
    { path: 'manifest.json', content: JSON.stringify(manifest) },
  ]);
}

/** The files of an OCI layout with one image. */
function ociFiles(layers: readonly Buffer[], pack: (b: Buffer) => Buffer, annotations: Record<string, string> = {}): Map<string, Buffer> {
  const files = new Map<string, Buffer>([['oci-layout', encodeJson({ imageLayoutVersion: '1.0.0' })]]);
  const put = (bytes: Buffer, mediaType: string) => {
    files.set(`blobs/sha256/${hex(bytes)}`, bytes);
    return { mediaType, digest: sha256(bytes), size: bytes.length };
  };
  const manifest = put(
    encodeJson({
      schemaVersion: 2,
      mediaType: MediaType.ociManifest,
      config: put(config(layers), MediaType.ociConfig),
      layers: layers.map((l) => put(pack(l), MediaType.ociLayerGzip)),
    }),
    MediaType.ociManifest,
  );
  const other = { ...manifest, platform: { os: 'plan9', architecture: 'mips' } };
  const attestation = {
    ...manifest,
    platform: { os: 'unknown', architecture: 'unknown' },
    annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
  };
  const index = put(
    encodeJson({
      schemaVersion: 2,
      mediaType: MediaType.ociIndex,
      manifests: [
        attestation,
        other,
        { ...manifest, platform: { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch } },
      ],
    }),
    MediaType.ociIndex,
  );
  files.set('index.json', encodeJson({ schemaVersion: 2, manifests: [{ ...index, annotations }] }));
  return files;
}

const tarOf = (files: ReadonlyMap<string, Buffer>): Buffer => makeTar([...files].map(([path, content]) => ({ path, content })));

/** The layers of an image as they are in the store, unpacked from compression. */
async function stored(images: ImageStore, image: Image): Promise<Buffer[]> {
  return await Promise.all(
    image.layers.map(async ({ diffId }) => {
      const bytes = images.content.read(images.layers.blob(diffId)!.digest);
      return bytes[0] === 0x1f
        ? Buffer.from((await import('node:zlib')).gunzipSync(bytes))
        : bytes[0] === 0x28
          ? Buffer.from((await import('node:zlib')).zstdDecompressSync(bytes))
          : bytes;
    }),
  );
}

function failsWith(code: string) {
  return (error: unknown): boolean => {
    assert.ok(isSlipwayError(error), String(error));
    assert.equal(error.code, code);
    return true;
  };
}

/** Bytes that no compression makes smaller, and always the same. */
const noise = Buffer.concat(Array.from({ length: 5000 }, (_, i) => createHash('sha512').update(String(i)).digest()));
const [a, b, c] = [layer('a'), makeTar([{ path: 'noise', content: noise }]), layer('c')];
const packings: Record<string, (b: Buffer) => Buffer> = {
  none: (x) => x,
  gzip: (x) => gzipSync(x),
  zstd: (x) => zstdCompressSync(x),
};

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

test('import makes an image of a root file system, and refuses what is none', async (t) => {
  const { images } = room(t);
  const rootfs = makeTar([{ path: 'bin/' }, { path: 'bin/sh', mode: 0o755, content: '#!' }]);
  const created = new Date(1_700_000_000_000);
  const changes = [
    'ENV A=1 B=2',
    'ENV A=$B',
    'CMD ["sh", "-c"]',
    'EXPOSE 80 90-91/udp',
    'WORKDIR /x',
    'WORKDIR y',
    'LABEL k="v w"',
    'USER 5',
  ];
  for (const bytes of [rootfs, gzipSync(rootfs), zstdCompressSync(rootfs)]) {
    const image = await importRootfs(images, Readable.from([bytes]), { created, changes, message: 'note', name: 'mine' });
    assert.deepEqual(image.config.rootfs.diff_ids, [sha256(rootfs)]);
    assert.deepEqual(image.config.config, {
      Env: ['A=2', 'B=2'],
      Cmd: ['sh', '-c'],
      ExposedPorts: { '80/tcp': {}, '90/udp': {}, '91/udp': {} },
      WorkingDir: '/x/y',
      Labels: { k: 'v w' },
      User: '5',
    });
    assert.deepEqual(image.config.history, [{ created: created.toISOString(), comment: 'note' }]);
    assert.deepEqual(image.names, ['docker.io/library/mine:latest']);
  }
  assert.throws(() => applyChanges({}, ['RUN true']), failsWith('change.invalid'));
  assert.throws(() => applyChanges({}, ['STOPSIGNAL nothing']), failsWith('stopsignal.invalid'));
  assert.deepEqual(applyChanges({ Cmd: ['sleep'] }, ['ENTRYPOINT ["/x"]']), { Entrypoint: ['/x'], Cmd: null });
  assert.deepEqual(applyChanges({ Cmd: ['sleep'] }, ['CMD a', 'ENTRYPOINT ["/x"]']), { Entrypoint: ['/x'], Cmd: ['/bin/sh', '-c', 'a'] });
  assert.deepEqual(applyChanges({ Cmd: ['sleep'] }, ['ENTRYPOINT []']).Cmd, ['sleep']);
  await assert.rejects(importRootfs(images, Readable.from([Buffer.from('no tar')]), { created }), failsWith('archive.not-a-tar'));
  await assert.rejects(importRootfs(images, Readable.from([rootfs.subarray(0, 1600)]), { created }), failsWith('archive.truncated'));
  await assert.rejects(
    importRootfs(images, Readable.from([rootfs]), { created, complete: Promise.reject(new Error('maker failed')) }),
    /maker failed/,
  );
  assert.deepEqual(fs.readdirSync(images.layout.ingest), []);
});

test('export writes the files of a directory', async (t) => {
  const { dir } = room(t);
  fs.mkdirSync(join(dir, 'fs/sub'), { recursive: true });
  fs.writeFileSync(join(dir, 'fs/sub/f'), 'content', { mode: 0o600 });
  await exportRootfs(join(dir, 'fs'), await openSink(join(dir, 'out.tar')));
  assert.deepEqual(
    readTar(fs.readFileSync(join(dir, 'out.tar'))).map((m) => [m.entry.path, m.entry.mode, m.content.toString()]),
    [
      ['sub/', 0o755, ''],
      ['sub/f', 0o600, 'content'],
    ],
  );
});
