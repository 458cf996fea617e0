// The mounts of one RUN: what each kind asks of the host before the command starts, as mounts of an OCI configuration.
import {
  chmodSync,
  chownSync,
  constants,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  type Stats,
  utimesSync,
} from 'node:fs';
import { posix } from 'node:path';
import { SlipwayError } from '../../../model/index.ts';
import { mknod } from '../../../sys/index.ts';
import type { SpecMount } from '../../../runtime/index.ts';
import { copyStep } from '../copy.ts';
import { lstatOrNone, resolveInside } from '../inside.ts';
import { join, Selection } from '../selection.ts';
import { literalPattern } from '../sources.ts';
import type { PathFilter, RunMount, RunRequest, StepEnvironment } from '../types.ts';
import { borrowCache } from './caches.ts';
import type { Scratch } from './scratch.ts';
import { forwardAgent } from './ssh.ts';

export interface PreparedMounts {
  readonly mounts: readonly SpecMount[];
  readonly env: readonly string[];
  /** Whether a variable holds a secret: then the specification does too. */
  readonly secret: boolean;
  /** Targets with what they need in the root file system. */
  readonly points: readonly { readonly target: string; readonly directory: boolean }[];
}

/** Makes everything ready; what must be undone is registered with `scratch`. Throws 'run.*' errors in BuildKit's words. */
export async function prepareMounts(env: StepEnvironment, request: RunRequest, scratch: Scratch): Promise<PreparedMounts> {
  const mounts: SpecMount[] = [];
  const variables: string[] = [];
  const points: { target: string; directory: boolean }[] = [];
  const add = (mount: SpecMount, directory: boolean): void => {
    mounts.push(mount);
    points.push({ target: mount.destination, directory });
  };
  let agents = 0;
  for (const mount of request.mounts ?? []) {
    const at = (target: string): string => posix.resolve(request.workdir, target);
    switch (mount.type) {
      case 'bind': {
        const { source, directory } = await bindSource(env, mount, scratch);
        add(bind(source, at(mount.target), mount.readonly), directory);
        break;
      }
      case 'cache': {
        const cache = await borrowCache(env, mount, request.signal);
        scratch.onClose(() => cache.release());
        add(bind(cache.path, at(mount.target), mount.readonly), true);
        break;
      }
      case 'tmpfs':
        add(
          {
            destination: at(mount.target),
            type: 'tmpfs',
            source: 'tmpfs',
            options: ['nosuid', ...(mount.size === undefined ? [] : [`size=${mount.size}`])],
          },
          true,
        );
        break;
      case 'secret': {
        const data = secretData(mount);
        if (mount.env !== undefined) variables.push(`${mount.env}=${data === undefined ? '' : Buffer.from(data).toString('utf8')}`);
        if (data !== undefined && mount.target !== undefined) {
          add(bindSecret(scratch.secretFile(data, mount.mode ?? 0o400, mount.uid ?? 0, mount.gid ?? 0), at(mount.target)), false);
        }
        break;
      }
      case 'ssh': {
        if (mount.socket === undefined) {
          if (mount.required)
            throw new SlipwayError('not-found', 'run.no-ssh-agent', `unset ssh forward key ${mount.id}`, {
              hints: [`give it with --ssh ${mount.id}`],
            });
          break;
        }
        const target = at(mount.target ?? `/run/buildkit/ssh_agent.${agents++}`);
        const socket = `${scratch.secretDirectory(0o755)}/agent`;
        scratch.onClose(await forwardAgent(socket, mount.socket, { mode: mount.mode ?? 0o600, uid: mount.uid ?? 0, gid: mount.gid ?? 0 }));
        variables.push(`SSH_AUTH_SOCK=${target}`);
        add(bindSecret(socket, target), false);
        break;
      }
      default:
        mount satisfies never;
    }
  }
  const secret = request.mounts?.some((mount) => mount.type === 'secret' && mount.env !== undefined) === true;
  return { mounts, env: variables, secret, points };
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

type BindMount = Extract<RunMount, { type: 'bind' }>;

async function bindSource(env: StepEnvironment, mount: BindMount, scratch: Scratch): Promise<{ source: string; directory: boolean }> {
  const path = resolveInside(mount.root, mount.source);
  const stat = lstatOrNone(path);
  const inside = path === mount.root ? '' : path.slice(mount.root.length + 1);
  const hidden =
    inside !== '' &&
    mount.ignore !== undefined &&
    new Selection(mount.ignore, undefined).verdict(inside, '', stat?.isDirectory() ?? false) === 'no';
  if (!stat || hidden) {
    throw new SlipwayError('not-found', 'run.no-mount-source', `open /${mount.source.replace(/^\/+/, '')}: no such file or directory`);
  }
  if (!stat.isDirectory()) {
    if (mount.readonly) return { source: path, directory: false };
    const copy = scratch.file('bind', '');
    copyFileSync(path, copy, constants.COPYFILE_FICLONE);
    chownSync(copy, stat.uid, stat.gid);
    chmodSync(copy, stat.mode & 0o7777);
    return { source: copy, directory: false };
  }
  if (mount.readonly && !mount.ignore) return { source: path, directory: true };
  if (env.snapshots.driver === 'copy') return { source: await copyOf(mount, inside, stat, scratch), directory: true };
  const lowers = [scratch.plainName(path)];
  if (mount.ignore) lowers.unshift(maskOf(mount.root, inside, mount.ignore, scratch));
  return { source: scratch.overlay(lowers, !mount.readonly), directory: true };
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
function maskOf(root: string, inside: string, ignore: PathFilter, scratch: Scratch): string {
  const selection = new Selection(ignore, undefined);
  const top = scratch.directory();
  const made = new Set(['']);
  const make = (dir: string): void => {
    if (made.has(dir)) return;
    made.add(dir);
    make(posix.dirname(dir) === '.' ? '' : posix.dirname(dir));
    const stat = lstatSync(join(join(root, inside), dir));
    mkdirSync(`${top}/${dir}`);
    chownSync(`${top}/${dir}`, stat.uid, stat.gid);
    chmodSync(`${top}/${dir}`, stat.mode & 0o7777);
  };
  const walk = (dir: string): boolean => {
    let any = false;
    for (const entry of readdirSync(join(join(root, inside), dir), { withFileTypes: true })) {
      const path = join(dir, entry.name);
      const verdict = selection.verdict(join(inside, path), '', entry.isDirectory());
      let shows = verdict === 'yes';
      if (entry.isDirectory() && verdict !== 'no') shows = walk(path) || shows;
      if (shows) any = true;
      else {
        make(dir);
        if (made.has(path)) continue;
        mknod(`${top}/${path}`, constants.S_IFCHR, 0, 0);
      }
    }
    return any;
  };
  walk('');
  return top;
}

function readSecret(id: string, path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new SlipwayError('not-found', 'run.no-secret', `failed to read secret ${id}: open ${path}: no such file or directory`, { cause });
  }
}

function secretData(mount: Extract<RunMount, { type: 'secret' }>): Uint8Array | undefined {
  if (mount.source?.kind === 'value') return mount.source.data;
  if (mount.source) return readSecret(mount.id, mount.source.path);
  if (mount.required)
    throw new SlipwayError('not-found', 'run.no-secret', `secret ${mount.id}: not found`, {
      hints: [`give it with --secret id=${mount.id},src=FILE`],
    });
  return undefined;
}
