// WORKDIR: the directory it names exists afterwards.
import { chownSync, utimesSync } from 'node:fs';
import { SlipwayError } from '../../model/index.ts';
import { RootedTree } from '../../sys/index.ts';
import { resolveOwner } from './owner.ts';
import type { Rootfs } from './types.ts';
import { withoutUmask } from './umask.ts';
import { join } from './words.ts';

export interface WorkdirOptions {
  /** The graph engine gives the directories it makes to the stage's user; the original engine to root. */
  readonly user?: string;
  readonly style: 'graph' | 'classic';
  /** ms, for the times of the directories. */
  readonly now: number;
  /** ms, of the directory itself when it is created, and not of those above it. */
  readonly time?: number;
}

/** Makes the directory `path` (absolute) and those above it; what is there stays as it is. Returns whether anything was made. */
export function workdirStep(rootfs: Rootfs, path: string, options: WorkdirOptions): boolean {
  using tree = new RootedTree(rootfs.path);
  const inside = tree.locate(path);
  if (tree.stat(inside)?.isDirectory()) return false;
  const made: string[] = [];
  try {
    const owner = options.style === 'graph' && options.user ? resolveOwner(tree, options.user, 'graph') : { uid: 0, gid: 0 };
    withoutUmask(() =>
      tree.makeDirectories(inside, 0o755, (parent, name) => {
        // below a set-group-ID directory the original engine takes the group of nobody but root (chown after mkdir)
        if (options.style === 'classic' || options.user) chownSync(parent.at(name), owner.uid, owner.gid);
        made.push(join(parent.inside, name));
      }),
    ).close();
    made.reverse().forEach((at, i) => {
      using directory = tree.directory(at);
      const time = (i === 0 ? (options.time ?? options.now) : options.now) / 1000;
      utimesSync(directory.self, time, time);
    });
  } catch (e) {
    const error = e as NodeJS.ErrnoException;
    if (error.code !== 'ENOTDIR') throw e;
    const message = options.style === 'graph' ? `mkdir ${error.path}: not a directory` : `Cannot mkdir: ${error.path} is not a directory`;
    throw new SlipwayError('failed-precondition', 'workdir.not-a-directory', message, { cause: e });
  }
  return made.length > 0;
}
