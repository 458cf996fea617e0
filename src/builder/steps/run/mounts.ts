// The mounts of one RUN: what each kind asks of the host before the command starts, as mounts of an OCI configuration.
import { chmodSync, chownSync, closeSync, constants, copyFileSync, mkdirSync, type Stats, utimesSync } from 'node:fs';
import { posix } from 'node:path';
import { SlipwayError } from '../../../model/index.ts';
import { type Directory, mknod, RootedTree } from '../../../sys/index.ts';
import type { SpecMount } from '../../../runtime/index.ts';
import { copyStep } from '../copy.ts';
import { Selection } from '../selection.ts';
import { literalPattern } from '../sources.ts';
import { join } from '../words.ts';
import type { PathFilter, RunMount, RunRequest, StepEnvironment } from '../types.ts';
import { borrowCaches, shownFolder } from './caches.ts';
import type { Scratch } from './scratch.ts';
import { serveAgent } from './ssh.ts';

export interface PreparedMounts {
  readonly mounts: readonly SpecMount[];
  readonly env: readonly string[];
  /** Whether a variable holds a secret: then the specification does too. */
  readonly secret: boolean;
}

/** Makes everything ready; what must be undone is registered with `scratch`. Throws 'run.*' errors in BuildKit's words. */
export async function prepareMounts(env: StepEnvironment, request: RunRequest, scratch: Scratch): Promise<PreparedMounts> {
  const mounts: SpecMount[] = [];
  const variables: string[] = [];
  const add = (mount: SpecMount): void => void mounts.push(mount);
  let agents = 0;
  const all = request.mounts ?? [];
  const caches = await borrowCaches(
    env,
    all.filter((m) => m.type === 'cache'),
    request,
  );
  scratch.onClose(() => caches.release());
  for (const mount of all) {
    const at = (target: string): string => posix.resolve(request.workdir, target);
    switch (mount.type) {
      case 'bind': {
        add(bind(await bindSource(env, mount, scratch), at(mount.target), mount.readonly));
        break;
      }
      case 'cache': {
        add(bind(cacheFolder(mount, caches.path(mount), scratch), at(mount.target), mount.readonly));
        break;
      }
      case 'host':
        add(bind(mount.source, mount.target, mount.readonly));
        break;
      case 'tmpfs':
        add({
          destination: at(mount.target),
          type: 'tmpfs',
          source: 'tmpfs',
          options: ['nosuid', ...(mount.size === undefined ? [] : [`size=${mount.size}`])],
        });
        break;
      case 'script':
        // run-time folders are often mounted without the right to execute
        add({
          ...bind(scratch.file('script', mount.content, 0o755), at(mount.target), true),
          options: ['rbind', 'ro', 'exec', 'rprivate'],
        });
        break;
      case 'secret': {
        const data = await secretData(mount, request);
        if (mount.env !== undefined) variables.push(`${mount.env}=${data === undefined ? '' : Buffer.from(data).toString('utf8')}`);
        if (data !== undefined && mount.target !== undefined) {
          add(bindSecret(scratch.secretFile(data, mount.mode ?? 0o400, mount.uid ?? 0, mount.gid ?? 0), at(mount.target)));
        }
        break;
      }
      case 'ssh': {
        const target = at(mount.target ?? `/run/buildkit/ssh_agent.${agents++}`);
        variables.push(`SSH_AUTH_SOCK=${target}`);
        const agent = await request.session?.ssh(mount.id);
        if (agent === undefined) {
          if (mount.required)
            throw new SlipwayError('not-found', 'run.no-ssh-agent', `unset ssh forward key ${mount.id}`, {
              hints: [`give it with --ssh ${mount.id}`],
            });
          break;
        }
        const socket = `${scratch.secretDirectory(0o755)}/agent`;
        scratch.onClose(await serveAgent(socket, agent, { mode: mount.mode ?? 0o600, uid: mount.uid ?? 0, gid: mount.gid ?? 0 }));
        add(bindSecret(socket, target));
        break;
      }
      default:
        mount satisfies never;
    }
  }
  const secret = request.mounts?.some((mount) => mount.type === 'secret' && mount.env !== undefined) === true;
  return { mounts, env: variables, secret };
}

const bind = (source: string, destination: string, readonly: boolean): SpecMount => ({
  destination,
  type: 'bind',
  source,
  options: ['rbind', readonly ? 'ro' : 'rw', 'rprivate'],
});

const bindSecret = (source: string, destination: string): SpecMount => ({
  destination,
  type: 'bind',
  source,
  options: ['rbind', 'ro', 'nosuid', 'nodev', 'noexec', 'rprivate'],
});

/** What a mount shows of its cache: all of it, or a folder that it must have. */
function cacheFolder(mount: Extract<RunMount, { type: 'cache' }>, path: string, scratch: Scratch): string {
  const folder = shownFolder(mount);
  return folder === undefined ? path : boundSource(path, folder, scratch);
}

function boundSource(root: string, source: string, scratch: Scratch): string {
  try {
    return scratch.bound(root, source);
  } catch (e) {
    throw ['ENOENT', 'ENOTDIR'].includes(errorCode(e)) ? noSource(source) : e;
  }
}

const noSource = (source: string): SlipwayError =>
  new SlipwayError('not-found', 'run.no-mount-source', `open /${source.replace(/^\/+/, '')}: no such file or directory`);

type BindMount = Extract<RunMount, { type: 'bind' }>;

async function bindSource(env: StepEnvironment, mount: BindMount, scratch: Scratch): Promise<string> {
  using tree = new RootedTree(mount.root);
  const inside = tree.locate(mount.source);
  const stat = tree.stat(inside);
  const hidden =
    inside !== '' &&
    mount.ignore !== undefined &&
    new Selection(mount.ignore, undefined).verdict(inside, '', stat?.isDirectory() ?? false) === 'no';
  if (!stat || hidden) throw noSource(mount.source);
  const bound = (): string => (inside === '' ? mount.root : boundSource(mount.root, inside, scratch));
  if (mount.kept === true) return bound();
  if (!stat.isDirectory()) {
    if (mount.readonly || !stat.isFile()) return bound();
    const copy = scratch.file('bind', '');
    const fd = tree.openFile(inside);
    try {
      copyFileSync(`/proc/self/fd/${fd}`, copy, constants.COPYFILE_FICLONE);
    } finally {
      closeSync(fd);
    }
    chownSync(copy, stat.uid, stat.gid);
    chmodSync(copy, stat.mode & 0o7777);
    return copy;
  }
  if (mount.readonly && !mount.ignore) return bound();
  if (env.snapshots.driver === 'copy') return copyOf(mount, inside, stat, scratch);
  const lowers = [inside === '' ? scratch.plainName(mount.root) : bound()];
  if (mount.ignore) {
    using directory = tree.directory(inside);
    lowers.unshift(maskOf(directory, mount.ignore, scratch));
  }
  return scratch.overlay(lowers, !mount.readonly);
}

/** Where no overlay can be mounted: what shows of a directory, copied. */
async function copyOf(mount: BindMount, inside: string, stat: Stats, scratch: Scratch): Promise<string> {
  const path = scratch.directory();
  await copyStep(
    { path },
    {
      instruction: 'COPY',
      style: 'graph',
      sources: [
        { root: mount.root, patterns: [`/${literalPattern(inside)}`], kind: 'stage', ...(mount.ignore && { ignore: mount.ignore }) },
      ],
      destination: '/',
      workdir: '/',
      now: Date.now(),
    },
  );
  chownSync(path, stat.uid, stat.gid);
  chmodSync(path, stat.mode & 0o7777);
  utimesSync(path, stat.atimeMs / 1000, stat.mtimeMs / 1000);
  return path;
}

/** A layer of whiteouts that hides what the context leaves out (kernel, filesystems/overlayfs.rst, "whiteouts and opaque directories"). */
function maskOf(source: Directory, ignore: PathFilter, scratch: Scratch): string {
  const selection = new Selection(ignore, undefined);
  const path = scratch.directory();
  using tree = new RootedTree(path);
  using top = tree.directory('');
  /** True when anything of `from` shows. `to` makes its counterpart when a whiteout has to go into it. */
  const walk = (from: Directory, to: () => Directory): boolean => {
    let any = false;
    for (const name of from.list()) {
      const stat = from.stat(name);
      if (stat === undefined) continue;
      const verdict = selection.verdict(join(from.inside, name), '', stat.isDirectory());
      let shows = verdict === 'yes';
      let made: Directory | undefined;
      if (stat.isDirectory() && verdict !== 'no') {
        using below = from.directory(name);
        const make = (): Directory => {
          if (made !== undefined) return made;
          const above = to();
          mkdirSync(above.at(name));
          chownSync(above.at(name), stat.uid, stat.gid);
          chmodSync(above.at(name), stat.mode & 0o7777);
          return (made = above.directory(name));
        };
        shows = walk(below, make) || shows;
      }
      if (shows) any = true;
      else if (made === undefined) mknod(to().at(name), constants.S_IFCHR, 0, 0);
      made?.close();
    }
    return any;
  };
  walk(source, () => top);
  return path;
}

const errorCode = (e: unknown): string => (e as NodeJS.ErrnoException).code ?? '';

async function secretData(
  mount: Extract<RunMount, { type: 'secret' }>,
  { session, signal }: Pick<RunRequest, 'session' | 'signal'>,
): Promise<Uint8Array | undefined> {
  const data = await session?.secret(mount.id, signal);
  if (data !== undefined) return data;
  if (mount.required)
    throw new SlipwayError('not-found', 'run.no-secret', `secret ${mount.id}: not found`, {
      hints: [`give it with --secret id=${mount.id},src=FILE`],
    });
  return undefined;
}
