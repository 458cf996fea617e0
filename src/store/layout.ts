// Where things lie. A folder is made when it is first asked for, so that nobody checks for it and nothing empty lies about.
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Absolute paths; reading one makes the folder. */
export interface Layout {
  /** What stays. */
  readonly root: string;
  /** What dies with the machine. */
  readonly run: string;
  /** `<algorithm>/<hex>`. */
  readonly blobs: string;
  /** Blobs that are being written. */
  readonly ingest: string;
  /** `<id>/fs`, `<id>/work`. */
  readonly snapshots: string;
  /** Files for FileLock. */
  readonly locks: string;
  /** `<id>/`: log, hosts file. */
  readonly containers: string;
  /** `<name>/_data`. */
  readonly volumes: string;
  /** `<name>-<number>`: what RUN --mount=type=cache keeps. */
  readonly cacheMounts: string;
  readonly bootstrap: string;
  /** `<id>/` below `run`: bundle, mount point, pid files. */
  readonly runContainers: string;
  /** `<ref>.jsonl`: what happens in a running build. */
  readonly liveBuilds: string;
  /** Mount points of builds and tools. */
  readonly mounts: string;
  readonly netns: string;
  readonly network: string;
  /** State of crun or runc. */
  readonly runtime: string;
}

const UNDER_ROOT = {
  blobs: 'blobs/sha256',
  ingest: 'ingest',
  snapshots: 'snapshots',
  locks: 'locks',
  containers: 'containers',
  volumes: 'volumes',
  cacheMounts: 'cache-mounts',
  bootstrap: 'bootstrap',
} as const;
const UNDER_RUN = {
  runContainers: 'containers',
  liveBuilds: 'builds',
  mounts: 'mounts',
  netns: 'netns',
  network: 'network',
  runtime: 'runtime',
} as const;

export function layout(root: string, run: string): Layout {
  const result = {};
  define(result, 'root', root, root);
  define(result, 'run', run, run);
  for (const [key, path] of Object.entries(UNDER_ROOT))
    define(result, key, key === 'blobs' ? join(root, 'blobs') : join(root, path), join(root, path));
  for (const [key, path] of Object.entries(UNDER_RUN)) define(result, key, join(run, path), join(run, path));
  return Object.freeze(result) as Layout;
}

/**
 * A folder for its owner alone. Below it lie programs of images that run with the rights of their owner, files with the modes that containers
 * gave them, and rules that are handed to the firewall: no other user of the machine gets at them, whatever the umask.
 */
export function makePrivate(folder: string): void {
  if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) return;
  // of an older version
  if ((statSync(folder).mode & 0o077) !== 0) chmodSync(folder, 0o700);
}

function define(target: object, key: string, value: string, folder: string): void {
  let made = false;
  Object.defineProperty(target, key, {
    enumerable: true,
    get: () => {
      if (!made && key !== 'root' && key !== 'run') makePrivate(folder);
      else if (!made) mkdirSync(folder, { recursive: true, mode: 0o700 }); // one that exists may hold other things of the user
      made = true;
      return value;
    },
  });
}
