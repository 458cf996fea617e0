// From what a client of BuildKit asks for (the attributes of the frontend dockerfile.v0, exporters, caches) to the request and the delivery
// of a build. An attribute that cannot be honoured is refused.
import {
  type Annotation,
  type BuildRequest,
  type Caches,
  type Delivery,
  type Output,
  parseCacheExport,
  parseCacheImport,
  parseOutput,
  type ProvenanceWish,
} from '../engine/index.ts';
import { hostPlatform, parsePlatform, parseUlimit, SlipwayError } from '../model/index.ts';
import { foldersOf, type Llb } from '../protocol/index.ts';
import type { Place } from './session.ts';

type Attributes = Readonly<Record<string, string>>;

export interface Asked {
  /** A graph, in the place of a Dockerfile. */
  readonly definition?: Llb;
  readonly attributes: Attributes;
  readonly exporters: readonly { readonly type: string; readonly attributes: Attributes }[];
  readonly caches: {
    readonly from: readonly { readonly type: string; readonly attributes: Attributes }[];
    readonly to: readonly { readonly type: string; readonly attributes: Attributes }[];
  };
  readonly entitlements: readonly string[];
}

export interface Understood {
  readonly request: BuildRequest;
  readonly delivery: Delivery;
  readonly places: ReadonlyMap<string, Place>;
}

/** Attributes without a meaning for the result: what the client knows of itself. */
const TOLD = new Set([
  'frontend.caps',
  'source',
  'cmdline',
  'cache-imports',
  'cache-from',
  'requestid',
  'vcs:source',
  'vcs:revision',
  'vcs:localdir:context',
  'vcs:localdir:dockerfile',
]);
const PREFIXES = ['build-arg:', 'label:', 'context:', 'attest:', 'vcs:'];
const KNOWN = new Set([
  'filename',
  'target',
  'platform',
  'multi-platform',
  'no-cache',
  'image-resolve-mode',
  'force-network-mode',
  'add-hosts',
  'shm-size',
  'ulimit',
  'context',
  'contextkey',
  'dockerfilekey',
  'contextsubdir',
]);

const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', 'buildkit.attribute', message);
const unsupported = (message: string, hint: string): SlipwayError =>
  new SlipwayError('unsupported', 'buildkit.attribute', message, { hints: [hint] });

/** @throws SlipwayError for what cannot be understood or honoured */
export function understand(asked: Asked): Understood {
  const { attributes: a } = asked;
  refuseUnknown(a);
  const list = (name: string): string[] => (a[name] ?? '').split(',').filter((word) => word !== '');
  const buildArgs = named(a, 'build-arg:');
  const platforms = list('platform');
  const outputs = outputsOf(asked);
  const epoch = buildArgs['SOURCE_DATE_EPOCH'];
  if (epoch !== undefined && epoch !== '' && !/^\d{1,11}$/.test(epoch)) throw invalid(`invalid SOURCE_DATE_EPOCH: ${epoch}`);
  const context = asked.definition === undefined ? contextOf(a) : definitionOf(asked.definition, asked.exporters);
  const target = a['target'];
  const shm = a['shm-size'];
  if (shm !== undefined && !/^\d{1,15}$/.test(shm)) throw invalid(`invalid shm-size: ${shm}`);
  const network = networkOf(a['force-network-mode'] ?? '');
  const rewrite = asked.exporters.some((e) => e.attributes['rewrite-timestamp'] === 'true');
  const several = platforms.length > 1 || a['multi-platform'] === 'true';
  const caches = cachesOf(asked);
  const request: BuildRequest = {
    engine: 'graph',
    namedContexts: Object.fromEntries(
      Object.entries(named(a, 'context:')).map(([name, value]) => [name.replace(/::.*$/, ''), namedContext(name, value)]),
    ),
    ...context,
    keepGitDir: buildArgs['BUILDKIT_CONTEXT_KEEP_GIT_DIR'] === '1' || buildArgs['BUILDKIT_CONTEXT_KEEP_GIT_DIR'] === 'true',
    ...(target !== undefined && target !== '' && { target }),
    buildArgs,
    labels: named(a, 'label:'),
    tags: [],
    noCache: a['no-cache'] === '',
    noCacheFilter: list('no-cache'),
    pull: a['image-resolve-mode'] === 'pull',
    identity: `buildkit ${a['context'] ?? ''} ${a['filename'] ?? 'Dockerfile'} ${a['vcs:source'] ?? ''}`,
    name: buildArgs['BUILDKIT_BUILD_NAME'] ?? (target === undefined || target === '' ? 'buildkit' : `buildkit (${target})`),
    ...(!several && platforms[0] !== undefined && { platform: parsePlatform(platforms[0]) }),
    network,
    // name=ip
    addHosts: list('add-hosts').map((word) => word.replace('=', ':')),
    ...(shm !== undefined && { shmSize: Number(shm) }),
    ulimits: list('ulimit').map(parseUlimit),
    secrets: [],
    ssh: [],
    allow: [...asked.entitlements],
    classic: { rm: true, forceRm: false, cacheFrom: [] },
    ...(epoch !== undefined && epoch !== '' && { sourceDateEpoch: Number(epoch) }),
    ...(rewrite && { rewriteTimestamp: Number(epoch ?? 0) }),
  };
  const keepsLists = outputs.outputs.some(
    (out) => (out.kind === 'image' && out.push) || (out.kind === 'archive' && out.format === 'oci') || out.kind === 'layout',
  );
  const delivery: Delivery = {
    outputs: outputs.outputs,
    platforms: several ? (platforms.length === 0 ? [hostPlatform()] : platforms.map(parsePlatform)) : [],
    ...(caches && { caches }),
    annotations: [] satisfies Annotation[],
    ...statementsOf(a, keepsLists),
    verify: false,
  };
  return { request, delivery, places: outputs.places };
}

function refuseUnknown(a: Attributes): void {
  for (const name of Object.keys(a)) {
    if (KNOWN.has(name) || TOLD.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix))) continue;
    if (a[name] === '') continue;
    throw unsupported(`the frontend's attribute ${name} is not supported`, 'leave it out');
  }
}

const named = (a: Attributes, prefix: string): Record<string, string> =>
  Object.fromEntries(Object.entries(a).flatMap(([name, value]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [])));

/** The attribute of an exporter by which a client says what the image is to be configured as. */
const CONFIG = 'containerimage.config';

function definitionOf(
  llb: Llb,
  exporters: Asked['exporters'],
): Pick<BuildRequest, 'context' | 'dockerfile' | 'namedContexts' | 'definition'> {
  const text = exporters.map((e) => e.attributes[CONFIG]).find((one) => one !== undefined && one !== '');
  const folders = foldersOf(llb).map(({ key, name, only, ignore }) => [
    key,
    { kind: 'files' as const, name, ...(only && { only }), ...(ignore !== undefined && { ignore }) },
  ]);
  return {
    context: { kind: 'empty' },
    dockerfile: { kind: 'text', text: '' },
    namedContexts: Object.fromEntries(folders),
    definition: { llb, ...(text !== undefined && { config: configOf(text) }) },
  };
}

function configOf(text: string): NonNullable<NonNullable<BuildRequest['definition']>['config']> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // refused below
  }
  throw invalid(`${CONFIG} is no configuration of an image`);
}

function contextOf(a: Attributes): Pick<BuildRequest, 'context' | 'dockerfile'> {
  const { context } = a;
  const file = a['filename'] || 'Dockerfile';
  const local = a['contextkey'] || 'context';
  const folder = a['dockerfilekey'] || 'dockerfile';
  if (context === undefined || context === '')
    return { context: { kind: 'folder', name: local, written: local }, dockerfile: { kind: 'outside', name: folder, file, written: file } };
  const upload = /^https?:\/\/buildkit-session\/(.*)$/.exec(context);
  if (upload !== null)
    return {
      context: { kind: 'stream', name: `upload:/${upload[1]}` },
      ...(a['filename'] && { dockerfile: { kind: 'inside', path: file, written: file } }),
    };
  return {
    context: { kind: 'remote', address: context },
    ...(a['dockerfilekey']
      ? { dockerfile: { kind: 'outside', name: folder, file, written: file } as const }
      : a['filename']
        ? { dockerfile: { kind: 'inside', path: file, written: file } as const }
        : {}),
  };
}

/** What replaces a base image or a stage. */
function namedContext(name: string, value: string): BuildRequest['namedContexts'][string] {
  if (value.startsWith('local:')) return { kind: 'folder', name: value.slice('local:'.length), written: name };
  if (value.startsWith('docker-image://')) return { kind: 'image', ref: value.slice('docker-image://'.length) };
  if (value.startsWith('input:') || value.startsWith('oci-layout:'))
    throw unsupported(
      `the build context ${name} is ${value.split(':')[0]}:, which is not supported`,
      'give a folder, an image or an address',
    );
  return { kind: 'remote', address: value };
}

function networkOf(mode: string): BuildRequest['network'] {
  if (mode === '' || mode === 'default' || mode === 'sandbox') return 'default';
  if (mode === 'host' || mode === 'none') return mode;
  throw unsupported(`network mode ${JSON.stringify(mode)} not supported by buildkit`, 'default, none and host are possible');
}

function outputsOf({ exporters }: Asked): { readonly outputs: readonly Output<string>[]; readonly places: ReadonlyMap<string, Place> } {
  const places = new Map<string, Place>();
  if (exporters.length === 0) return { outputs: [{ kind: 'cacheonly' }], places };
  const outputs = exporters.map(({ type, attributes }, exporter): Output<string> => {
    const dest = `output-${exporter}`;
    // compose asks for an image that is loaded: one that is stored is
    const { [CONFIG]: _config, load: _load, ...rest } = attributes;
    const toClient = ['local', 'tar', 'oci', 'docker'].includes(type);
    const out = parseOutput(
      { type: type === 'moby' ? 'image' : type, attributes: { ...rest, ...(toClient && { dest: `/${dest}` }) } },
      '/',
      false,
    );
    if (!('dest' in out)) return out;
    if (out.kind === 'layout') throw unsupported('an exporter of type oci with tar=false is not supported', 'leave tar=false out');
    places.set(dest, { kind: out.kind === 'local' ? 'files' : 'archive', exporter });
    return { ...out, dest };
  });
  return { outputs, places };
}

function cachesOf({ caches }: Asked): Caches | undefined {
  const refuse = (path: string): never => {
    throw unsupported(`a cache of type local lies with the client (${path}), which is not supported`, 'use type=registry or type=inline');
  };
  const from = caches.from.map(({ type, attributes }) => parseCacheImport(type, attributes, refuse));
  const to = caches.to.map(({ type, attributes }) => parseCacheExport(type, attributes, refuse));
  return from.length + to.length === 0 ? undefined : { from, to };
}

/** buildx asks for a statement of its own accord (inline-only): that is for results which can hold one. */
function statementsOf(a: Attributes, keepsLists: boolean): { sbom: boolean; provenance?: ProvenanceWish } {
  const of = (name: string): Record<string, string> | undefined => {
    const text = a[`attest:${name}`];
    if (text === undefined) return undefined;
    const fields = Object.fromEntries(
      text
        .split(',')
        .filter((f) => f !== '')
        .map((f) => [f.split('=')[0] ?? '', f.split('=').slice(1).join('=')]),
    );
    if (fields['disabled'] === 'true' || (fields['inline-only'] === 'true' && !keepsLists)) return undefined;
    return fields;
  };
  const provenance = of('provenance');
  return {
    sbom: of('sbom') !== undefined,
    ...(provenance && {
      provenance: {
        mode: provenance['mode'] === 'max' ? 'max' : 'min',
        version: provenance['version'] === 'v1' ? 'v1' : 'v0.2',
        ...(provenance['builder-id'] && { builderId: provenance['builder-id'] }),
      },
    }),
  };
}
