// From the flags of `build` to a request, and to a session that knows what the request names.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { homedir } from 'node:os';
import {
  type BuildRequest,
  type BuildVolume,
  type Caller,
  openAgent,
  parseVolume,
  PathSession,
  readContextWords,
  type SecretSource,
  userCredentials,
} from '../../engine/index.ts';
import {
  isSlipwayError,
  parsePlatform,
  parseReference,
  parseUlimit,
  type Session,
  SlipwayError,
  type SshAgent,
} from '../../model/index.ts';
import { readStream, whyNotRead } from '../../sys/index.ts';
import { parseBytes } from '../../util/index.ts';
import { buildersOf } from '../builder-sets.ts';
import type { Context, ParsedOptions } from '../command.ts';
import { streams } from '../containers.ts';
import { invalidValue } from '../args.ts';
import { nanoCpus } from '../container-values.ts';
import { registrySettings } from '../registries.ts';
import { terminalEnds } from '../terminal-ends.ts';
import { platformsOf } from './delivery.ts';
import { configuredProxies } from '../user-config.ts';
import { addHost, agent, buildArgs, isTrue, labels, output, secret } from './values.ts';

/** @param outputs where results go, by the names that the delivery has for them */
export async function readRequest(
  ctx: Context,
  o: ParsedOptions,
  path: string,
  which: 'graph' | 'classic',
  outputs: ReadonlyMap<string, string | number>,
): Promise<{ readonly request: BuildRequest; readonly session: Session }> {
  for (const t of o.list('tag')) checkTag(t, which);
  const target = o.string('target');
  const words = await readContextWords({
    context: path,
    file: o.string('file'),
    named: o.list('build-context'),
    target,
    cwd: ctx.cwd,
    stdin: () => ctx.stdin,
    readDockerfile: () => dockerfileOf(ctx.stdin),
  });
  const { secrets, secretsInKey } = secretsOf(ctx, o);
  const agents = new Map<string, SshAgent>();
  for (const text of o.list('ssh')) {
    const [id, paths] = agent(text, ctx.env, ctx.cwd);
    agents.set(id, await openAgent(paths, ctx.signal));
  }
  const credentials = userCredentials(() => registrySettings(ctx.env, homedir()));
  const session = new PathSession({ secrets, agents, locals: words.locals, outputs, credentials });
  const given = { ...configuredProxies(ctx.env), ...buildArgs(o.list('build-arg'), ctx.env) };
  // as buildx does: a Dockerfile that declares it sees the time that the image gets
  if (which === 'graph' && ctx.env['SOURCE_DATE_EPOCH']) given['SOURCE_DATE_EPOCH'] ??= ctx.env['SOURCE_DATE_EPOCH'];
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
  const limits = stepLimits(o);
  const builders = which === 'graph' ? buildersOf(o.string('builder'), ctx.env) : [];
  const jobs = o.number('jobs');
  if (jobs !== undefined && !(Number.isInteger(jobs) && jobs > 0))
    throw new SlipwayError('invalid-argument', 'flag.jobs', `invalid number of jobs: ${jobs}`, {
      hints: ['--jobs takes a whole number from 1'],
    });
  const volumes = o.list('volume').map(volumeOf);
  const request: BuildRequest = {
    engine: which,
    ...words.request,
    keepGitDir: isTrue(given['BUILDKIT_CONTEXT_KEEP_GIT_DIR']),
    ...(target !== undefined && target !== '' && { target }),
    buildArgs: given,
    labels: labels(o.list('label')),
    tags: o.list('tag'),
    noCache: o.bool('no-cache'),
    noCacheFilter: o.list('no-cache-filter').flatMap((f) => f.split(',')),
    pull: o.bool('pull'),
    ...(jobs !== undefined && { jobs }),
    ...(builders.length > 0 && { builders }),
    name: given['BUILDKIT_BUILD_NAME'] ?? words.request.name,
    ...(platforms.length === 1 && platforms[0] !== undefined && { platform: parsePlatform(platforms[0]) }),
    ...networkOf(o.string('network') ?? 'default'),
    ...(volumes.length > 0 && { volumes }),
    addHosts: o.list('add-host').map(addHost),
    ...(shm !== undefined && { shmSize: parseSize(shm) }),
    ulimits: o.list('ulimit').map(parseUlimit),
    secrets: [...secrets.keys()],
    ...(secretsInKey.length > 0 && { secretsInKey }),
    ssh: [...agents.keys()],
    // asking for the host's network for all steps is allowing it, as in buildx
    allow: [
      ...o
        .list('allow')
        .flatMap((a) => a.split(','))
        .map(entitlement),
      ...(o.string('network') === 'host' ? ['network.host'] : []),
    ],
    ...(Object.keys(limits).length > 0 && { limits }),
    ...lockOf(o),
    ...squashOf(o),
    classic: {
      rm: !o.has('rm') || o.bool('rm'),
      forceRm: o.bool('force-rm'),
      cacheFrom: which === 'classic' ? o.list('cache-from') : [],
    },
    ...(date !== undefined && { sourceDateEpoch: date }),
    ...(rewrite && { rewriteTimestamp: date ?? 0 }),
  };
  return { request, session };
}

/** Limits of RUN steps. @throws invalid-argument `cli.size`, and what `nanoCpus` throws */
function stepLimits(o: ParsedOptions): NonNullable<BuildRequest['limits']> {
  const bytes = (name: string): number | undefined => {
    const text = o.string(name);
    if (text === undefined) return undefined;
    const value = name === 'memory-swap' && text === '-1' ? -1 : parseBytes(text);
    if (value !== undefined) return value;
    throw new SlipwayError(
      'invalid-argument',
      'cli.size',
      invalidValue(name === 'memory' ? '-m, --memory' : `--${name}`, text, `invalid size: '${text}'`),
      {
        exitCode: 125,
        hints: ['a number with a unit, such as 512m'],
      },
    );
  };
  const cpus = o.string('cpus');
  const limits = {
    memory: bytes('memory'),
    memorySwap: bytes('memory-swap'),
    nanoCpus: cpus === undefined ? undefined : nanoCpus(cpus),
    cpuPeriod: o.number('cpu-period'),
    cpuQuota: o.number('cpu-quota'),
    cpuShares: o.number('cpu-shares'),
    cpusetCpus: o.string('cpuset-cpus') || undefined,
    cpusetMems: o.string('cpuset-mems') || undefined,
  };
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}

/** @throws invalid-argument `flag.lock` */
function lockOf(o: ParsedOptions): Pick<BuildRequest, 'lock'> {
  const text = o.string('lock');
  if (text === undefined) return {};
  if (text === 'off' || text === 'false') return { lock: 'off' };
  if (text === 'write' || text === 'true') return { lock: 'write' };
  throw new SlipwayError('invalid-argument', 'flag.lock', `invalid value ${JSON.stringify(text)} of --lock`, {
    hints: ['--lock writes the lock file, --lock=off builds without it'],
  });
}

/** Which layers become one. @throws invalid-argument `flag.conflict` for more than one way. */
function squashOf(o: ParsedOptions): Pick<BuildRequest, 'squash'> {
  const names = o.list('squash-stage');
  const ways = [
    ...(o.bool('squash') ? [{ kind: 'new' } as const] : []),
    ...(o.bool('squash-all') ? [{ kind: 'all' } as const] : []),
    ...(names.length > 0 ? [{ kind: 'stages', names } as const] : []),
  ];
  const [squash, other] = ways;
  if (other !== undefined)
    throw new SlipwayError('invalid-argument', 'flag.conflict', 'conflicting options: --squash, --squash-all and --squash-stage', {
      hints: ['--squash-all squashes everything; --squash-stage may be given several times'],
    });
  return squash === undefined ? {} : { squash };
}

/** What `--debug` opens a shell with; `begin` is called before it takes the terminal. */
export function debugShell(ctx: Context, begin: (step: string, shell: readonly string[]) => void): NonNullable<Caller['debug']> {
  return {
    terminal: ctx.stdin.isTTY && ctx.stdout.isTTY ? terminalEnds(ctx, { input: true, detachKeys: undefined }) : undefined,
    streams: streams(ctx, true),
    begin,
  };
}

function secretsOf(ctx: Context, o: ParsedOptions): { secrets: Map<string, SecretSource>; secretsInKey: string[] } {
  const secrets = new Map<string, SecretSource>();
  const inKey = new Set<string>();
  for (const text of o.list('secret')) {
    const s = secret(text, ctx.env);
    const path = s.kind === 'file' ? resolve(ctx.cwd, s.path) : undefined;
    if (path !== undefined && s.kind === 'file' && !existsSync(path))
      throw new SlipwayError('not-found', 'flag.secret', `failed to stat ${s.path}: stat ${s.path}: no such file or directory`);
    secrets.set(s.id, path === undefined ? s : { kind: 'file', path });
    if (s.inKey) inKey.add(s.id);
    else inKey.delete(s.id);
  }
  return { secrets, secretsInKey: [...inKey] };
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

/** What steps may be allowed beyond the usual. */
function entitlement(text: string): string {
  if (/^(?:network\.host|security\.insecure|device(?:=.*)?)$/.test(text)) return text;
  throw new SlipwayError('invalid-argument', 'flag.allow', `unknown entitlement ${text}`, {
    hints: ['network.host and security.insecure are'],
  });
}

/** A mode, or the name of a network. */
function networkOf(text: string): Pick<BuildRequest, 'network' | 'networkName'> {
  if (text === 'default' || text === 'bridge') return { network: 'default' };
  if (text === 'none' || text === 'host') return { network: text };
  if (!text.includes(':')) return { network: 'default', networkName: text };
  throw new SlipwayError('invalid-argument', 'flag.network', `network mode ${JSON.stringify(text)} not supported by buildkit`, {
    hints: ['--network default, none, host, or the name of a network'],
  });
}

/** `--volume FOLDER:PATH[:ro]`. */
function volumeOf(spec: string): BuildVolume {
  const { source, destination, readonly } = parseVolume(spec);
  if (source?.startsWith('/') === true) return { source, target: destination, readonly };
  throw new SlipwayError('invalid-argument', 'flag.volume', `steps of a build see no volume, only files of this machine: '${spec}'`, {
    hints: ['--volume /FOLDER:/PATH[:ro]', 'what one build keeps for the next: RUN --mount=type=cache'],
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
