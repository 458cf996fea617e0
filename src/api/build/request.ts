// The query of `POST /build` as a request to the engine: the original one by version 1, the graph engine by version 2, as dockerd has it.
import type { IncomingMessage } from 'node:http';
import { type BuildRequest, type Caches, parseCacheExport, parseCacheImport } from '../../engine/index.ts';
import { parsePlatform, parseReference, type SessionCredentials, SlipwayError } from '../../model/index.ts';
import { parseTruth } from '../../util/index.ts';
import { Fields } from '../http/fields.ts';
import type { Query } from '../http/query.ts';
import { BODY } from '../work.ts';
import { credentialsOf, type CredentialsOf, decodedHeader, domainOf } from '../images/auth.ts';

/** Parameters that ask for nothing by these values, and for what is not done by others. */
const REFUSED: Readonly<Record<string, string>> = {
  cgroupparent: 'control groups are made below one of slipway',
  securityopt: 'steps are confined as usual',
  outputs: 'the image is stored; buildx has other outputs',
  isolation: 'it is of Windows',
};

/** By the name `BODY` the session knows the archive of a build. @throws SlipwayError invalid-argument */
export function buildRequestOf(query: Query): BuildRequest {
  const graph = isGraph(query);
  for (const [name, why] of Object.entries(REFUSED))
    if (!['', '0', 'default', '[]', 'null'].includes(query.text(name) ?? '')) throw invalid(`${name} is not supported: ${why}`);
  const tags = query.all('t').filter((t) => t !== '');
  for (const t of tags) parseReference(t);
  const dockerfile = query.text('dockerfile');
  const [remote, target, platform, shmSize] = [query.text('remote'), query.text('target'), query.text('platform'), query.number('shmsize')];
  const given = pairs(query, 'buildargs');
  return {
    engine: graph ? 'graph' : 'classic',
    ...(graph && remote === CLIENT_SESSION ? ofClient(dockerfile) : contextOf(remote, dockerfile)),
    namedContexts: {},
    keepGitDir: false,
    buildArgs: given,
    labels: pairs(query, 'labels'),
    tags,
    identity: `${remote?.replace(/\/\/[^/@]*@/, '//') ?? 'archive'} ${dockerfile ?? 'Dockerfile'} ${tags.join(' ')}`.trim(),
    name: tags[0] ?? dockerfile ?? 'Dockerfile',
    noCache: query.flag('nocache'),
    noCacheFilter: [],
    pull: query.flag('pull'),
    ...networkOf(query.text('networkmode') ?? 'default'),
    addHosts: query.all('extrahosts').filter((one) => one !== ''),
    ulimits: ulimitsOf(query),
    secrets: [],
    ssh: [],
    allow: [],
    ...limitsOf(query),
    ...(query.flag('squash') && { squash: { kind: 'new' } as const }),
    classic: {
      rm: query.flag('rm', true),
      forceRm: query.flag('forcerm'),
      cacheFrom: texts(query, 'cachefrom'),
    },
    ...(target !== undefined && { target }),
    ...(platform !== undefined && { platform: parsePlatform(platform) }),
    ...(shmSize !== undefined && shmSize > 0 && { shmSize }),
  };
}

/** Whether a build is the graph engine's. @throws SlipwayError `api.build` */
export function isGraph(query: Query): boolean {
  const version = query.text('version') ?? '1';
  if (version === '1' || version === '2') return version === '2';
  throw invalid(`invalid builder version ${JSON.stringify(version)}: 1 and 2 are possible`);
}

/** `remote` of builds whose client serves its folders by its session. */
const CLIENT_SESSION = 'client-session';

const ofClient = (dockerfile = 'Dockerfile'): Pick<BuildRequest, 'context' | 'dockerfile'> => ({
  context: { kind: 'folder', name: 'context', written: 'context' },
  dockerfile: { kind: 'outside', name: 'dockerfile', file: dockerfile, written: dockerfile },
});

function contextOf(remote: string | undefined, dockerfile: string | undefined): Pick<BuildRequest, 'context' | 'dockerfile'> {
  if (remote === CLIENT_SESSION) throw invalid(`remote=${CLIENT_SESSION} needs version=2`);
  if (remote === 'upload-request') throw invalid('remote=upload-request is not supported: send the context with the build');
  return {
    context: remote === undefined ? { kind: 'stream', name: BODY } : { kind: 'remote', address: remote },
    ...(dockerfile !== undefined && { dockerfile: { kind: 'inside', path: dockerfile, written: dockerfile } }),
  };
}

/** Of the graph engine: images that may have an inline cache, and whether the result gets one. */
export function cachesOf(query: Query): { readonly caches?: Caches } {
  const none = (path: string): never => {
    throw invalid(`a cache cannot lie at ${path}`);
  };
  const from = texts(query, 'cachefrom').map((ref) => parseCacheImport('registry', { ref }, none));
  const inline = parseTruth(pairs(query, 'buildargs')['BUILDKIT_INLINE_CACHE'] ?? '') === true;
  if (from.length === 0 && !inline) return {};
  return { caches: { from, to: inline ? [parseCacheExport('inline', {}, none)] : [] } };
}

/** Values that are null are those that a client named and does not have. */
function pairs(query: Query, name: string): Record<string, string> {
  const value = query.json(name) ?? {};
  const known = Object.entries(Fields.of(value, name) && (value as object)).filter(([, one]) => one !== null);
  return Fields.of({ [name]: Object.fromEntries(known) }).pairs(name) ?? {};
}

const texts = (query: Query, name: string): string[] => Fields.of({ [name]: query.json(name) ?? [] }).texts(name) ?? [];

/** Docker's 0 is none. */
function limitsOf(query: Query): Pick<BuildRequest, 'limits'> {
  const limits = {
    memory: query.number('memory'),
    memorySwap: query.number('memswap'),
    cpuPeriod: query.number('cpuperiod'),
    cpuQuota: query.number('cpuquota'),
    cpuShares: query.number('cpushares'),
    cpusetCpus: query.text('cpusetcpus'),
    cpusetMems: query.text('cpusetmems'),
  };
  const given = Object.entries(limits).filter(([, value]) => value !== undefined && value !== 0 && value !== '');
  return given.length === 0 ? {} : { limits: Object.fromEntries(given) };
}

function ulimitsOf(query: Query): BuildRequest['ulimits'] {
  const list = Fields.of({ ulimits: query.json('ulimits') ?? [] }).objects('ulimits');
  return list.map((u) => ({ name: u.text('Name') ?? '', soft: u.number('Soft') ?? 0, hard: u.number('Hard') ?? 0 }));
}

/** A mode, or the name of a network. */
function networkOf(mode: string): Pick<BuildRequest, 'network' | 'networkName'> {
  if (mode === 'default' || mode === 'bridge') return { network: 'default' };
  if (mode === 'none' || mode === 'host') return { network: mode };
  if (!mode.includes(':')) return { network: 'default', networkName: mode };
  throw invalid(`network mode ${JSON.stringify(mode)} is not supported: default, none, host and names of networks are`);
}

/** `X-Registry-Config`: credentials by host. */
export function registryConfig({ headers }: IncomingMessage): CredentialsOf {
  const found = new Map<string, SessionCredentials>();
  for (const [host, value] of Object.entries(decodedHeader(headers['x-registry-config'], 'X-Registry-Config'))) {
    const one = credentialsOf(Fields.of(value));
    if (one !== undefined) found.set(domainOf(host), one);
  }
  return { get: async (host) => found.get(domainOf(host)) };
}

const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', 'api.build', message);
