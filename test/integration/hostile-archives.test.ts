// Archives that were made to do harm: what they declare is refused where it stands, by a clear error, before it costs time or memory.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { after, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { encodeHeader, setUnpackLimit } from '../../src/archive/index.ts';
import { encodePaxRecord } from '../../src/archive/pax.ts';
import { makeTar } from '../../src/archive/testing.ts';
import { openContext } from '../../src/builder/context/index.ts';
import { unpackStream } from '../../src/builder/steps/unpack.ts';
import { ContentStore } from '../../src/content/index.ts';
import { ImageStore, importRootfs, loadArchive } from '../../src/image/index.ts';
import { encodeJson, isSlipwayError, sha256 } from '../../src/model/index.ts';
import { openSnapshotter } from '../../src/snapshot/index.ts';
import { mountAll } from '../../src/snapshot/mount.ts';
import { Database, layout } from '../../src/store/index.ts';
import { scratch } from '../support/store.ts';
import { memorySession } from '../support/session.ts';

const dir = scratch();
const places = layout(join(dir, 'root'), join(dir, 'run'));
const db = Database.open(places.root);
const images = new ImageStore(places, db, new ContentStore(places, db), openSnapshotter(places, db));
after(() => {
  setUnpackLimit(undefined);
  db.close();
  rmSync(dir, { recursive: true, force: true });
});

const good = makeTar([{ path: 'a', content: 'a' }]);

interface Parts {
  readonly config?: Buffer | string;
  readonly layers?: readonly Buffer[];
  readonly more?: readonly { path: string; content?: string | Buffer }[];
}

/** An archive for Docker with one image. */
function archive({ layers = [good], config, more = [] }: Parts): Buffer {
  const plain = { architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: layers.map((l) => sha256(l)) } };
  return makeTar([
    ...more,
    { path: 'c.json', content: config ?? encodeJson(plain) },
    ...layers.map((content, i) => ({ path: `l${i}`, content })),
    { path: 'manifest.json', content: JSON.stringify([{ Config: 'c.json', RepoTags: ['x'], Layers: layers.map((_, i) => `l${i}`) }]) },
  ]);
}

/** A configuration with these settings, over `good`. */
const configured = (settings: string, diffIds: readonly string[] = [sha256(good)]): string =>
  `{"architecture":"amd64","os":"linux","config":{${settings}},"rootfs":{"type":"layers","diff_ids":${JSON.stringify(diffIds)}}}`;

/** An extended header of any type before a member. */
function extended(flag: string, data: Buffer): Buffer {
  const header = encodeHeader({ path: 'x', type: 'file', mode: 0o644, uid: 0, gid: 0, size: data.length, mtimeNs: 0n });
  header[156] = flag.charCodeAt(0);
  header.write('        ', 148, 'latin1');
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
    'latin1',
  );
  return Buffer.concat([header, data, Buffer.alloc((512 - (data.length % 512)) % 512)]);
}
const named = (name: string): Buffer => Buffer.concat([extended('L', Buffer.from(`${name}\0`)), good]);
const pax = (...records: [string, string][]): Buffer => Buffer.concat(records.map(([key, value]) => encodePaxRecord(key, value)));
const sparse = (size: number): Buffer =>
  Buffer.concat([
    extended(
      'x',
      pax(['GNU.sparse.major', '0'], ['GNU.sparse.minor', '1'], ['GNU.sparse.realsize', String(size)], ['GNU.sparse.map', '0,1']),
    ),
    good,
  ]);

/** Trees, each with the code of the error that it must meet. */
const TREES: Readonly<Record<string, readonly [string, Buffer]>> = {
  'a name of a megabyte': ['archive.name-too-long', named('n'.repeat((1 << 20) - 1))],
  'a name of 256 bytes': ['archive.name-too-long', named('ü'.repeat(128))],
  '100,000 folders in each other': ['archive.name-too-long', named('d/'.repeat(100_000))],
  'a sparse file of a terabyte': ['archive.too-large', sparse(2 ** 40)],
  'many sparse files of a gigabyte': [
    'archive.too-large',
    Buffer.concat(Array.from({ length: 9 }, () => sparse(2 ** 30).subarray(0, -1024))),
  ],
  'a sparse file of 8 exabytes': ['archive.invalid', sparse(2 ** 63)],
  'an extended header of a gigabyte': ['archive.too-large', extended('x', Buffer.alloc(2 << 20))],
  'global records for every entry': [
    'archive.too-large',
    extended('g', pax(...Array.from({ length: 1000 }, (_, i): [string, string] => [`k${i}`, 'v']))),
  ],
};

const LOADS: Readonly<Record<string, readonly [string, Buffer]>> = {
  'labels nested 100,000 deep': [
    'config.invalid',
    archive({ config: configured(`"Labels":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`) }),
  ],
  'a label that is an object': ['config.invalid', archive({ config: configured('"Labels":{"a":{}}') })],
  'NUL in WorkingDir': ['config.invalid', archive({ config: configured('"WorkingDir":"/a\\u0000b"') })],
  'NUL in Env': ['config.invalid', archive({ config: configured('"Env":["A=\\u0000"]') })],
  'NUL in Cmd': ['config.invalid', archive({ config: configured('"Cmd":["a\\u0000"]') })],
  '10,000 layers': [
    'config.too-many-layers',
    archive({
      config: configured(
        '',
        Array.from({ length: 10_000 }, (_, i) => sha256(String(i))),
      ),
    }),
  ],
  'digests of another algorithm': ['digest.unsupported', archive({ config: configured('', [`sha512:${'0'.repeat(128)}`]) })],
  'a configuration of 9 megabytes': ['archive.malformed', archive({ config: Buffer.alloc(9 << 20, ' ') })],
  'a manifest nested 100,000 deep': ['archive.malformed', makeTar([{ path: 'manifest.json', content: '['.repeat(100_000) }])],
  'more members than any archive has': [
    'archive.malformed',
    Buffer.concat([...Array.from({ length: 100_001 }, () => makeTar([{ path: 'm' }], { end: false })), good]),
  ],
  ...Object.fromEntries(
    Object.entries(TREES).map(([name, [code, layer]]) => [`a layer with ${name}`, [code, archive({ layers: [layer] })]]),
  ),
};

const hex = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const failsWith =
  (code: string, name: string) =>
  (e: unknown): boolean => {
    assert.ok(isSlipwayError(e), `${name}: ${String(e)}`);
    assert.equal(e.code, code, `${name}: ${e.message}`);
    return true;
  };

test('images that were made to do harm', async () => {
  for (const [name, [code, bytes]] of Object.entries(LOADS)) {
    const file = join(dir, hex(Buffer.from(name)));
    writeFileSync(file, bytes);
    await assert.rejects(loadArchive(images, file), failsWith(code, name));
    await assert.rejects(loadArchive(images, Readable.from([gzipSync(bytes, { level: 1 })])), failsWith(code, `${name}, as a stream`));
    rmSync(file);
  }
  assert.deepEqual(images.list({ all: true }), []);
});

test('archives of files that were made to do harm', async () => {
  for (const [name, [code, bytes]] of Object.entries(TREES)) {
    const root = join(dir, `tree-${hex(Buffer.from(name))}`);
    mkdirSync(root);
    await assert.rejects(unpackStream(Readable.from([bytes]), root), failsWith(code, name));
    await assert.rejects(importRootfs(images, Readable.from([bytes]), {}), failsWith(code, `${name}, imported`));
    rmSync(root, { recursive: true, force: true });
  }
});

test('what unpacks to more than it may', async () => {
  setUnpackLimit(4 << 20);
  const tar = makeTar([{ path: 'zeros', content: Buffer.alloc(32 << 20) }]);
  const pack = { gzip: gzipSync, zstd: zstdCompressSync, xz: (b: Buffer) => execFileSync('xz', ['-0'], { input: b, maxBuffer: 1 << 30 }) };
  for (const [name, packed] of Object.entries(pack).map(([kind, fn]) => [kind, fn(tar)] as const)) {
    const root = join(dir, `bomb-${name}`);
    mkdirSync(root);
    await assert.rejects(loadArchive(images, Readable.from([packed])), failsWith('archive.too-large', name));
    await assert.rejects(importRootfs(images, Readable.from([packed]), {}), failsWith('archive.too-large', name));
    await assert.rejects(unpackStream(Readable.from([packed]), root), failsWith('archive.too-large', name));
    const config = configured('', [sha256(tar)]);
    const within = makeTar([
      { path: 'c.json', content: config },
      { path: 'l', content: packed },
      { path: 'manifest.json', content: '[{"Config":"c.json","Layers":["l"]}]' },
    ]);
    await assert.rejects(loadArchive(images, Readable.from([within])), failsWith('archive.too-large', `a layer, ${name}`));
  }
  setUnpackLimit(undefined);
  assert.deepEqual(readdirSync(places.ingest), [], 'nothing stays behind');
});

test('more layers than a mount takes are named as such', () => {
  const lowers = Array.from({ length: 501 }, (_, i) => `/${i}`).join(':');
  const deep = { type: 'overlay', source: 'overlay', options: [`lowerdir=${lowers}`] } as const;
  assert.throws(() => mountAll([deep], '/nonexistent'), { code: 'snapshot.too-deep', kind: 'unsupported' });
});

test('a named pipe and a standard input that nobody writes to can be left', async () => {
  const pipe = join(dir, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const stop = new AbortController();
  const loading = loadArchive(images, pipe, { signal: stop.signal });
  setImmediate(() => stop.abort());
  await assert.rejects(loading, { name: 'AbortError' });
  const leave = new AbortController();
  const opening = openContext(
    { kind: 'stream', stream: new PassThrough() },
    { scratch: dir, wording: 'graph', signal: leave.signal, elsewhere: { environment: {}, session: memorySession() } },
  );
  setImmediate(() => leave.abort());
  await assert.rejects(opening, { name: 'AbortError' });
});

test('what follows the end of an archive is not read without end', async () => {
  const zeros = Buffer.alloc(1 << 16);
  let taken = 0;
  const endless = (head: Buffer, body = zeros): Readable =>
    Readable.from(
      (function* () {
        yield head;
        for (taken = 0; ; taken += body.length) yield body;
      })(),
    );
  const bounded = (): void => assert.ok(taken < 8 << 20, `${taken} bytes were taken`);
  const image = archive({});
  // bytes that compress badly, so that what is taken of the packed stream tells
  const noise = Buffer.from(Array.from({ length: 4096 }, (_, i) => sha256(String(i))).join(''));
  for (const body of [zeros, noise]) {
    for (const [name, head, more] of [
      ['plain', (tar: Buffer): Buffer => tar, body],
      ['gzip', (tar: Buffer): Buffer => gzipSync(tar), gzipSync(body)],
    ] as const) {
      const [loaded] = await loadArchive(images, endless(head(image), more));
      assert.ok(loaded, name);
      bounded();
      const imported = await importRootfs(images, endless(head(good), more), {});
      bounded();
      assert.ok(imported.layers[0]!.size < 10, name);
      const root = join(dir, `endless-${name}-${body === zeros ? 'zeros' : 'noise'}`);
      mkdirSync(root);
      await unpackStream(endless(head(good), more), root);
      bounded();
      assert.deepEqual(readdirSync(root), ['a'], name);
    }
  }
  await assert.rejects(loadArchive(images, '/dev/zero'), failsWith('archive.no-image', 'load'));
  await assert.rejects(importRootfs(images, '/dev/zero', {}), failsWith('archive.not-a-tar', 'import'));
  await assert.rejects(importRootfs(images, endless(zeros), {}), failsWith('archive.not-a-tar', 'import of a stream'));
  bounded();
  const options = { scratch: dir, wording: 'graph', signal: new AbortController().signal } as const;
  const stream = endless(good);
  using context = await openContext({ kind: 'stream', stream }, { ...options, elsewhere: { environment: {}, session: memorySession() } });
  bounded();
  assert.deepEqual(readdirSync(context.root), ['a']);
  assert.ok(stream.destroyed, 'nobody goes on writing');
  // a padding as tar(1) makes it stays a part of the layer
  const padded = Buffer.concat([good, Buffer.alloc(9 << 10)]);
  assert.equal((await importRootfs(images, Readable.from([padded]), {})).layers[0]!.diffId, sha256(padded));
  assert.deepEqual(readdirSync(places.ingest), [], 'nothing stays behind');
});
