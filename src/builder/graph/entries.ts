// File actions other than copies, as the steps that carry them out.
import type { FileAction } from '../../graph/index.ts';
import { makeDirectory, makeFile, makeSymlink, removeEntries, type Rootfs, workdirStep } from '../steps/index.ts';

/** @param now ms since the epoch */
export function changeEntry(rootfs: Rootfs, a: Exclude<FileAction, { action: 'copy' }>, now: number): void {
  switch (a.action) {
    case 'mkdir': {
      const time = timeOf(a, now);
      if (a.mode === undefined && a.parents !== false)
        workdirStep(rootfs, a.path, { style: 'graph', now, time, ...(a.user !== '' && { user: a.user }) });
      else makeDirectory(rootfs, { path: a.path, owner: a.user, time, mode: a.mode ?? 0o755, parents: a.parents !== false });
      return;
    }
    case 'mkfile':
      return makeFile(rootfs, { ...a, data: Buffer.from(a.data, 'base64'), time: timeOf(a, now) });
    case 'symlink':
      return makeSymlink(rootfs, { ...a, time: timeOf(a, now) });
    case 'rm':
      return removeEntries(rootfs, a);
    default:
      return a satisfies never;
  }
}

const timeOf = (a: { readonly time?: number }, now: number): number => (a.time === undefined ? now : a.time * 1000);
