// A file system copied into a folder of the user's: `--output type=local`.
import type { Mount } from '../../snapshot/index.ts';
import type { Layout } from '../../store/index.ts';
import { copyStep } from './copy.ts';
import { openRootfs } from './rootfs.ts';

/** Copies all files of a snapshot's view to `dest`, as the user's own, onto what is there. Links in `dest` do not lead out of it. */
export async function copyTree(layout: Layout, view: readonly Mount[], dest: string, now: number): Promise<void> {
  using source = openRootfs(layout, view);
  await copyStep(
    { path: dest },
    {
      instruction: 'COPY',
      style: 'graph',
      sources: [{ root: source.path, patterns: ['/'], kind: 'stage' }],
      destination: '/',
      workdir: '/',
      chown: `${process.geteuid!()}:${process.getegid!()}`,
      now,
    },
  );
}
