// The base images of a build at a registry: asked for and fetched side by side, and only as far as the build needs them.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { FaultProxy } from '../support/fault-proxy.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { type Shop, openShop } from '../support/shop.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json';
const NAMES = ['left', 'right'] as const;

let shop: Shop;
let registry: TestRegistry;
let proxy: FaultProxy;
let host: string;
let stores = 0;
/** The path of the blob of the layer that only this image has, and of its configuration. */
const layers = new Map<string, string>();
const configs = new Set<string>();

before(async () => {
  shop = openShop('build-pulls');
  registry = await startRegistry({ folder: join(shop.folder, 'registry') });
  proxy = new FaultProxy(registry.port);
  host = await proxy.start();
  await shop.makeImages();
  for (const name of NAMES) {
    const context = folder(name, `FROM busybox\nCOPY ${name} /${name}\n`);
    writeFileSync(join(context, name), name);
    await shop.ok('build', '-q', '-t', `${registry.host}/lab/${name}:1`, context);
    await shop.ok('push', `${registry.host}/lab/${name}:1`);
    const answer = await fetch(`http://${registry.host}/v2/lab/${name}/manifests/1`, { headers: { accept: MANIFEST } });
    const manifest = (await answer.json()) as { config: { digest: string }; layers: { digest: string }[] };
    layers.set(name, `/v2/lab/${name}/blobs/${manifest.layers[1]?.digest}`);
    configs.add(`/v2/lab/${name}/blobs/${manifest.config.digest}`);
  }
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

function folder(name: string, dockerfile: string): string {
  const context = join(shop.folder, 'contexts', name);
  mkdirSync(context, { recursive: true });
  writeFileSync(join(context, 'Dockerfile'), dockerfile);
  return context;
}

const fresh = (): Shop => shop.elsewhere(`store-${stores++}`);
const fetchedLayers = (): string[] => proxy.seen.map((r) => r.path).filter((path) => /\/blobs\/sha256:/.test(path) && !configs.has(path));

/** Holds requests of which `belongs` until there was one for each of the names. */
function meeting(belongs: (path: string) => string | undefined): () => void {
  const open = Promise.withResolvers<void>();
  const came = new Set<string>();
  proxy.fault = ({ method, path }) => {
    const name = method === 'GET' ? belongs(path) : undefined;
    if (name === undefined) return undefined;
    came.add(name);
    if (came.size === NAMES.length) open.resolve();
    return { kind: 'hold', until: open.promise };
  };
  return () => open.resolve();
}

const two = (): string =>
  folder(
    'two',
    `FROM ${host}/lab/left:1 AS left\nRUN cp /left /made\nFROM ${host}/lab/right:1\nCOPY --from=left /made /made\nRUN cat /made /right\n`,
  );

test('two bases are looked up at the same time', async () => {
  const release = meeting((path) => /^\/v2\/lab\/(\w+)\/manifests\/1$/.exec(path)?.[1]);
  try {
    const { stderr } = await fresh().ok('build', '--progress', 'plain', two());
    assert.match(stderr, /leftright/);
  } finally {
    release();
  }
});

test('the layers of two bases are fetched at the same time', async () => {
  const release = meeting((path) => NAMES.find((name) => layers.get(name) === path));
  try {
    const { stderr } = await fresh().ok('build', '--progress', 'plain', two());
    assert.match(stderr, /leftright/);
  } finally {
    release();
  }
});

test('a check of the Dockerfile and a plan fetch no layer', async () => {
  const s = fresh();
  await s.ok('build', '--check', two());
  await s.ok('build', '--plan', two());
  assert.deepEqual(fetchedLayers(), [], [...configs, ...layers].join(' '));
  assert.ok(proxy.seen.some((r) => configs.has(r.path)));
});

test('a build from the cache fetches the base of its image, and no other', async () => {
  const s = fresh();
  await s.ok('build', '-q', two());
  await s.ok('rmi', '-f', ...NAMES.map((name) => `${host}/lab/${name}:1`));
  proxy.seen.length = 0;
  await s.ok('build', '-q', '--output', 'type=cacheonly', two());
  assert.ok(!fetchedLayers().includes(layers.get('left') ?? ''));
});

test('a base that fails ends the questions about the others', async () => {
  proxy.fault = ({ path }) => {
    if (path === '/v2/lab/left/manifests/1') return { kind: 'answer', status: 404, body: '{}' };
    return path === '/v2/lab/right/manifests/1' ? { kind: 'stall', after: 0 } : undefined;
  };
  const { status, stderr } = await fresh().run('build', two());
  assert.equal(status, 1);
  assert.match(stderr, /lab\/left:1: not found/);
});
