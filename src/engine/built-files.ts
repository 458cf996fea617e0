// What a frontend asks of a build that it has had done: a file, a folder or an entry of the files that came of it; and what a name of an image stands for.
import type { Stats } from 'node:fs';
import { closeSync, readSync } from 'node:fs';
import type { BuildJob } from '../builder/index.ts';
import { encodeJson, type Platform, SlipwayError } from '../model/index.ts';
import { withMounted } from '../snapshot/index.ts';
import { RootedTree } from '../sys/index.ts';
import { withCleanup } from '../util/index.ts';
import { build, type BuildEngine, withEnvironment } from './build.ts';
import type { Engine } from './engine.ts';
import { viewOf } from './outputs.ts';

/** Bytes of a file that are given at once: a message has 16 MiB. */
const LARGEST = 12 << 20;
const MOST_ENTRIES = 50_000;

export type FilesWish =
  | { readonly what: 'file'; readonly path: string; readonly offset?: number; readonly length?: number }
  | { readonly what: 'folder' | 'entry'; readonly path: string };

export interface BuiltEntry {
  /** The name; of one that is asked for itself, the last word of its path. */
  readonly name: string;
  readonly type: 'file' | 'dir' | 'symlink' | 'fifo' | 'char' | 'block' | 'socket';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Nanoseconds since the epoch, as text. */
  readonly modified: string;
  readonly link?: string;
}

export interface BuiltFiles {
  /** base64 */
  readonly data?: string;
  readonly entries?: readonly BuiltEntry[];
}

/** Builds, which the cache makes short, and reads of the files. @throws SlipwayError not-found `files.missing`; as a build does */
export async function readBuilt(engine: Engine, which: BuildEngine, job: BuildJob, wish: FilesWish): Promise<BuiltFiles> {
  const before = new Set(engine.images.list({ all: true }).map((i) => i.id));
  const lease = engine.leases.create();
  const made: { id?: Parameters<typeof engine.images.removeUnused>[0] } = {};
  return await withCleanup(
    async () => {
      const { image } = (await build(engine, which, { ...job, tags: [] }, undefined, lease)).result;
      made.id = image.id;
      const view = await viewOf(engine, image, lease);
      return withMounted(engine.layout, view, (root) => {
        using tree = new RootedTree(root);
        return read(tree, wish);
      });
    },
    () => lease.release(),
    () => {
      if (made.id !== undefined && !before.has(made.id)) engine.images.removeUnused(made.id);
    },
  );
}

const missing = (path: string): SlipwayError => new SlipwayError('not-found', 'files.missing', `${path}: no such file or directory`);

function read(tree: RootedTree, wish: FilesWish): BuiltFiles {
  const { path } = wish;
  try {
    switch (wish.what) {
      case 'file':
        return { data: bytesOf(tree, wish).toString('base64') };
      case 'entry': {
        const at = tree.locate(path, true);
        const stats = tree.stat(at);
        if (stats === undefined) throw missing(path);
        return { entries: [entryOf(tree, at, at.split('/').at(-1) ?? '', stats)] };
      }
      case 'folder': {
        const at = tree.locate(path);
        if (tree.stat(at)?.isDirectory() !== true) throw missing(path);
        using folder = tree.directory(at);
        const names = folder.list();
        if (names.length > MOST_ENTRIES) throw new SlipwayError('no-space', 'files.many', `${path} has more than ${MOST_ENTRIES} entries`);
        return {
          entries: names.sort().flatMap((name) => {
            const stats = folder.stat(name);
            return stats === undefined ? [] : [entryOf(tree, at === '' ? name : `${at}/${name}`, name, stats)];
          }),
        };
      }
      default:
        return wish satisfies never;
    }
  } catch (e) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes((e as NodeJS.ErrnoException).code ?? '')) throw missing(path);
    throw e;
  }
}

function bytesOf(tree: RootedTree, { path, offset = 0, length }: Extract<FilesWish, { what: 'file' }>): Buffer {
  const stats = tree.stat(tree.locate(path));
  if (stats?.isFile() !== true) throw missing(path);
  const wanted = Math.max(0, Math.min(length ?? Infinity, stats.size - offset));
  if (wanted > LARGEST)
    throw new SlipwayError('no-space', 'files.large', `${path} has ${wanted} bytes: read it in pieces of at most ${LARGEST}`);
  const data = Buffer.alloc(wanted);
  const fd = tree.openFile(path);
  using undo = new DisposableStack();
  undo.defer(() => closeSync(fd));
  let at = 0;
  for (let n = 1; at < wanted && n > 0; at += n) n = readSync(fd, data, at, wanted - at, offset + at);
  return data.subarray(0, at);
}

function entryOf(tree: RootedTree, path: string, name: string, s: Stats): BuiltEntry {
  const type = s.isDirectory()
    ? 'dir'
    : s.isSymbolicLink()
      ? 'symlink'
      : s.isFIFO()
        ? 'fifo'
        : s.isCharacterDevice()
          ? 'char'
          : s.isBlockDevice()
            ? 'block'
            : s.isSocket()
              ? 'socket'
              : 'file';
  return {
    name,
    type,
    mode: s.mode & 0o7777,
    uid: s.uid,
    gid: s.gid,
    size: type === 'file' ? s.size : 0,
    modified: String(BigInt(Math.trunc(s.mtimeMs)) * 1_000_000n),
    ...(type === 'symlink' && { link: tree.readLink(path) ?? '' }),
  };
}

export interface NamedImage {
  readonly digest: string;
  /** JSON. */
  readonly config: string;
}

/** What a name stands for, here or at its registry. @throws SlipwayError `image.cannot-be-pulled` */
export async function imageConfig(engine: Engine, job: BuildJob, ref: string, platform: Platform | undefined): Promise<NamedImage> {
  return await withEnvironment(engine, job, {}, async (env) => {
    const base = await env.resolveBase(ref, { ...(platform && { platform }), pull: job.pull, signal: job.signal });
    return { digest: base.manifestDigest ?? base.id, config: encodeJson(base.config).toString() };
  });
}
