// From the flags of `build` to a build request.
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { type BuildEvent, type BuildJob, type NamedContext, openAgent, PathSession, type SecretSource } from '../../engine/index.ts';
import { contextNameKey, contextSource, openContext, openNamedContext } from '../../builder/index.ts';
import { isSlipwayError, parsePlatform, parseReference, SlipwayError, type SshAgent } from '../../model/index.ts';
import { withoutCredentials } from '../../remote/index.ts';
import { readStream, whyNotRead } from '../../sys/index.ts';
import { parseBytes } from '../../util/index.ts';
import type { Context, ParsedOptions } from '../command.ts';
import { streams } from '../containers.ts';
import { terminalEnds } from '../terminal-ends.ts';
import { platformsOf } from './delivery.ts';
import { configuredProxies } from '../user-config.ts';
import { addHost, agent, buildArgs, isTrue, labels, output, secret, ulimit } from './values.ts';

export interface OpenedRequest {
  readonly request: BuildJob;
  /** Removes what was fetched or unpacked for contexts, and ends agents that were started. */
  dispose(): Promise<void>;
}

/** @param scratch a folder for contexts that come as an archive or from elsewhere */
export async function openRequest(
  ctx: Context,
  o: ParsedOptions,
  path: string,
  which: 'graph' | 'classic',
  scratch: string,
  onEvent: (e: BuildEvent) => void,
  onDebug: (step: string, shell: readonly string[]) => void,
): Promise<OpenedRequest> {
  for (const t of o.list('tag')) checkTag(t, which);
  const file = o.string('file');
  const source = contextSource(path, ctx.cwd, () => ctx.stdin);
  const fromStdin = file === '-';
  if (fromStdin && source.kind === 'stream')
    throw new SlipwayError(
      'invalid-argument',
      'build.two-stdin',
      "invalid argument: can't use stdin for both build context and dockerfile",
    );
  const secrets = new Map<string, SecretSource>();
  for (const text of o.list('secret')) {
    const s = secret(text, ctx.env);
    const path = s.kind === 'file' ? resolve(ctx.cwd, s.path) : undefined;
    if (path !== undefined && s.kind === 'file' && !existsSync(path))
      throw new SlipwayError('not-found', 'flag.secret', `failed to stat ${s.path}: stat ${s.path}: no such file or directory`);
    secrets.set(s.id, path === undefined ? s : { kind: 'file', path });
  }
  const given = { ...configuredProxies(ctx.env), ...buildArgs(o.list('build-arg'), ctx.env) };
  // as buildx does: a Dockerfile that declares it sees the time that the image gets
  if (which === 'graph' && ctx.env['SOURCE_DATE_EPOCH']) given['SOURCE_DATE_EPOCH'] ??= ctx.env['SOURCE_DATE_EPOCH'];
  const environment = Object.fromEntries(Object.entries(ctx.env).filter((e): e is [string, string] => e[1] !== undefined));
  const keepGitDir = isTrue(given['BUILDKIT_CONTEXT_KEEP_GIT_DIR']);
  const agents = new Map<string, SshAgent>();
  const session = new PathSession({ secrets, agents });
  const opening = { cwd: ctx.cwd, scratch, signal: ctx.signal, elsewhere: { environment, session }, keepGitDir };
  await using undo = new AsyncDisposableStack();
  const context = undo.use(
    await openContext(source, {
      ...opening,
      ...(fromStdin ? { dockerfileText: await dockerfileOf(ctx.stdin) } : file !== undefined && { dockerfile: file }),
      wording: which,
    }),
  );
  const namedContexts = new Map<string, NamedContext>();
  for (const word of o.list('build-context')) {
    const eq = word.indexOf('=');
    if (eq < 1) throw new SlipwayError('invalid-argument', 'flag.build-context', `invalid context value: ${word}, expected key=value`);
    const name = contextNameKey(word.slice(0, eq));
    const named = await openNamedContext(name, word.slice(eq + 1), opening);
    if (named.kind === 'directory') undo.defer(() => named.dispose());
    namedContexts.set(name, named);
  }
  for (const text of o.list('ssh')) {
    const [id, paths] = agent(text, ctx.env, ctx.cwd);
    agents.set(id, await openAgent(paths, ctx.signal));
  }
  const platforms = platformsOf(ctx, o);
  const shm = o.string('shm-size');
  const epoch =
    o
      .list('build-arg')
      .findLast((a) => a.startsWith('SOURCE_DATE_EPOCH='))
      ?.slice(18) ??
    o.list('output').flatMap((text) => output(text).attributes['source-date-epoch'] ?? [])[0] ??
    ctx.env['SOURCE_DATE_EPOCH'];
  const date = sourceDate(epoch, o.bool('reproducible'));
  const rewrite = o.bool('reproducible') || o.list('output').some((text) => isTrue(output(text).attributes['rewrite-timestamp']));
  if (rewrite && date === undefined)
    throw new SlipwayError('invalid-argument', 'output.rewrite-timestamp', 'rewrite-timestamp needs SOURCE_DATE_EPOCH', {
      hints: ['--build-arg SOURCE_DATE_EPOCH=$(git log -1 --pretty=%ct), or --reproducible'],
    });
  const target = o.string('target');
  const jobs = o.number('jobs');
  if (jobs !== undefined && !(Number.isInteger(jobs) && jobs > 0))
    throw new SlipwayError('invalid-argument', 'flag.jobs', `invalid number of jobs: ${jobs}`, {
      hints: ['--jobs takes a whole number from 1'],
    });
  const request: BuildJob = {
    dockerfile: context.dockerfile(),
    context,
    environment,
    ...(target !== undefined && target !== '' && { target }),
    buildArgs: given,
    labels: labels(o.list('label')),
    tags: o.list('tag'),
    noCache: o.bool('no-cache'),
    noCacheFilter: o.list('no-cache-filter').flatMap((f) => f.split(',')),
    pull: o.bool('pull'),
    ...(jobs !== undefined && { jobs }),
    identity: identityOf(path, file, ctx.cwd),
    name: given['BUILDKIT_BUILD_NAME'] ?? nameOf(path, target, ctx.cwd),
    ...(platforms.length === 1 && platforms[0] !== undefined && { platform: parsePlatform(platforms[0]) }),
    network: networkMode(o.string('network') ?? 'default'),
    addHosts: o.list('add-host').map(addHost),
    ...(shm !== undefined && { shmSize: parseSize(shm) }),
    ulimits: o.list('ulimit').map(ulimit),
    secrets: [...secrets.keys()],
    ssh: [...agents.keys()],
    session,
    namedContexts,
    // asking for the host's network for all steps is allowing it, as in buildx
    allow: [
      ...o
        .list('allow')
        .flatMap((a) => a.split(','))
        .map(entitlement),
      ...(o.string('network') === 'host' ? ['network.host'] : []),
    ],
    classic: {
      rm: !o.has('rm') || o.bool('rm'),
      forceRm: o.bool('force-rm'),
      squash: o.bool('squash'),
      cacheFrom: which === 'classic' ? o.list('cache-from') : [],
    },
    ...(o.bool('debug') && {
      debug: { terminal: ctx.stdin.isTTY && ctx.stdout.isTTY ? terminalEnds(ctx) : undefined, streams: streams(ctx, true), begin: onDebug },
    }),
    ...(date !== undefined && { sourceDateEpoch: date }),
    ...(rewrite && { rewriteTimestamp: date ?? 0 }),
    signal: ctx.signal,
    onEvent,
  };
  const kept = undo.move();
  return { request, dispose: () => kept.disposeAsync() };
}

/** SOURCE_DATE_EPOCH: seconds since the epoch. */
function sourceDate(text: string | undefined, reproducible: boolean): number | undefined {
  if (text === undefined || text === '') return reproducible ? 0 : undefined;
  if (!/^\d{1,11}$/.test(text))
    throw new SlipwayError('invalid-argument', 'flag.source-date-epoch', `invalid SOURCE_DATE_EPOCH: ${text}`, {
      hints: ['seconds since 1970, such as $(git log -1 --pretty=%ct)'],
    });
  return Number(text);
}

/** What two builds of the same Dockerfile have in common. It is kept: an address goes without its secret. */
export function identityOf(path: string, file: string | undefined, cwd: string): string {
  const local = (text: string): string => (/^(?:[a-z+]+:\/\/|git@|-$)/.test(text) ? withoutCredentials(text) : resolve(cwd, text));
  return `${local(path)} ${file === undefined ? 'Dockerfile' : local(file)}`;
}

export function nameOf(path: string, target: string | undefined, cwd: string): string {
  const context = path === '-' ? 'stdin' : basename(/^[a-z+]+:\/\//.test(path) ? withoutCredentials(path) : resolve(cwd, path)) || '/';
  return target === undefined || target === '' ? context : `${context} (${target})`;
}

/** What steps may be allowed beyond the usual. */
function entitlement(text: string): string {
  if (/^(?:network\.host|security\.insecure|device(?:=.*)?)$/.test(text)) return text;
  throw new SlipwayError('invalid-argument', 'flag.allow', `unknown entitlement ${text}`, {
    hints: ['network.host and security.insecure are'],
  });
}

function networkMode(mode: string): 'default' | 'none' | 'host' {
  if (mode === 'default' || mode === 'bridge') return 'default';
  if (mode === 'none' || mode === 'host') return mode;
  throw new SlipwayError('invalid-argument', 'flag.network', `network mode ${JSON.stringify(mode)} not supported by buildkit`, {
    hints: ['--network default, none or host'],
  });
}

function parseSize(text: string): number {
  const n = parseBytes(text);
  if (n === undefined)
    throw new SlipwayError('invalid-argument', 'flag.size', `invalid size: '${text}'`, { hints: ['a number with a unit, such as 64m'] });
  return n;
}

function checkTag(tag: string, which: 'graph' | 'classic'): void {
  try {
    parseReference(tag);
  } catch (e) {
    if (!isSlipwayError(e)) throw e;
    const [message, exitCode] =
      which === 'classic'
        ? [`invalid argument "${tag}" for "-t, --tag" flag: ${e.message}`, 125]
        : [`invalid tag "${tag}": ${e.message}`, 1];
    throw new SlipwayError('invalid-argument', 'flag.tag', message, { cause: e, exitCode });
  }
}

async function dockerfileOf(stdin: NodeJS.ReadStream): Promise<string> {
  try {
    return (await readStream(stdin, 'stdin')).toString();
  } catch (cause) {
    const why = whyNotRead(cause);
    if (why === undefined) throw cause;
    throw new SlipwayError('invalid-argument', 'build.dockerfile', `failed to read dockerfile from stdin: ${why}`, { cause });
  }
}
