// The file system of a container as its programs see it, volumes included, whether it runs or not. What is done with it is synchronous.
import { closeSync, statSync } from 'node:fs';
import { SlipwayError } from '../model/index.ts';
import { withMounted } from '../snapshot/index.ts';
import { mount, MountFlag, O_PATH, RootedTree, unmount, UmountFlag } from '../sys/index.ts';
import { withCleanupSync } from '../util/index.ts';
import type { ContainerManager } from './manager.ts';
import { isAlive } from './transitions.ts';
import type { Container, MountPoint } from './types.ts';

export interface ContainerFiles {
  /** A path of this process that is its root. */
  readonly root: string;
  readonly tree: RootedTree;
  /** Whether a path (links followed, relative to the root) is one of the machine rather than of the container: its /proc, /sys and /dev. */
  isMachine(inside: string): boolean;
}

/** Calls `fn` with the files of a container; `writing` when it will change them. */
export async function withFiles<T>(
  manager: ContainerManager,
  container: Container,
  o: { readonly writing: boolean },
  fn: (files: ContainerFiles) => T,
): Promise<T> {
  const c = await manager.started(container);
  if (!(isAlive(c) && c.state.pid > 0)) for (const m of c.mounts) if (m.type === 'volume') await manager.volumes.mount(c, m);
  const isMachine = (inside: string): boolean => /^(?:proc|sys|dev)(?:\/|$)/.test(inside) && mountAt(c, inside) === undefined;
  const within = (root: string): T => {
    using tree = new RootedTree(root);
    return fn({ root, tree, isMachine });
  };
  const result = isAlive(c) && c.state.pid > 0 ? within(`/proc/${c.state.pid}/root`) : besideMounts(manager, c, o, within);
  manager.records.note(c, o.writing ? 'extract-to-dir' : 'archive-path');
  return result;
}

function besideMounts<T>(manager: ContainerManager, c: Container, o: { readonly writing: boolean }, within: (root: string) => T): T {
  const { layout, snapshots } = manager.parts;
  const mounts = o.writing ? snapshots.mounts(c.snapshotId) : snapshots.view(c.snapshotId);
  return withMounted(layout, mounts, (root) => {
    const bound: string[] = [];
    return withCleanupSync(
      () => {
        for (const m of c.mounts.toSorted((a, b) => a.destination.length - b.destination.length)) bindInto(root, m, bound);
        return within(root);
      },
      () => {
        for (const place of bound.reverse()) unmount(place, UmountFlag.MNT_DETACH);
      },
    );
  });
}

/** A place that is not there yet has nothing in it that could be read. */
function bindInto(root: string, m: MountPoint, bound: string[]): void {
  if (m.type === 'tmpfs' || statSync(m.source, { throwIfNoEntry: false }) === undefined) return;
  using tree = new RootedTree(root);
  const inside = tree.locate(m.destination);
  if (tree.stat(inside) === undefined) return;
  const fd = tree.open(inside, O_PATH);
  try {
    mount(m.source, `/proc/self/fd/${fd}`, 'none', MountFlag.MS_BIND);
  } finally {
    closeSync(fd);
  }
  bound.push(`${root}/${inside}`);
}

/** What is mounted at, or above, a path of the container. */
function mountAt(c: Container, inside: string): MountPoint | undefined {
  const path = `/${inside}`;
  return c.mounts
    .filter((m) => path === m.destination || path.startsWith(`${m.destination.replace(/\/+$/, '')}/`))
    .toSorted((a, b) => b.destination.length - a.destination.length)[0];
}

/** @throws SlipwayError failed-precondition `container.readonly`, `container.volume-not-filled` where nothing may be written */
export function refuseReadonly(c: Container, inside: string): void {
  const refuse = (code: string, message: string): SlipwayError => new SlipwayError('failed-precondition', code, message);
  const m = mountAt(c, inside);
  if (m === undefined && c.request.readonlyRootfs) throw refuse('container.readonly', 'container rootfs is marked read-only');
  if (m?.readonly === true) throw refuse('container.readonly', 'mounted volume is marked read-only');
  if (m?.type === 'volume' && c.state.startedAt === undefined && m.noCopy !== true)
    throw refuse(
      'container.volume-not-filled',
      `${m.destination} is filled from the image when container ${c.name} starts: start it first`,
    );
}
