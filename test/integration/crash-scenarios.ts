// Which command passes which crash point, and what must be right when it is done again after it was killed there.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '../../src/engine/index.ts';
import type { CrashPoint } from '../../src/util/index.ts';

/** What the scenarios work with. */
export interface Places {
  /** A folder with a Dockerfile that gives an image with the file `/both`. */
  readonly context: string;
  /** An archive of that image. */
  readonly archive: string;
  /** A registry that has that image as `HOST/there`. */
  readonly registry: string;
}

export interface Scenario {
  readonly points: readonly CrashPoint[];
  /** `bare` has a base image; `full` also the image `app`, built here, with its cache. */
  readonly store: 'bare' | 'full';
  readonly command: (p: Places) => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Prepares a store further, by SQL. */
  readonly sql?: string;
  /** What must be so after the command was done again. */
  right(engine: Engine, p: Places): void | Promise<void>;
}

/** The image `app` has its file, wherever its top layer lies. */
function hasFile(engine: Engine): void {
  const image = engine.images.find('app');
  assert.ok(image, 'the image is there');
  const top = engine.snapshots.byChain(image.layers.at(-1)!.chainId);
  if (top) assert.equal(readFileSync(join(engine.snapshots.directory(top.id), 'both'), 'utf8'), 'a\nb\n');
  else assert.ok(engine.images.layers.blob(image.layers.at(-1)!.diffId), 'its layer is there');
}

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  load: {
    points: ['lease.created', 'lease.release', 'blob.synced', 'blob.renamed', 'blob.recorded', 'image.before-commit', 'image.recorded'],
    store: 'bare',
    command: (p) => ['load', '-i', p.archive],
    right: hasFile,
  },
  build: {
    points: [
      'snapshot.recorded',
      'snapshot.prepared',
      'snapshot.before-commit',
      'snapshot.committed',
      'layer.unpacked',
      'layer.registered',
      'cache.recorded',
      'cache-mount.created',
    ],
    store: 'bare',
    command: (p) => ['build', '-q', '--network', 'none', '-t', 'app', p.context],
    right: hasFile,
  },
  'build with the original engine': {
    points: ['snapshot.row-removed', 'build.tagged'],
    store: 'bare',
    env: { DOCKER_BUILDKIT: '0' },
    command: (p) => ['build', '-q', '--network', 'none', '-t', 'app', '-f', join(p.context, 'Dockerfile.original'), p.context],
    right: hasFile,
  },
  rmi: {
    points: ['image.removal-before-commit'],
    store: 'full',
    command: (p) => ['rmi', '-f', 'app', `${p.registry}/there`, `${p.registry}/pushed`],
    right: (engine) => assert.equal(engine.images.find('app'), undefined),
  },
  'system prune': {
    points: [
      'prune.image-removed',
      'cache-mount.row-removed',
      'collector.before-commit',
      'collector.committed',
      'collector.snapshot-removed',
      'collector.blob-removed',
    ],
    store: 'full',
    command: () => ['system', 'prune', '-af'],
    right: (engine) => {
      assert.deepEqual(engine.images.list({ all: true }), []);
      for (const folder of [engine.layout.snapshots, join(engine.layout.blobs, 'sha256')]) assert.deepEqual(readdirSync(folder), []);
    },
  },
  pull: {
    points: ['download.chunk', 'download.synced', 'pull.complete'],
    store: 'bare',
    command: (p) => ['pull', '-q', `${p.registry}/there`],
    right: (engine, p) => assert.ok(engine.images.find(`${p.registry}/there`)),
  },
  push: {
    points: ['push.layer-sent', 'push.manifest-sent'],
    store: 'full',
    command: (p) => ['push', '-q', `${p.registry}/pushed`],
    right: async (_, p) => {
      const headers = { accept: 'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json' };
      assert.equal((await fetch(`http://${p.registry}/v2/pushed/manifests/latest`, { headers })).status, 200);
    },
  },
  'build with a cache to a registry': {
    points: ['cache-export.layer-sent', 'cache-export.before-manifest', 'cache-export.manifest-sent'],
    store: 'bare',
    command: (p) => `build -q --network none -t app --cache-to type=registry,mode=max,ref=${p.registry}/cache ${p.context}`.split(' '),
    right: async (engine, p) => {
      hasFile(engine);
      const headers = { accept: 'application/vnd.oci.image.manifest.v1+json' };
      assert.equal((await fetch(`http://${p.registry}/v2/cache/manifests/latest`, { headers })).status, 200);
    },
  },
  'run on a network': {
    points: ['runtime.filter-created', 'network.recorded', 'network.before-rules', 'network.rules-set', 'network.before-removal'],
    store: 'full',
    command: () => ['run', '--rm', 'app', 'cat', '/both'],
    right: hasFile,
  },
  images: {
    points: ['store.opened'],
    store: 'full',
    command: () => ['images'],
    right: hasFile,
  },
  'the first command after a start of the machine': {
    points: ['store.recovered'],
    store: 'full',
    sql: `UPDATE meta SET value = 'another boot' WHERE key = 'boot'`,
    command: () => ['images'],
    // nothing was synced before
    right: (engine) => assert.equal(engine.images.find('app'), undefined),
  },
  'system sync': {
    points: ['store.synced'],
    store: 'full',
    command: () => ['system', 'sync'],
    right: (engine) => {
      hasFile(engine);
      assert.equal(
        engine.db.read((sql) => sql.get('SELECT 1 FROM snapshots WHERE durable = 0')),
        undefined,
      );
    },
  },
};
