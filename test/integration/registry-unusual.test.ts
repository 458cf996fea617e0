// Images as registries really hold them: labelled wrongly, of forms that were given up, with entries that are no images.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { makeTar } from '../../src/archive/testing.ts';
import { encodeJson, MediaType } from '../../src/model/index.ts';
import { CommandLine } from '../support/command-line.ts';
import { scratch, TestStore } from '../support/store.ts';

const store = new TestStore(scratch());
const line = new CommandLine({ env: { ...store.env, HOME: store.folder, DOCKER_CONFIG: store.folder }, cwd: store.folder });
const blobs = new Map<string, Buffer>();
const manifests = new Map<string, { type: string; bytes: Buffer }>();
let host = '';

/** A registry in memory: gives what it was given, and takes pushes in one piece. */
const server = createServer((req, res) => {
  const url = new URL(req.url ?? '/', 'http://registry');
  const body: Buffer[] = [];
  req.on('data', (chunk: Buffer) => body.push(chunk));
  req.on('end', () => {
    const bytes = Buffer.concat(body);
    const [, name, kind, ref] = /^\/v2\/(.+)\/(blobs|manifests)\/(.+)$/.exec(url.pathname) ?? [];
    if (url.pathname === '/v2/') return void res.end('{}');
    if (req.method === 'POST') return void res.writeHead(202, { location: `/v2/${name}/blobs/uploads/1` }).end();
    if (req.method === 'PATCH') {
      blobs.set('upload', bytes);
      return void res.writeHead(202, { location: url.pathname, range: `0-${bytes.length - 1}` }).end();
    }
    if (req.method === 'PUT' && kind === 'manifests') {
      manifests.set(`${name}:${ref}`, { type: req.headers['content-type'] ?? '', bytes });
      return void res.writeHead(201).end();
    }
    if (req.method === 'PUT') {
      const whole = bytes.length > 0 ? bytes : (blobs.get('upload') ?? bytes);
      blobs.set(digestOf(whole), whole);
      return void res.writeHead(201).end();
    }
    const manifest = manifests.get(`${name}:${ref}`);
    const found = kind === 'manifests' ? manifest?.bytes : blobs.get(ref ?? '');
    if (found === undefined) return void res.writeHead(404).end();
    res.writeHead(200, { 'content-length': found.length, ...(manifest && { 'content-type': manifest.type }) });
    res.end(req.method === 'HEAD' ? undefined : found);
  });
});

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
  rmSync(store.folder, { recursive: true, force: true });
});

const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

function keep(bytes: Buffer, mediaType: string): { mediaType: string; digest: string; size: number } {
  blobs.set(digestOf(bytes), bytes);
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

/** Puts an image of one layer there; what the layer is called is the caller's. */
function image(
  name: string,
  text: string,
  pack: (tar: Buffer) => Buffer,
  layer: Record<string, unknown> = {},
): { digest: string; size: number } {
  const tar = makeTar([{ path: 'f', content: text }]);
  const rootfs = { type: 'layers', diff_ids: [digestOf(tar)] };
  const config = keep(
    encodeJson({ architecture: 'amd64', os: 'linux', config: {}, rootfs, history: [{ created_by: 'x' }] }),
    MediaType.dockerConfig,
  );
  const layers = [{ ...keep(pack(tar), MediaType.dockerLayerGzip), ...layer }];
  const bytes = encodeJson({ schemaVersion: 2, mediaType: MediaType.dockerManifest, config, layers });
  for (const ref of [name, digestOf(bytes)]) manifests.set(`app:${ref}`, { type: MediaType.dockerManifest, bytes });
  return { digest: digestOf(bytes), size: bytes.length };
}

const layerTypes = (ref: string): string[] =>
  (JSON.parse(String(manifests.get(ref)?.bytes)) as { layers: { mediaType: string }[] }).layers.map((l) => l.mediaType);

test('layers that are not compressed as their label says are read, and labelled rightly in images made of them', async () => {
  for (const [name, pack, type] of [
    ['zstd', zstdCompressSync, MediaType.ociLayerZstd],
    ['plain', (tar: Buffer) => tar, MediaType.ociLayerGzip],
  ] as const) {
    image(name, name, pack);
    await line.ok('pull', '-q', `${host}/app:${name}`);
    const build = await line.run(['build', '-q', '-t', `${host}/made:${name}`, '-'], { input: `FROM ${host}/app:${name}\nLABEL a=b\n` });
    assert.equal(build.status, 0, build.stderr);
    await line.ok('push', '-q', `${host}/made:${name}`);
    assert.deepEqual(layerTypes(`made:${name}`), [type]);
  }
});

test('an entry that is no image is passed over, wherever it stands in a list', async () => {
  const { digest, size } = image('one', 'one', gzipSync);
  const entry = { mediaType: MediaType.dockerManifest, digest, size };
  const attestation = {
    ...entry,
    platform: { os: 'unknown', architecture: 'unknown' },
    annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
  };
  const bytes = encodeJson({
    schemaVersion: 2,
    mediaType: MediaType.ociIndex,
    manifests: [attestation, { ...entry, platform: { os: 'linux', architecture: 'amd64' } }],
  });
  manifests.set('app:list', { type: MediaType.ociIndex, bytes });
  await line.ok('pull', '-q', '--platform', 'linux/amd64', `${host}/app:list`);
});

test('what cannot be pulled is refused with the reason', async () => {
  const type = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
  manifests.set('app:old', { type, bytes: encodeJson({ schemaVersion: 1, name: 'app', fsLayers: [], history: [] }) });
  image('foreign', 'foreign', gzipSync, {
    mediaType: MediaType.dockerForeignLayerGzip,
    digest: `sha256:${'1'.repeat(64)}`,
    urls: ['https://vendor.test/layer'],
  });
  for (const [name, reason] of [
    ['old', /Docker's schema 1/],
    ['foreign', /not kept by the registry, but at https:\/\/vendor\.test\/layer/],
  ] as const) {
    const { status, stderr } = await line.run(['pull', '-q', `${host}/app:${name}`]);
    assert.equal(status, 1);
    assert.match(stderr, reason);
  }
});
