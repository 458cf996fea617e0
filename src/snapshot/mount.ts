// Mounts what a snapshotter hands out. The caller lives in a private mount namespace (sys), so that nothing stays mounted
// when it dies. Everything is synchronous: below a mount no other thread of this process may look.
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { MAX_LAYERS, SlipwayError } from '../model/index.ts';
import { type Layout, ownedName } from '../store/index.ts';
import { mount, MountFlag, unmount, UmountFlag } from '../sys/index.ts';
import type { Mount } from './types.ts';
import { withCleanupSync } from '../util/index.ts';

/** mount(2) takes its options in one page. */
const LONGEST = 4000;

/** A path within the options of an overlay, where commas and colons are separators that the kernel unescapes. */
export const escaped = (path: string): string => path.replace(/[\\,:]/g, '\\$&');

/** The path that `escaped` was given. */
export const unescaped = (option: string): string => option.replace(/\\(.)/g, '$1');

/** Mounts one after another at `target`. @throws SlipwayError `snapshot.mount`, unsupported `snapshot.too-deep`. */
export function mountAll(mounts: readonly Mount[], target: string): void {
  for (const m of mounts) {
    checkDepth(m);
    try {
      if (m.type === 'bind') bind(m, target);
      else overlay(m, target);
    } catch (e) {
      const { code } = e as NodeJS.ErrnoException;
      throw new SlipwayError(
        code === 'EPERM' ? 'permission-denied' : 'failed-precondition',
        'snapshot.mount',
        `cannot mount a file system of type ${m.type} at ${target}: ${code ?? String(e)}`,
        {
          hints:
            code === 'EPERM'
              ? ['mounting needs root']
              : ['a store cannot lie on an overlay file system: choose another folder with SLIPWAY_ROOT'],
          cause: e,
        },
      );
    }
  }
}

/** More layers than one overlay takes (Linux, OVL_MAX_STACK) fail as an invalid argument, which says nothing. */
function checkDepth(m: Mount): void {
  const lowers = m.options.find((o) => o.startsWith('lowerdir='))?.split(':').length ?? 0;
  if (lowers > MAX_LAYERS)
    throw new SlipwayError('unsupported', 'snapshot.too-deep', `max depth exceeded: ${lowers} layers lie upon each other`, {
      hints: [`there can be ${MAX_LAYERS}: join some RUN or COPY instructions`],
    });
}

export function unmountAll(target: string): void {
  unmount(target, UmountFlag.MNT_DETACH);
}

/** Mounts below `layout.mounts` for as long as `fn` runs, which is synchronous. */
export function withMounted<T>(layout: Layout, mounts: readonly Mount[], fn: (path: string) => T): T {
  const target = join(layout.mounts, ownedName(layout.root));
  mkdirSync(target, { mode: 0o700 });
  const work = (): T => {
    mountAll(mounts, target);
    return withCleanupSync(
      () => fn(target),
      () => {
        if (mounts.length > 0) unmountAll(target);
      },
    );
  };
  return withCleanupSync(work, () => rmdirSync(target));
}

function bind(m: Mount, target: string): void {
  mkdirSync(target, { recursive: true });
  mount(m.source, target, 'none', MountFlag.MS_BIND);
  if (m.options.includes('ro')) mount('none', target, 'none', MountFlag.MS_BIND | MountFlag.MS_REMOUNT | MountFlag.MS_RDONLY);
}

function overlay(m: Mount, target: string): void {
  const flags = m.options.includes('ro') ? MountFlag.MS_RDONLY : 0;
  const data = m.options.filter((o) => o !== 'ro' && o !== 'rw').join(',');
  if (data.length <= LONGEST) return mount(m.source, target, 'overlay', flags, data);
  // Hundreds of lower directories: named relative to the folder that all of them are in, they fit.
  const folder = /^lowerdir=((?:[^:\\]|\\.)*)\/\d+\/fs(?::|$)/.exec(m.options.find((o) => o.startsWith('lowerdir=')) ?? '')?.[1] ?? '';
  const before = process.cwd();
  process.chdir(unescaped(folder));
  try {
    mount(m.source, target, 'overlay', flags, data.replaceAll(`${folder}/`, ''));
  } finally {
    process.chdir(before);
  }
}
