// Where mounts go in a root file system that nobody trusts. A runtime gets paths with nothing on them left to follow, and every
// place exists: some runtimes follow a link at a mount point, also out of the root file system.
import { statfsSync, statSync } from 'node:fs';
import { SlipwayError } from '../model/index.ts';
import { type Directory, type RootedTree, whyNoPath } from '../sys/index.ts';
import type { SpecMount } from './spec/oci.ts';

/** Runtimes work below these by name, before and after they mount them. */
const PLAIN = new Set(['/proc', '/sys', '/dev']);

/** Files of /proc that may be replaced, as LXCFS does. All else there is the kernel's word on the process: runtimes act upon it. */
const REPLACEABLE = new Set(
  ['cpuinfo', 'diskstats', 'meminfo', 'stat', 'swaps', 'uptime', 'loadavg', 'slabinfo', 'net/dev', 'sys/kernel/ns_last_pid'].map(
    (name) => `/proc/${name}`,
  ),
);
const PROC_SUPER_MAGIC = 0x9fa0; // statfs(2)

/**
 * The mounts with their destinations resolved inside `root`. `create` makes a name that is missing in an open directory.
 * @throws invalid-argument 'container.mount-point' where /proc, /sys or /dev is a link, and for what would stand for the kernel's /proc
 */
export function placeMounts(
  root: RootedTree,
  mounts: readonly SpecMount[],
  create: (parent: Directory, name: string, directory: boolean) => void,
): SpecMount[] {
  const covered: string[] = [];
  return mounts.map((mount) => {
    const wanted = mount.destination;
    const inside = locate(root, wanted);
    const destination = `/${inside}`;
    if (PLAIN.has(wanted) && destination !== wanted)
      throw new SlipwayError(
        'invalid-argument',
        'container.mount-point',
        `cannot mount ${mount.type} at ${wanted}: it must be an ordinary directory, and is a symbolic link of the image`,
      );
    checkProc(mount, destination);
    // what lies on another mount is created there, by the runtime
    if (!covered.some((outer) => destination.startsWith(`${outer}/`))) createMissing(root, inside, isDirectory(mount), create);
    covered.push(destination === '/' ? '' : destination);
    return destination === wanted ? mount : { ...mount, destination };
  });
}

function checkProc(mount: SpecMount, destination: string): void {
  const below = destination.startsWith('/proc/');
  if (below ? REPLACEABLE.has(destination) : destination !== '/proc' || mount.type === 'proc' || isProc(mount)) return;
  const why = below ? 'it is inside /proc' : 'it is not of type proc';
  throw new SlipwayError(
    'invalid-argument',
    'container.mount-point',
    `error mounting "${mount.source}" to rootfs at "${mount.destination}": "${destination}" cannot be mounted because ${why}`,
  );
}

const isProc = (mount: SpecMount): boolean => mount.type === 'bind' && statfsSync(mount.source).type === PROC_SUPER_MAGIC;

function locate(root: RootedTree, path: string): string {
  try {
    return root.locate(path);
  } catch (cause) {
    const reason = whyNoPath(cause);
    if (reason === undefined) throw cause;
    throw new SlipwayError('invalid-argument', 'container.mount-point', `cannot mount at ${path}: ${reason}`, { cause });
  }
}

function createMissing(
  root: RootedTree,
  inside: string,
  asDirectory: boolean,
  create: (parent: Directory, name: string, directory: boolean) => void,
): void {
  const { missing } = root.missing(inside);
  if (missing === 0) return;
  const words = inside.split('/');
  let parent: Directory;
  try {
    parent = root.directory(words.slice(0, words.length - missing).join('/'));
  } catch (e) {
    // a file in the way: the runtime says so in its own words
    if ((e as NodeJS.ErrnoException).code === 'ENOTDIR') return;
    throw e;
  }
  try {
    for (let n = words.length - missing; n < words.length; n++) {
      const name = words[n]!;
      create(parent, name, asDirectory || n < words.length - 1);
      if (n === words.length - 1) break;
      const next = parent.directory(name);
      parent.close();
      parent = next;
    }
  } finally {
    parent.close();
  }
}

function isDirectory(mount: SpecMount): boolean {
  return mount.type !== 'bind' || (statSync(mount.source, { throwIfNoEntry: false })?.isDirectory() ?? true);
}
