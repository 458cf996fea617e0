// Cache mounts: directories that outlive the build, one for each id, and who may use them at the same time.
import { chmodSync, chownSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Hex } from '../../../util/index.ts';
import { FileLock, removeTree, RootedTree } from '../../../sys/index.ts';
import { Selection } from '../selection.ts';
import { withoutUmask } from '../umask.ts';
import { TreeWriter } from '../writer.ts';
import type { RunMount, StepEnvironment } from '../types.ts';

type CacheMount = Extract<RunMount, { type: 'cache' }>;

/** What the folders and locks of a cache begin with; a number follows, 0 for the first. */
export const cacheMountName = (id: string): string => sha256Hex(id).slice(0, 32);

export interface BorrowedCache {
  readonly path: string;
  release(): void;
}

/**
 * Lends the directory of a cache. `locked` waits until nobody else has it, `private` takes another one of the same id when the
 * first is in use, `shared` goes along with everybody but a `locked` user.
 */
export async function borrowCache(
  env: Pick<StepEnvironment, 'layout' | 'db'>,
  mount: CacheMount,
  signal: AbortSignal,
): Promise<BorrowedCache> {
  const name = cacheMountName(mount.id);
  mkdirSync(env.layout.locks, { recursive: true });
  const lockOf = (n: number): string => join(env.layout.locks, `cache-${name}-${n}`);
  let lock: FileLock | undefined;
  let number = 0;
  if (mount.sharing === 'private') while (!(lock = FileLock.tryAcquire(lockOf(number), 'exclusive'))) number++;
  else lock = await FileLock.acquire(lockOf(0), mount.sharing === 'locked' ? 'exclusive' : 'shared', { signal });
  try {
    const path = join(env.layout.root, 'cache-mounts', `${name}-${number}`);
    if (!existsSync(path)) create(path, mount);
    const now = Date.now();
    env.db.transaction((sql) => {
      sql.run(
        'INSERT INTO cache_mounts (id, directory, created_at, used_at) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET used_at = excluded.used_at',
        number === 0 ? mount.id : `${mount.id}#${number}`,
        `${name}-${number}`,
        now,
        now,
      );
    });
    return { path, release: () => lock.release() };
  } catch (e) {
    lock.release();
    throw e;
  }
}

/** Made aside and renamed, so that nobody meets a cache whose seed is half copied. */
function create(path: string, mount: CacheMount): void {
  const aside = `${path}.new-${process.pid}`;
  removeTree(aside);
  mkdirSync(aside, { recursive: true });
  let owner = { uid: mount.uid ?? 0, gid: mount.gid ?? 0 };
  let mode = mount.mode ?? 0o755;
  if (mount.seed) {
    using tree = new RootedTree(mount.seed.root);
    const from = tree.locate(mount.seed.source);
    const stat = tree.stat(from);
    if (stat?.isDirectory()) {
      const writer = new TreeWriter({
        tree,
        style: 'graph',
        owner: undefined,
        mode: undefined,
        selection: new Selection(undefined, undefined),
      });
      using target = new RootedTree(aside);
      using to = target.directory('');
      withoutUmask(() => writer.contents(from, to, true));
      if (mount.uid === undefined && mount.gid === undefined) owner = stat;
      if (mount.mode === undefined) mode = stat.mode & 0o7777;
    }
  }
  chownSync(aside, owner.uid, owner.gid);
  chmodSync(aside, mode);
  try {
    renameSync(aside, path);
  } catch (e) {
    removeTree(aside);
    if (!existsSync(path)) throw e;
  }
}
