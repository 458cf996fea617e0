// What a container has changed of its image: what `diff` lists, and what `commit` makes a layer of. The places at which the runtime mounts
// files of its own are left in a container's layer, and are no change of anybody's.
import { basename, dirname } from 'node:path';
import { type TarEntry, type TarHandler, TarParser, WHITEOUT_META_PREFIX, WHITEOUT_PREFIX } from '../archive/index.ts';
import { type ActiveSnapshot, type Holder, withMounted } from '../snapshot/index.ts';
import { RootedTree } from '../sys/index.ts';
import type { ContainerManager } from './manager.ts';
import { MTAB } from './marks.ts';
import type { Container } from './types.ts';

export interface FileChange {
  readonly kind: 'added' | 'changed' | 'deleted';
  readonly path: string;
}

const PLACES = /^(?:\.dockerenv|etc\/(?:hosts|hostname|resolv\.conf)|sbin\/docker-init|(?:proc|sys|dev)(?:\/.*)?)$/;

/** A mount point that was made for the runtime: an empty file, or a folder. */
function isPlace(c: Container, e: TarEntry): boolean {
  const path = pathOf(e);
  if (path === MTAB.path) return e.type === 'symlink' && e.link === MTAB.link;
  if (!PLACES.test(path)) return false;
  return (path === 'sbin/docker-init' ? c.request.init === true : true) && (e.type === 'dir' || (e.type === 'file' && e.size === 0));
}

const pathOf = (e: TarEntry): string => e.path.replace(/\/+$/, '');

/** By path. Of a container that runs, some of what it does meanwhile may be told already. */
export function changesOf({ parts }: ContainerManager, c: Container): FileChange[] {
  const { layout, snapshots } = parts;
  const entries: TarEntry[] = [];
  const parser = new TarParser({ entry: (e) => void entries.push({ ...e }), data: () => {}, end: () => {} });
  snapshots.diff(c.snapshotId, (chunk) => parser.write(chunk));
  parser.finish();
  const parent = snapshots.get(c.snapshotId)?.parentId ?? null;
  const compare = (base: RootedTree | undefined): FileChange[] => compared(c, entries, base);
  if (parent === null) return compare(undefined);
  return withMounted(layout, snapshots.view(parent), (root) => {
    using base = new RootedTree(root);
    return compare(base);
  });
}

function compared(c: Container, entries: readonly TarEntry[], base: RootedTree | undefined): FileChange[] {
  const passed = new Set(entries.filter((e) => isPlace(c, e)).map((e) => dirname(pathOf(e))));
  const changes: FileChange[] = [];
  for (const e of entries) {
    const path = pathOf(e);
    const [above, name] = [dirname(path), basename(path)];
    if (isPlace(c, e) || name.startsWith(WHITEOUT_META_PREFIX)) continue;
    if (name.startsWith(WHITEOUT_PREFIX)) {
      changes.push({ kind: 'deleted', path: `/${above === '.' ? '' : `${above}/`}${name.slice(WHITEOUT_PREFIX.length)}` });
      continue;
    }
    const before = base?.stat(path);
    // only a mount point was made in it
    const untouched =
      e.type === 'dir' && passed.has(path) && before?.isDirectory() === true && (before.mode & 0o7777) === e.mode && before.uid === e.uid;
    const full = entries.some((other) => !isPlace(c, other) && dirname(pathOf(other)) === path);
    if (untouched && !full) continue;
    changes.push({ kind: before === undefined ? 'added' : 'changed', path: `/${path}` });
  }
  return changes.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** A new snapshot on what the container's is based on, with what it has changed. The holder keeps it. */
export function copyOfChanges({ parts: { snapshots } }: ContainerManager, c: Container, holder: Holder): ActiveSnapshot {
  const copy = snapshots.prepare(snapshots.get(c.snapshotId)?.parentId ?? null, holder);
  const applier = snapshots.applier(copy.id);
  try {
    const parser = new TarParser(new Without(applier, (e) => isPlace(c, e)));
    snapshots.diff(c.snapshotId, (chunk) => parser.write(chunk));
    parser.finish();
    applier.finish();
    return copy;
  } catch (error) {
    applier.abort();
    snapshots.remove(copy.id);
    throw error;
  }
}

/** Hands on all entries but some. */
class Without implements TarHandler {
  readonly #to: TarHandler;
  readonly #isLeftOut: (entry: TarEntry) => boolean;
  #skipping = false;

  constructor(to: TarHandler, isLeftOut: (entry: TarEntry) => boolean) {
    this.#to = to;
    this.#isLeftOut = isLeftOut;
  }

  entry(entry: TarEntry): void {
    this.#skipping = this.#isLeftOut(entry);
    if (!this.#skipping) this.#to.entry(entry);
  }

  data(chunk: Buffer): void {
    if (!this.#skipping) this.#to.data(chunk);
  }

  end(): void {
    if (!this.#skipping) this.#to.end();
  }
}
