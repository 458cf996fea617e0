// Registries and networks at their worst: what passes is repeated or gone on with, what is wrong is refused, and nothing that
// was verified moves twice.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { FaultProxy } from '../support/fault-proxy.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { type Shop, openShop } from '../support/shop.ts';

let shop: Shop;
let registry: TestRegistry;
let proxy: FaultProxy;
let host: string;
let pulls = 0;
/** The path of the blob that does not compress. */
let noisy: string;
let noisySize: number;

before(async () => {
  shop = openShop('registry-faults');
  registry = await startRegistry({ folder: join(shop.folder, 'registry') });
  proxy = new FaultProxy(registry.port);
  host = await proxy.start();
  await shop.makeImages();
  // A layer that does not compress, so that there is something to cut.
  const context = join(shop.folder, 'large');
  mkdirSync(context);
  writeFileSync(
    join(context, 'noise'),
    Buffer.concat(Array.from({ length: 96 * 1024 }, (_, i) => createHash('sha256').update(String(i)).digest())),
  );
  writeFileSync(join(context, 'Dockerfile'), 'FROM busybox\nCOPY noise /noise\n');
  await shop.ok('build', '-q', '-t', `${registry.host}/lab/large:1`, context);
  await shop.ok('push', `${registry.host}/lab/large:1`);
  const manifest = (await (await fetch(`http://${registry.host}/v2/lab/large/manifests/1`, { headers: { accept: MANIFEST } })).json()) as {
    layers: { digest: string; size: number }[];
  };
  noisy = `/v2/lab/large/blobs/${manifest.layers[1]?.digest}`;
  noisySize = manifest.layers[1]?.size ?? 0;
});
afterEach(() => {
  proxy.fault = () => undefined;
  proxy.seen.length = 0;
});
after(async () => {
  await proxy.stop();
  await registry.stop();
  shop.close();
});

const fresh = (env: Record<string, string> = {}): Shop => shop.elsewhere(`pull-${pulls++}`, env);
const isBlob = (path: string): boolean => /\/blobs\/sha256:/.test(path);
const large = (): string => `${host}/lab/large:1`;

async function whole(s: Shop, name: string): Promise<void> {
  const { stdout } = await s.ok('run', '--rm', '--network', 'none', name, 'sha256sum', '/noise');
  const noise = Buffer.concat(Array.from({ length: 96 * 1024 }, (_, i) => createHash('sha256').update(String(i)).digest()));
  assert.equal(stdout.split(' ')[0], createHash('sha256').update(noise).digest('hex'));
}

test('a connection that breaks in the middle of a blob is taken up where it broke', async () => {
  const cuts: number[] = [];
  proxy.fault = ({ method, path, headers }) => {
    if (method !== 'GET' || path !== noisy || cuts.length >= 3) return undefined;
    assert.equal(headers.range === undefined, cuts.length === 0);
    cuts.push(1);
    return { kind: 'cut-down', after: 700_000 };
  };
  const s = fresh();
  await s.ok('pull', large());
  assert.equal(cuts.length, 3);
  assert.ok(
    proxy.seen.some((r) => r.headers.range === 'bytes=700000-'),
    'the rest was asked for',
  );
  const moved = proxy.seen.filter((r) => isBlob(r.path)).reduce((n, r) => n + r.down, 0);
  assert.ok(moved < 5_500_000, `${moved} bytes moved`);
  await whole(s, large());
});

test('429 with Retry-After, and answers of 500, are waited out', async () => {
  proxy.fault = ({ n, path }) => {
    if (path === '/v2/') return undefined;
    // how long it is waited, src/registry/http.test.ts says
    if (n === 1) return { kind: 'answer', status: 429, headers: { 'retry-after': '0' } };
    return n < 4 ? { kind: 'answer', status: 503 } : undefined;
  };
  await fresh().ok('pull', large());
  const manifests = proxy.seen.filter(({ path }) => path === '/v2/lab/large/manifests/1');
  assert.equal(manifests.length, 4, 'three were turned away');
});

test('a registry that stays broken gives one clear line', async () => {
  proxy.fault = ({ path }) =>
    path === '/v2/' ? undefined : { kind: 'answer', status: 500, body: '{"errors":[{"code":"UNKNOWN","message":"disk on fire"}]}' };
  const { status, stderr } = await fresh().run('pull', large());
  assert.equal(status, 1);
  assert.match(stderr, /disk on fire \(500 from 127\.0\.0\.1:\d+\)/);
  assert.doesNotMatch(stderr, /at .*\.ts:\d+/);
});

test('a blob with other bytes than its digest says is refused, and nothing of it stays', async () => {
  proxy.fault = ({ method, path }) =>
    method === 'GET' && isBlob(path)
      ? {
          kind: 'change',
          change: (body) => (body.length < 1_000_000 ? body : Buffer.concat([body.subarray(0, -1), Buffer.from([body.at(-1)! ^ 1])])),
        }
      : undefined;
  const s = fresh();
  const { status, stderr } = await s.run('pull', large());
  assert.equal(status, 1);
  assert.match(stderr, /is not what was announced|cannot decompress/);
  assert.equal((await s.ok('images', '-aq')).stdout, '');
  proxy.fault = () => undefined;
  await s.ok('pull', large());
  await whole(s, large());
});

test('a manifest that was cut off or changed is refused', async () => {
  for (const change of [
    (b: Buffer) => b.subarray(0, b.length / 2),
    (b: Buffer) => Buffer.from(b.toString().replace('"size":', '"size": ')),
  ]) {
    proxy.fault = ({ method, path }) => (method === 'GET' && path.includes('/manifests/') ? { kind: 'change', change } : undefined);
    const { status, stderr } = await fresh().run('pull', large());
    assert.equal(status, 1);
    assert.match(stderr, /is not what was announced/);
  }
});

test('endless redirects end', async () => {
  proxy.fault = ({ method, path }) =>
    method === 'GET' && path.includes('/manifests/') ? { kind: 'answer', status: 307, headers: { location: path } } : undefined;
  const { status, stderr } = await fresh().run('pull', large());
  assert.equal(status, 1);
  assert.match(stderr, /redirects endlessly/);
});

test('credentials do not follow a redirect to another host', async () => {
  const seen: (string | undefined)[] = [];
  const other = createServer((req, res) => {
    seen.push(req.headers.authorization);
    res.writeHead(302, { location: `http://${registry.host}${req.url}` });
    res.end();
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  const docker = join(shop.folder, 'with-password');
  mkdirSync(docker);
  writeFileSync(join(docker, 'config.json'), JSON.stringify({ auths: { [host]: { auth: Buffer.from('me:hidden').toString('base64') } } }));
  proxy.fault = ({ method, path, headers }) => {
    if (headers.authorization === undefined) return { kind: 'answer', status: 401, headers: { 'www-authenticate': 'Basic realm="tests"' } };
    return method === 'GET' && isBlob(path)
      ? { kind: 'answer', status: 307, headers: { location: `http://127.0.0.1:${port}${path}` } }
      : undefined;
  };
  try {
    await fresh({ DOCKER_CONFIG: docker }).ok('pull', large());
    assert.ok(seen.length > 0);
    assert.deepEqual([...new Set(seen)], [undefined]);
  } finally {
    other.closeAllConnections();
    other.close();
  }
});

test('a pull that is killed carries on: what was verified is not moved again', async () => {
  const s = fresh();
  const half = join(s.env['SLIPWAY_ROOT'] ?? '', 'ingest', `download-${noisy.split(':')[1]}`);
  const kept = (): number => statSync(half, { throwIfNoEntry: false })?.size ?? 0;
  for (let round = 0; round < 5; round++) {
    const before = kept();
    proxy.fault = ({ path }) => (path === noisy ? { kind: 'stall', after: 400_000 } : undefined);
    await s.killed(() => kept() >= before + 200_000, 'pull', large());
  }
  const already = kept();
  assert.ok(already >= 1_000_000, `${already} bytes kept`);
  proxy.seen.length = 0;
  proxy.fault = () => undefined;
  await s.ok('pull', large());
  const blobs = proxy.seen.filter((r) => r.method === 'GET' && isBlob(r.path));
  assert.deepEqual(
    blobs.map((r) => [r.path, r.headers.range, r.down]),
    [[noisy, `bytes=${already}-`, noisySize - already]],
  );
  await whole(s, large());
});

test('image prune forgets what a killed pull has kept', async () => {
  const s = fresh();
  proxy.fault = ({ method, path }) => (method === 'GET' && isBlob(path) ? { kind: 'slow', rate: 2_000_000 } : undefined);
  await s.killed(() => proxy.seen.some((r) => r.path === noisy && r.down > 300_000), 'pull', large());
  const ingest = join(s.env['SLIPWAY_ROOT'] ?? '', 'ingest');
  assert.ok(readdirSync(ingest).some((name) => name.startsWith('download-')));
  await s.ok('image', 'prune', '-f');
  assert.deepEqual(readdirSync(ingest), []);
  assert.deepEqual(readdirSync(join(s.env['SLIPWAY_ROOT'] ?? '', 'blobs/sha256')), []);
});

test('several pulls of one image at once download it once', async () => {
  proxy.fault = ({ method, path }) => (method === 'GET' && isBlob(path) ? { kind: 'slow', rate: 6_000_000 } : undefined);
  const s = fresh();
  await Promise.all(Array.from({ length: 4 }, () => s.ok('pull', large())));
  const moved = proxy.seen.filter((r) => r.method === 'GET' && isBlob(r.path)).reduce((n, r) => n + r.down, 0);
  assert.ok(moved < 6_000_000, `${moved} bytes moved by four`);
  await whole(s, large());
});

test('a push that breaks off goes on where the registry got to', async () => {
  await shop.ok('tag', `${registry.host}/lab/large:1`, `${host}/lab/pushed:1`);
  let cuts = 0;
  proxy.fault = ({ method, path }) => {
    if (method === 'POST' && path.includes('mount=')) return { kind: 'answer', status: 404 };
    return method === 'PATCH' && cuts < 2 ? (cuts++, { kind: 'cut-up', after: 400_000 }) : undefined;
  };
  await shop.ok('push', `${host}/lab/pushed:1`);
  assert.equal(cuts, 2);
  proxy.fault = () => undefined;
  const s = fresh();
  await s.ok('pull', `${host}/lab/pushed:1`);
  await whole(s, `${host}/lab/pushed:1`);
});

test('a blob that the registry misses for a moment, because another push ends that sends it, is no failure', async () => {
  await shop.ok('tag', `${registry.host}/lab/large:1`, `${host}/lab/twice:1`);
  const digest = /sha256:(\w+)/.exec(noisy)?.[1] ?? '';
  const link = join(shop.folder, 'registry/data/docker/registry/v2/repositories/lab/twice/_layers/sha256', digest, 'link');
  let puts = 0;
  proxy.fault = ({ method, path }) => {
    if (method === 'PUT' && path.includes('/manifests/')) writeFileSync(link, puts++ === 0 ? '' : `sha256:${digest}`);
    return undefined;
  };
  await shop.ok('push', `${host}/lab/twice:1`);
  assert.equal(puts, 2);
});

test('a layer that unpacks to far more than its size is stopped', async () => {
  const bomb = gzipSync(Buffer.alloc(64 << 20));
  const layer = `sha256:${createHash('sha256').update(bomb).digest('hex')}`;
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      rootfs: {
        type: 'layers',
        diff_ids: [
          `sha256:${createHash('sha256')
            .update(Buffer.alloc(64 << 20))
            .digest('hex')}`,
        ],
      },
    }),
  );
  await put(config);
  await put(bomb);
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(config), size: config.length },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: layer, size: bomb.length }],
  };
  await fetch(`http://${registry.host}/v2/lab/bomb/manifests/1`, {
    method: 'PUT',
    headers: { 'content-type': manifest.mediaType },
    body: JSON.stringify(manifest),
  });
  const s = fresh({ SLIPWAY_LAYER_LIMIT: '10m' });
  const { status, stderr } = await s.run('pull', `${registry.host}/lab/bomb:1`);
  assert.equal(status, 1);
  assert.match(stderr, /unpacks to more than|not what|archive/);
  assert.match(stderr, /SLIPWAY_LAYER_LIMIT/);
  assert.deepEqual(
    existsSync(s.env['SLIPWAY_ROOT']! + '/snapshots')
      ? readdirSync(s.env['SLIPWAY_ROOT']! + '/snapshots').filter((n) => /^\d+$/.test(n))
      : [],
    [],
  );
});

test('a mirror is asked first, and passed over when it fails', async () => {
  const settings = join(shop.folder, 'mirrors.json');
  const port = host.split(':')[1];
  writeFileSync(settings, JSON.stringify({ [`localhost:${port}`]: { mirrors: [`http://${registry.host}`] } }));
  proxy.seen.length = 0;
  await fresh({ SLIPWAY_REGISTRIES: settings }).ok('pull', `localhost:${port}/lab/large:1`);
  assert.equal(proxy.seen.length, 0, 'the registry itself was not asked');
  writeFileSync(settings, JSON.stringify({ [`localhost:${port}`]: { mirrors: ['http://127.0.0.1:1'] } }));
  const passed = await fresh({ SLIPWAY_REGISTRIES: settings }).ok('pull', `localhost:${port}/lab/large:1`);
  assert.match(passed.stderr, /warning: the mirror 127\.0\.0\.1:1 does not give/);
});

test('of an index the image for this platform is taken; others by --platform; what is missing is listed', async () => {
  const accept = MANIFEST;
  const answer = await fetch(`http://${registry.host}/v2/lab/large/manifests/1`, { headers: { accept } });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const entry = { mediaType: accept, digest: digestOf(bytes), size: bytes.length };
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      { ...entry, platform: { os: 'linux', architecture: process.arch === 'arm64' ? 'arm64' : 'amd64' } },
      { ...entry, platform: { os: 'unknown', architecture: 'unknown' } },
      { ...entry, platform: { os: 'linux', architecture: 'arm', variant: 'v7' } },
    ],
  };
  await fetch(`http://${registry.host}/v2/lab/large/manifests/many`, {
    method: 'PUT',
    headers: { 'content-type': index.mediaType },
    body: JSON.stringify(index),
  });
  const s = fresh();
  await s.ok('pull', `${registry.host}/lab/large:many`);
  await s.ok('pull', '--platform', 'linux/arm/v7', `${registry.host}/lab/large:many`);
  const missing = await s.run('pull', '--platform', 'linux/s390x', `${registry.host}/lab/large:many`);
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /no matching manifest for linux\/s390x/);
  assert.match(missing.stderr, /linux\/arm\/v7/);
  assert.doesNotMatch(missing.stderr, /unknown/);
});

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

async function put(bytes: Buffer): Promise<void> {
  const begun = await fetch(`http://${registry.host}/v2/lab/bomb/blobs/uploads/`, { method: 'POST' });
  const location = new URL(begun.headers.get('location') ?? '', `http://${registry.host}`);
  location.searchParams.set('digest', digestOf(bytes));
  const done = await fetch(location, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body: new Uint8Array(bytes),
  });
  assert.equal(done.status, 201);
}
