// Cache mounts: directories that outlive the build, one for each id, and who may use them at the same time.
import { chmodSync, chownSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import { join, posix } from 'node:path';
import { crashPoint, sha256Hex } from '../../../util/index.ts';
import { FileLock, removeTree, RootedTree } from '../../../sys/index.ts';
import { Selection } from '../selection.ts';
import { withoutUmask } from '../umask.ts';
import { TreeWriter } from '../writer.ts';
import type { RunMount, RunRequest, StepEnvironment } from '../types.ts';

type CacheMount = Extract<RunMount, { type: 'cache' }>;

/** What the folders and locks of a cache begin with; a number follows, 0 for the first. */
export const cacheMountName = (id: string): string => sha256Hex(id).slice(0, 32);

/**
 * Which cache a mount means. One that has an owner or a mode of its own, or begins with files, is another one than that of the
 * same id without, as in BuildKit.
 */
function cacheIdentity(mount: CacheMount): string {
  const { id, uid = 0, gid = 0, mode = 0o755, seed } = mount;
  const own = [
    ...(hasOwnRoot(mount) ? [`owner ${uid}:${gid}`, `mode 0${mode.toString(8)}`] : []),
    ...(seed === undefined ? [] : [`from ${seed.identity}${isRoot(seed.source) ? '' : ` ${seed.source}`}`]),
  ];
  return own.length === 0 ? id : `${id} (${own.join(', ')})`;
}

const isRoot = (path: string | undefined): boolean => posix.resolve('/', path ?? '/') === '/';

/** With an owner or a mode, the root of what a cache begins with does not show; where a folder of it is named, they do not count. */
const hasOwnRoot = ({ uid, gid, mode, source, seed }: CacheMount): boolean =>
  (uid !== undefined || gid !== undefined || mode !== undefined) && isRoot(seed?.source ?? source);

export interface BorrowedCaches {
  path(mount: CacheMount): string;
  release(): void;
}

/**
 * Lends the directories of the caches of one command. They are taken in the order of their names, each once, so that no two
 * commands wait for each other, nor one for itself.
 */
export async function borrowCaches(env: CacheEnvironment, mounts: readonly CacheMount[], by: Borrower): Promise<BorrowedCaches> {
  const wanted = new Map<string, CacheMount>();
  for (const mount of mounts) {
    const identity = cacheIdentity(mount);
    const known = wanted.get(identity);
    if (known === undefined || STRICTNESS[known.sharing] < STRICTNESS[mount.sharing]) wanted.set(identity, mount);
  }
  const borrowed = new Map<string, BorrowedCache>();
  const release = (): void => {
    for (const cache of borrowed.values()) cache.release();
  };
  try {
    const order = [...wanted].map(([identity, mount]) => ({ identity, mount, name: cacheMountName(identity) }));
    for (const { identity, mount } of order.sort((a, b) => (a.name < b.name ? -1 : 1)))
      borrowed.set(identity, await borrow(env, identity, mount, by));
  } catch (e) {
    release();
    throw e;
  }
  return { path: (mount) => borrowed.get(cacheIdentity(mount))!.path, release };
}

/** The folder of its cache that a mount shows; undefined for all of it. */
export const shownFolder = ({ source, seed }: CacheMount): string | undefined => (seed || isRoot(source) ? undefined : source);

type CacheEnvironment = Pick<StepEnvironment, 'layout' | 'db'>;
type Borrower = Pick<RunRequest, 'project' | 'signal'>;
const STRICTNESS = { shared: 0, private: 1, locked: 2 } as const;

interface BorrowedCache {
  readonly path: string;
  release(): void;
}

/**
 * `locked` waits until nobody else has it, `private` takes another one of the same id when the first is in use, `shared` goes
 * along with all but a `locked` user.
 */
async function borrow(env: CacheEnvironment, identity: string, mount: CacheMount, { signal, project }: Borrower): Promise<BorrowedCache> {
  const name = cacheMountName(identity);
  const lockOf = (n: number): string => join(env.layout.locks, `cache-${name}-${n}`);
  let lock: FileLock | undefined;
  let number = 0;
  if (mount.sharing === 'private') while (!(lock = FileLock.tryAcquire(lockOf(number), 'exclusive'))) number++;
  else lock = await FileLock.acquire(lockOf(0), mount.sharing === 'locked' ? 'exclusive' : 'shared', { signal });
  try {
    const path = join(env.layout.cacheMounts, `${name}-${number}`);
    if (!existsSync(path)) {
      // users that share it must not replace each other's
      using _creating = await FileLock.acquire(`${lockOf(number)}-new`, 'exclusive', { signal, remove: true });
      if (!existsSync(path)) create(path, mount);
    }
    crashPoint('cache-mount.created');
    const now = Date.now();
    env.db.transaction((sql) => {
      sql.run(
        'INSERT INTO cache_mounts (id, directory, created_at, used_at, project) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET used_at = excluded.used_at',
        number === 0 ? identity : `${identity}#${number}`,
        `${name}-${number}`,
        now,
        now,
        project ?? null,
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
  const ownRoot = hasOwnRoot(mount);
  let owner = { uid: (ownRoot && mount.uid) || 0, gid: (ownRoot && mount.gid) || 0 };
  let mode = (ownRoot ? mount.mode : undefined) ?? 0o755;
  const { seed } = mount;
  if (seed && !ownRoot) {
    using tree = new RootedTree(seed.root);
    const from = tree.locate(seed.source);
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
      owner = stat;
      mode = stat.mode & 0o7777;
    }
  }
  chownSync(aside, owner.uid, owner.gid);
  chmodSync(aside, mode);
  renameSync(aside, path);
}
