// File systems that a step changes: a snapshot upon each, which stays when the step has succeeded.
import type { Lease } from '../../content/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { throwAfter } from '../../util/index.ts';
import type { Result } from '../result.ts';
import { type MountedRootfs, openRootfs } from '../steps/index.ts';
import type { BuildEnvironment } from '../types.ts';

/** The snapshot that a step or an operation stands on. @throws SlipwayError unsupported `build.base` for a folder of the user's */
export function snapshotOf(below: Result | undefined): number | null {
  if (below?.kind === 'directory')
    throw new SlipwayError('unsupported', 'build.base', 'a step cannot change a build context itself', {
      hints: ['copy it first: a file operation with a copy of / on an empty file system'],
    });
  return below?.id ?? null;
}

/** Lets a step change file systems. Those of which it says that it changed nothing are what they were before. */
export async function changing(
  { snapshots, layout, now }: BuildEnvironment,
  lease: Lease,
  below: readonly (Result | undefined)[],
  step: (rootfs: readonly MountedRootfs[]) => Promise<readonly boolean[]> | readonly boolean[],
): Promise<Result[]> {
  const parents = below.map(snapshotOf);
  const started = now();
  const active: number[] = [];
  try {
    let changed: readonly boolean[];
    {
      using mounted = new DisposableStack();
      const rootfs = parents.map((parent) => {
        const { id, upper } = snapshots.prepare(parent, lease);
        active.push(id);
        return mounted.use(openRootfs(layout, snapshots.mounts(id), upper, snapshots.pack && ((graft) => snapshots.pack?.(id, graft))));
      });
      changed = await step(rootfs);
    }
    return active.map((id, i): Result => {
      if (changed[i]) snapshots.commit(id, lease);
      else snapshots.remove(id);
      const createdAt = now();
      return { kind: 'snapshot', id: changed[i] ? id : (parents[i] as number | null), createdAt, ms: createdAt - started };
    });
  } catch (e) {
    throwAfter(e, ...active.map((id) => () => snapshots.remove(id)));
  }
}
