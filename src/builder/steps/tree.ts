// A file system copied into a folder of the user's: `--output type=local`.
import { lstatSync, readdirSync } from 'node:fs';
import { lutimesNs } from '../../sys/index.ts';
import type { Mount } from '../../snapshot/index.ts';
import type { Layout } from '../../store/index.ts';
import { copyStep } from './copy.ts';
import { openRootfs } from './rootfs.ts';

/**
 * Copies all files of a snapshot's view to `dest`, as the user's own, onto what is there. Links in `dest` do not lead out of it.
 *
 * @param time seconds since the epoch, of everything that was copied
 */
export async function copyTree(layout: Layout, view: readonly Mount[], dest: string, now: number, time?: number): Promise<void> {
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
  if (time !== undefined) setTimes(source.path, dest, BigInt(time) * 1_000_000_000n);
}

/** A folder after what is in it, whose times would change it. */
function setTimes(from: string, to: string, ns: bigint): void {
  for (const name of readdirSync(from)) {
    const path = `${to}/${name}`;
    if (lstatSync(`${from}/${name}`).isDirectory() && lstatSync(path, { throwIfNoEntry: false })?.isDirectory())
      setTimes(`${from}/${name}`, path, ns);
    lutimesNs(path, ns, ns);
  }
}
