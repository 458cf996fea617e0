// A store with one small image (busybox from the machine, some folders for volumes) and everything that containers stand on,
// without the command line. Run as a program it is what a monitor calls when a container has ended.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Container, ContainerManager, type ContainerRequest, PLAIN_REQUEST, supervise } from '../../src/container/index.ts';
import { ContentStore, Leases } from '../../src/content/index.ts';
import { ImageStore } from '../../src/image/index.ts';
import { type ContainerConfig, sha256 } from '../../src/model/index.ts';
import { NetworkManager } from '../../src/network/index.ts';
import { OciRuntime } from '../../src/runtime/index.ts';
import { openSnapshotter } from '../../src/snapshot/index.ts';
import { Database, layout } from '../../src/store/index.ts';
import { enterPrivateMountNamespace, findExecutable, removeTree } from '../../src/sys/index.ts';
import { once } from '../../src/util/index.ts';

const SELF = fileURLToPath(import.meta.url);

export function openManager(root: string, run: string): ContainerManager {
  const folders = layout(root, run);
  const db = Database.open(root);
  const snapshots = openSnapshotter(folders, db);
  const images = new ImageStore(folders, db, new ContentStore(folders, db), snapshots);
  const runtime = once(async () => {
    enterPrivateMountNamespace();
    const found = await OciRuntime.find({ stateRoot: folders.runtime });
    await found.reap();
    return found;
  });
  return new ContainerManager({
    layout: folders,
    db,
    images,
    snapshots,
    leases: new Leases(db),
    network: new NetworkManager(folders, db),
    selfCommand: [process.execPath, SELF, root, run],
    selfEnvironment: {},
    runtime,
    now: Date.now,
  });
}

export interface Fixture {
  readonly manager: ContainerManager;
  readonly folder: string;
  readonly root: string;
  readonly run: string;
  /** Another process' view: a manager of its own on the same store. */
  other(): ContainerManager;
  dispose(): Promise<void>;
}

export async function fixture(): Promise<Fixture> {
  const folder = mkdtempSync('/dev/shm/slipway-containers-');
  const [root, run] = [join(folder, 'root'), join(folder, 'run')];
  const manager = openManager(root, run);
  const managers = [manager];
  makeImage(manager);
  return {
    manager,
    folder,
    root,
    run,
    other: () => {
      managers.push(openManager(root, run));
      return managers.at(-1)!;
    },
    dispose: async () => {
      for (const c of manager.records.all()) await manager.remove(c, { force: true, volumes: true });
      for (const m of managers) m.parts.db.close();
      removeTree(folder);
    },
  };
}

export const IMAGE_CONFIG: ContainerConfig = {
  Env: ['PATH=/bin', 'FROM_IMAGE=yes'],
  Cmd: ['echo', 'hello'],
  WorkingDir: '/work',
  ExposedPorts: { '8080/tcp': {} },
  Volumes: { '/declared': {} },
  Labels: { image: 'test' },
};

function makeImage(manager: ContainerManager): void {
  addImage(manager, 'tiny', IMAGE_CONFIG, (at) => {
    for (const dir of ['declared', 'seeded/inner']) mkdirSync(at(dir), { recursive: true });
    writeFileSync(at('not-executable'), 'text\n');
    writeFileSync(at('seeded/inner/file'), 'from the image\n');
    writeFileSync(at('script'), '#!/nosuch/sh\n', { mode: 0o755 });
    chmodSync(at('seeded'), 0o750);
    chownSync(at('seeded'), 1000, 2000);
  });
}

/** An image of busybox, the users root and user, and what `fill` adds at the paths that it is given a function for. */
export function addImage(
  { parts: { snapshots, images, leases } }: ContainerManager,
  name: string,
  config: ContainerConfig,
  fill: (at: (path: string) => string) => void,
): void {
  using lease = leases.create();
  const layer = snapshots.prepare(null, lease);
  const at = (path: string): string => join(layer.upper, path);
  for (const dir of ['bin', 'etc', 'tmp']) mkdirSync(at(dir));
  const busybox = findExecutable('busybox');
  if (busybox === undefined) throw new Error('these tests need the package busybox-static');
  copyFileSync(busybox, at('bin/busybox'));
  chmodSync(at('bin/busybox'), 0o755);
  const { stdout } = spawnSync(busybox, ['--list'], { encoding: 'utf8' });
  for (const applet of stdout.split('\n')) if (applet !== '' && applet !== 'busybox') symlinkSync('busybox', at(`bin/${applet}`));
  writeFileSync(at('etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n');
  writeFileSync(at('etc/group'), 'root:x:0:\nuser:x:1000:\nextra:x:2000:user\n');
  fill(at);
  const diffId = sha256(`layer of ${name}, for the container tests`);
  snapshots.commit(layer.id, lease, { chainId: diffId, diffId, size: 1 });
  images.create(
    {
      config: { architecture: 'amd64', os: 'linux', config, rootfs: { type: 'layers', diff_ids: [diffId] } },
      layers: [{ diffId, size: 1, tarSize: 1 }],
      names: [name],
    },
    lease,
  );
}

export const request = (o: Partial<ContainerRequest> = {}): ContainerRequest => ({
  ...PLAIN_REQUEST,
  image: 'tiny',
  network: 'none',
  ...o,
});

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly container: Container;
}

/** Runs a container in the foreground. */
export async function runIn(manager: ContainerManager, o: Partial<ContainerRequest>): Promise<Outcome> {
  const container = await manager.create(request(o));
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  const exitCode = await manager.runForeground(container, { stdout: (c) => out.push(c), stderr: (c) => err.push(c) });
  if (exitCode === undefined) throw new Error('nobody left it');
  return { exitCode, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString(), container };
}

/** `sh -c` in a container, for its output. */
export async function sh(manager: ContainerManager, script: string, o: Partial<ContainerRequest> = {}): Promise<string> {
  const r = await runIn(manager, { args: ['sh', '-c', script], autoRemove: true, ...o });
  if (r.exitCode !== 0) throw new Error(`exit code ${r.exitCode}: ${r.stderr}`);
  return r.stdout;
}

if (process.argv[1] === SELF && existsSync(join(process.argv[2] ?? '', 'slipway.db'))) {
  const [, , root = '', run = '', , verb, id] = process.argv;
  const manager = openManager(root, run);
  await manager.endings.reconcile({ abandoned: true });
  if (verb === 'cleanup') await manager.cleanUp(id ?? '');
  else if (id === undefined) await supervise(manager, new AbortController().signal);
  else await manager.restartByPolicy(id);
}
