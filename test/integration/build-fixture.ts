// A store with one small image (busybox from the machine) and the parts that builds stand on, without the command line.
// Commands get a network namespace of their own without anything in it: no host rule or bridge is touched.
import { BuildRecords } from '../../src/builder/record/index.ts';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openContext } from '../../src/builder/context/index.ts';
import type { BuildEvent } from '../../src/builder/events.ts';
import { commitLayer } from '../../src/image/index.ts';
import type { BuildEnvironment, BuildJob } from '../../src/builder/types.ts';
import { ContentStore, Leases } from '../../src/content/index.ts';
import { ImageStore } from '../../src/image/index.ts';
import type { BuildNetworks } from '../../src/network/index.ts';
import { OciRuntime } from '../../src/runtime/index.ts';
import { openSnapshotter } from '../../src/snapshot/index.ts';
import { Database, layout } from '../../src/store/index.ts';
import { enterPrivateMountNamespace, findExecutable, removeTree } from '../../src/sys/index.ts';
import { once } from '../../src/util/index.ts';
import { memorySession } from '../support/session.ts';

export const BASE = 'docker.io/library/base:latest';

export interface BuildFixture {
  readonly folder: string;
  readonly context: string;
  readonly env: BuildEnvironment;
  /** Writes a file of the context. */
  put(path: string, text: string, mode?: number): void;
  request(dockerfile: string, o?: Partial<BuildJob>): Promise<BuildJob & { readonly events: BuildEvent[] }>;
  dispose(): void;
}

export function buildFixture(driver?: 'erofs' | 'overlay' | 'copy'): BuildFixture {
  enterPrivateMountNamespace();
  const folder = mkdtempSync('/dev/shm/slipway-build-');
  const context = join(folder, 'context');
  mkdirSync(context);
  const folders = layout(join(folder, 'root'), join(folder, 'run'));
  const db = Database.open(folders.root);
  const content = new ContentStore(folders, db);
  const snapshots = openSnapshotter(folders, db, driver);
  const images = new ImageStore(folders, db, content, snapshots);
  const lone = { warm: () => {}, acquire: async (mode: string) => ({ netnsPath: mode === 'host' ? 'host' : 'none', release: () => {} }) };
  const env: BuildEnvironment = {
    layout: folders,
    db,
    content,
    leases: new Leases(db),
    images,
    snapshots,
    records: new BuildRecords(db),
    jobs: 2,
    runtime: once(() => OciRuntime.find({ stateRoot: join(folders.run, 'runtime') })),
    networks: async () => lone as unknown as BuildNetworks,
    now: Date.now,
    openLayout: () => assert.fail('no layout is read here'),
    resolveBase: async (ref) => {
      const image = images.resolve(ref);
      return { ref, id: image.id, config: image.config, fetch: async () => image };
    },
  };
  makeBase(env);
  const put = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(dirname(join(context, path)), { recursive: true });
    writeFileSync(join(context, path), text);
    chmodSync(join(context, path), mode);
  };
  return {
    folder,
    context,
    env,
    put,
    request: async (text, o = {}) => {
      const events: BuildEvent[] = [];
      return {
        dockerfile: { name: 'Dockerfile', text },
        environment: {},
        context: await openContext(
          { kind: 'directory', path: context },
          {
            scratch: folders.ingest,
            wording: 'classic',
            signal: new AbortController().signal,
            elsewhere: { environment: {}, session: memorySession() },
          },
        ),
        buildArgs: {},
        labels: {},
        tags: [],
        identity: context,
        name: 'context',
        noCache: false,
        noCacheFilter: [],
        pull: false,
        network: 'default',
        addHosts: [],
        ulimits: [],
        secrets: [],
        ssh: [],
        session: memorySession(),
        namedContexts: new Map(),
        allow: [],
        classic: { rm: true, forceRm: false, cacheFrom: [] },
        signal: new AbortController().signal,
        onEvent: (e) => void events.push(e),
        ...o,
        events,
      };
    },
    dispose: () => {
      snapshots.close();
      db.close();
      removeTree(folder);
    },
  };
}

/** What the events say in text. */
export const textOf = (events: readonly BuildEvent[]): string => events.map((e) => (e.type === 'text' ? e.text : '')).join('');

export function makeBase({ snapshots, images, leases }: Pick<BuildEnvironment, 'snapshots' | 'images' | 'leases'>): void {
  const busybox = findExecutable('busybox');
  if (busybox === undefined) throw new Error('these tests need the package busybox-static');
  using lease = leases.create();
  const active = snapshots.prepare(null, lease);
  const at = (path: string): string => join(active.upper, path);
  for (const dir of ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp']) mkdirSync(at(dir));
  chmodSync(at('tmp'), 0o1777);
  copyFileSync(busybox, at('bin/busybox'));
  chmodSync(at('bin/busybox'), 0o755);
  for (const applet of spawnSync(busybox, ['--list'], { encoding: 'utf8' }).stdout.split('\n')) {
    if (applet !== '' && applet !== 'busybox') symlinkSync('busybox', at(`bin/${applet}`));
  }
  writeFileSync(at('etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n');
  writeFileSync(at('etc/group'), 'root:x:0:\nuser:x:1000:\n');
  const layer = commitLayer(snapshots, active, [], lease)!;
  images.create(
    {
      config: {
        architecture: 'amd64',
        os: 'linux',
        config: { Cmd: ['sh'], Env: ['PATH=/bin'] },
        rootfs: { type: 'layers', diff_ids: [layer.diffId] },
        history: [{ comment: 'base' }],
      },
      layers: [layer],
      names: [BASE],
    },
    lease,
  );
}
