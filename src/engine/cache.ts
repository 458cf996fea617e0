// The build cache: what it holds, what goes when it is pruned, and the bound that it keeps by itself. The least recently used
// goes first; what images share frees nothing and stays until everything is asked for.
import { readdirSync, renameSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { crashPoint, sha256Hex } from '../util/index.ts';
import { FileLock, lockedFiles, processStartTime, removeTree, treeSize, treeSizeBeside } from '../sys/index.ts';
import { DatabaseCache } from '../solver/index.ts';
import type { Engine } from './engine.ts';
import { isProject, projectName } from './projects.ts';
import type { Pruned } from './prune.ts';

export interface CacheEntry {
  readonly id: string;
  /** In BuildKit's words: a result of a step, or a cache mount. */
  readonly type: 'regular' | 'exec.cachemount';
  readonly description: string;
  /** Bytes. */
  readonly size: number;
  /** ms since the epoch. */
  readonly createdAt: number;
  readonly usedAt: number;
  readonly uses: number;
  /** An image has the same layer. */
  readonly shared: boolean;
  /** A build has it at this moment. */
  readonly inUse: boolean;
  /** What brought it last, as `projectName` has it; undefined for what came from another machine, or before this was kept. */
  readonly project: string | undefined;
}

export interface CacheFilter {
  readonly all?: boolean;
  /** Only what was last used before this time, ms since the epoch. */
  readonly until?: number;
  /** Bytes that stay whatever else is asked for: the least recently used goes until no more is left. */
  readonly reserved?: number;
  /** Bytes that the cache may take afterwards. */
  readonly most?: number;
  /** Bytes of the file system that should be free afterwards. */
  readonly free?: number;
  /** Values of `id`, `type`, `description`, `project`, `shared`, `private`, `inuse`: entries must match one of each key. */
  readonly match?: ReadonlyMap<string, readonly string[]>;
}

interface Row {
  readonly key: string;
  readonly snapshot_id: number | null;
  readonly description: string | null;
  readonly created_at: number;
  readonly used_at: number;
  readonly uses: number;
  readonly size: number | null;
  readonly shared: number;
  readonly leased: number;
  readonly project: string | null;
}

/** Between two looks at the size of the cache, in ms: the sizes of what is new must be measured. */
const BOUND_INTERVAL = 10 * 60 * 1000;
/** Of the file system, when nothing else is set, as Docker has it. */
const DEFAULT_SHARE = 0.1;

/** What the cache holds, the least recently used first. Sizes that were not known are measured and kept. */
export function cacheEntries(engine: Engine, mountSizes?: MountSizes): CacheEntry[] {
  const rows = engine.db.read((sql) =>
    sql.all<Row>(
      `SELECT c.key, c.snapshot_id, c.description, c.created_at, c.used_at, c.uses, c.size, c.project,
         EXISTS (SELECT 1 FROM image_layers l WHERE l.chain_id = s.chain_id) AS shared,
         EXISTS (SELECT 1 FROM lease_refs r WHERE r.kind = 'snapshot' AND r.key = c.snapshot_id) AS leased
       FROM cache_records c LEFT JOIN snapshots s ON s.id = c.snapshot_id WHERE c.result_json NOT LIKE 'alias %'`,
    ),
  );
  const measured: [string, number][] = [];
  const counted = new Set<number>();
  const entries = rows.map((r): CacheEntry => {
    const whole = r.size ?? snapshotSize(engine, r.snapshot_id);
    if (r.size === null) measured.push([r.key, whole]);
    // a snapshot that two records share takes its room once
    const size = r.snapshot_id !== null && counted.has(r.snapshot_id) ? 0 : whole;
    if (r.snapshot_id !== null) counted.add(r.snapshot_id);
    return {
      id: r.key,
      type: 'regular',
      description: r.description ?? '',
      size,
      createdAt: r.created_at,
      usedAt: r.used_at,
      uses: r.uses,
      shared: r.shared === 1,
      inUse: r.leased === 1,
      project: projectOf(r.project),
    };
  });
  if (measured.length > 0) {
    engine.db.transaction((sql) => {
      for (const [key, size] of measured) sql.run('UPDATE cache_records SET size = ? WHERE key = ?', size, key);
    });
  }
  // of those used by one build, what lies on top goes first: what is below frees nothing before
  const order = new Map(rows.map((r) => [r.key, r.snapshot_id ?? 0]));
  return [...entries, ...mountEntries(engine, mountSizes)].sort(
    (a, b) => a.usedAt - b.usedAt || (order.get(b.id) ?? 0) - (order.get(a.id) ?? 0),
  );
}

/** Bytes of cache mounts, by their directories: of those that were measured already. */
type MountSizes = ReadonlyMap<string, number>;

function mountEntries(engine: Engine, sizes?: MountSizes): CacheEntry[] {
  const rows = engine.db.read((sql) =>
    sql.all<{ id: string; directory: string; created_at: number; used_at: number; project: string | null }>(
      'SELECT id, directory, created_at, used_at, project FROM cache_mounts',
    ),
  );
  const lockOf = (directory: string): string => join(engine.layout.locks, `cache-${directory}`);
  const lent = lockedFiles(rows.map((r) => lockOf(r.directory)));
  return rows.map((r) => ({
    id: r.id,
    type: 'exec.cachemount' as const,
    description: `cached mount with id ${JSON.stringify(r.id)}`,
    size: sizes?.get(r.directory) ?? treeSize(join(engine.layout.cacheMounts, r.directory)),
    createdAt: r.created_at,
    usedAt: r.used_at,
    uses: 0,
    shared: false,
    inUse: lent.has(lockOf(r.directory)),
    project: projectOf(r.project),
  }));
}

const projectOf = (identity: string | null): string | undefined => (identity === null ? undefined : projectName(identity));

function snapshotSize(engine: Engine, id: number | null): number {
  if (id === null) return 0;
  const snapshot = engine.snapshots.get(id);
  if (!snapshot) return 0;
  return snapshot.size ?? engine.snapshots.storedSize(id);
}

/** Removes what builds have kept. */
export function pruneBuilder(engine: Engine, o: CacheFilter, mountSizes?: MountSizes): Pruned<CacheEntry> {
  const entries = cacheEntries(engine, mountSizes);
  let left = entries.reduce((n, e) => n + e.size, 0);
  const keep = bytesToKeep(engine, left, o);
  const removed: CacheEntry[] = [];
  for (const e of entries) {
    if (keep !== undefined && left <= keep) break;
    if (e.inUse || !matchesCache(e, o)) continue;
    // as in Docker, what images share stays unless everything is meant
    if (o.all !== true && e.shared) continue;
    removed.push(e);
    left -= e.size;
  }
  engine.db.removal((sql) => {
    for (const e of removed) if (e.type === 'regular') sql.run('DELETE FROM cache_records WHERE key = ?', e.id);
  });
  new DatabaseCache(engine.db, engine.now).dropLooseAliases();
  const mounts = removed.filter((e) => e.type !== 'regular' && dropMount(engine, e.id));
  sweepMounts(engine);
  engine.collector().collect();
  const gone = removed.filter((e) => e.type === 'regular' || mounts.includes(e));
  return { removed: gone, reclaimed: gone.reduce((n, e) => n + (e.shared ? 0 : e.size), 0) };
}

/** How much of `total` bytes stays, or undefined when no bound is given. */
function bytesToKeep(engine: Engine, total: number, { reserved, most, free }: CacheFilter): number | undefined {
  if (reserved === undefined && most === undefined && free === undefined) return undefined;
  const bounds = most === undefined ? [] : [most];
  if (free !== undefined) {
    const { bavail, bsize } = statfsSync(engine.layout.root);
    bounds.push(Math.max(0, total - Math.max(0, free - bavail * bsize)));
  }
  return Math.max(reserved ?? 0, bounds.length === 0 ? 0 : Math.min(...bounds));
}

/** Takes a cache mount away, unless a build borrows it at this moment. */
function dropMount(engine: Engine, id: string): boolean {
  const row = engine.db.read((sql) => sql.get<{ directory: string }>('SELECT directory FROM cache_mounts WHERE id = ?', id));
  if (row === undefined) return false;
  using lock = FileLock.tryAcquire(join(engine.layout.locks, `cache-${row.directory}`), 'exclusive');
  if (lock === undefined) return false;
  const path = join(engine.layout.cacheMounts, row.directory);
  const aside = `${path}.old-${process.pid}`;
  engine.db.removal((sql) => sql.run('DELETE FROM cache_mounts WHERE id = ?', id));
  crashPoint('cache-mount.row-removed');
  try {
    renameSync(path, aside);
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'ENOENT') throw e;
  }
  removeTree(aside);
  return true;
}

/** Removes what processes that are gone left of cache mounts: half made, half removed, or without a record. */
function sweepMounts(engine: Engine): void {
  const folder = engine.layout.cacheMounts;
  const known = new Set(
    engine.db.read((sql) => sql.all<{ directory: string }>('SELECT directory FROM cache_mounts')).map((r) => r.directory),
  );
  for (const name of readdirSync(folder)) {
    const [, directory = name, pid] = /^(.*)\.(?:new|old)-(\d+)$/.exec(name) ?? [];
    if (pid === undefined ? known.has(name) : processStartTime(Number(pid)) !== undefined) continue;
    // whoever has it, or creates it, holds its lock
    using lock = FileLock.tryAcquire(join(engine.layout.locks, `cache-${directory}`), 'exclusive');
    if (lock !== undefined) removeTree(join(folder, name));
  }
}

const isYes = (values: readonly string[], fact: boolean): boolean =>
  values.some((v) => (v === '' || v === 'true' || v === '1' ? fact : !fact));

const MATCHERS: Readonly<Record<string, (e: CacheEntry, values: readonly string[]) => boolean>> = {
  id: (e, values) => values.some((v) => e.id.startsWith(v)),
  type: (e, values) => values.includes(e.type),
  description: (e, values) => values.some((v) => e.description.includes(v)),
  project: (e, values) => values.some((v) => e.project !== undefined && isProject(e.project, v)),
  shared: (e, values) => isYes(values, e.shared),
  private: (e, values) => isYes(values, !e.shared),
  inuse: (e, values) => isYes(values, e.inUse),
};

/** Throws invalid-argument 'cache.filter' for a key that there is not. */
export function checkCacheFilter({ match }: CacheFilter): void {
  for (const key of match?.keys() ?? []) {
    if (Object.hasOwn(MATCHERS, key)) continue;
    throw new SlipwayError('invalid-argument', 'cache.filter', `invalid filter '${key}'`, {
      hints: [`filters are until, unused-for, ${Object.keys(MATCHERS).join(', ')}`],
    });
  }
}

/** Whether a filter, which was checked, means an entry. */
export function matchesCache(e: CacheEntry, { match, until }: CacheFilter): boolean {
  if (until !== undefined && e.usedAt >= until) return false;
  return [...(match ?? [])].every(([key, values]) => MATCHERS[key]?.(e, values) ?? false);
}

/**
 * Keeps the cache within its bound after a build: what is set, or a tenth of the file system. Looks only now and then, by one
 * process at a time; caches of programs may hold a million files, so that other work goes on while they are measured.
 */
export async function boundCache(engine: Engine, signal: AbortSignal): Promise<void> {
  const now = engine.now();
  const due = engine.db.read((sql) => sql.get<{ value: string }>("SELECT value FROM meta WHERE key = 'cache-bounded'"));
  if (due !== undefined && now - Number(due.value) < BOUND_INTERVAL) return;
  using lock = FileLock.tryAcquire(join(engine.layout.locks, 'bound'), 'exclusive', { remove: true });
  if (lock === undefined) return;
  engine.db.transaction((sql) =>
    sql.run(
      "INSERT INTO meta (key, value) VALUES ('cache-bounded', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      String(now),
    ),
  );
  const keep = engine.cacheLimit ?? defaultLimit(engine.layout.root);
  const mounts = engine.db.read((sql) => sql.all<{ directory: string }>('SELECT directory FROM cache_mounts'));
  const sizes = new Map<string, number>();
  for (const { directory } of mounts) sizes.set(directory, await treeSizeBeside(join(engine.layout.cacheMounts, directory), signal));
  const size = cacheEntries(engine, sizes).reduce((n, e) => n + e.size, 0);
  if (size > keep) pruneBuilder(engine, { all: true, most: keep }, sizes);
}

function defaultLimit(root: string): number {
  const { blocks, bsize } = statfsSync(root);
  return blocks * bsize * DEFAULT_SHARE;
}

/** A short name for an entry, as lists show it. */
export const entryId = (e: CacheEntry): string => (e.type === 'regular' ? e.id.slice(0, 25) : sha256Hex(e.id).slice(0, 25));
