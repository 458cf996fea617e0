// Where an image came from, as SLSA provenance (slsa.dev/provenance/v0.2 and v1), with the fields that BuildKit fills
// (BuildKit, docs/attestations/slsa-definitions.md).
import type { BuildDescribed, BuildJob, BuildSource } from '../../builder/index.ts';
import { PREDEFINED_ARGS } from '../../dockerfile/index.ts';
import { formatPlatform, hostPlatform, type Platform } from '../../model/index.ts';
import { textWithoutCredentials } from '../../remote/index.ts';

export const SLSA = 'https://slsa.dev/provenance/v0.2';
export const SLSA_V1 = 'https://slsa.dev/provenance/v1';
const BUILD_TYPE = 'urn:slipway:build:v1';
/** BuildKit's fields in a statement of v0.2 have names of their own. */
const BUILDKIT = 'https://mobyproject.org/buildkit@v1';

export interface ProvenanceInput {
  readonly request: BuildJob;
  readonly platform: Platform;
  readonly sources: readonly BuildSource[];
  /** What the plan of the build was, for mode max. */
  readonly steps: BuildDescribed['steps'];
  readonly ref: string;
  /** ms since the epoch. */
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly mode: 'min' | 'max';
  /** Who builds, as an address. */
  readonly builderId?: string;
}

export function provenance(p: ProvenanceInput): object {
  return {
    ...definition(p),
    ...(p.mode === 'max' && { buildConfig: buildConfig(p) }),
    metadata: {
      buildInvocationID: p.ref,
      buildStartedOn: new Date(p.startedAt).toISOString(),
      buildFinishedOn: new Date(p.finishedAt).toISOString(),
      completeness: { parameters: p.mode === 'max', environment: true, materials: isComplete(p) },
      reproducible: p.request.rewriteTimestamp !== undefined,
      [`${BUILDKIT}#hermetic`]: isHermetic(p),
      [`${BUILDKIT}#metadata`]: metadata(p),
    },
  };
}

/** Without what differs from one run to the next: `buildx.build.provenance` of a metadata file. */
export function definition(p: ProvenanceInput): object {
  return {
    builder: { id: p.builderId ?? '' },
    buildType: BUILD_TYPE,
    materials: materials(p),
    invocation: {
      configSource: { ...origin(p), entryPoint: p.request.dockerfile.name },
      parameters: parameters(p),
      environment: { platform: formatPlatform(p.platform) },
    },
  };
}

export function provenanceV1(p: ProvenanceInput): object {
  return {
    buildDefinition: {
      buildType: BUILD_TYPE,
      externalParameters: { configSource: { ...origin(p), path: p.request.dockerfile.name }, request: parameters(p) },
      internalParameters: {
        ...(p.mode === 'max' && { buildConfig: buildConfig(p) }),
        builderPlatform: formatPlatform(hostPlatform()),
      },
      resolvedDependencies: materials(p),
    },
    runDetails: {
      builder: { id: p.builderId ?? '' },
      metadata: {
        invocationID: p.ref,
        startedOn: new Date(p.startedAt).toISOString(),
        finishedOn: new Date(p.finishedAt).toISOString(),
        buildkit_metadata: metadata(p),
        buildkit_hermetic: isHermetic(p),
        buildkit_completeness: { request: p.mode === 'max', resolvedDependencies: isComplete(p) },
        buildkit_reproducible: p.request.rewriteTimestamp !== undefined,
      },
    },
  };
}

/** What the build was asked for. Values of arguments, and which secrets there were, may be nobody's business: only mode max has them. */
function parameters({ request, mode }: ProvenanceInput): object {
  const args = Object.fromEntries([
    // a proxy's address often has a password, and is no part of what was built
    ...Object.entries(request.buildArgs)
      .filter(([k]) => !PREDEFINED_ARGS.has(k))
      .map(([k, v]) => [`build-arg:${k}`, v]),
    ...Object.entries(request.labels).map(([k, v]) => [`label:${k}`, v]),
    ...(request.target === undefined ? [] : [['target', request.target]]),
  ]);
  return {
    frontend: 'dockerfile.v0',
    ...(mode === 'max' && Object.keys(args).length > 0 && { args }),
    ...(mode === 'max' && request.secrets.length > 0 && { secrets: request.secrets.map((id) => ({ id, optional: true })) }),
    ...(mode === 'max' && request.ssh.length > 0 && { ssh: request.ssh.map((id) => ({ id, optional: true })) }),
    ...(request.context.origin === undefined && { locals: [{ name: 'context' }, { name: 'dockerfile' }] }),
  };
}

/** The steps, with what each one reads. */
const buildConfig = ({ steps }: ProvenanceInput): object => ({ steps });

function metadata({ request, mode }: ProvenanceInput): object {
  const { name, text } = request.dockerfile;
  const infos = [{ filename: name, language: 'Dockerfile', data: Buffer.from(textWithoutCredentials(text)).toString('base64') }];
  return { vcs: {}, ...(mode === 'max' && { source: { infos } }) };
}

/** Of a context from elsewhere. */
function origin({ request: { context } }: ProvenanceInput): object {
  return context.origin === undefined ? {} : material(context.origin);
}

/** Each source once: a step may stand for several platforms or be read twice. */
function materials({ sources, request: { context } }: ProvenanceInput): object[] {
  const all = [...(context.origin === undefined ? [] : [context.origin]), ...sources];
  return [...new Map(all.map((source) => [`${source.uri} ${source.digest}`, material(source)])).values()];
}

function material({ uri, digest }: BuildSource): { uri: string; digest?: Record<string, string> } {
  const at = digest?.indexOf(':') ?? -1;
  return { uri, ...(digest !== undefined && { digest: { [digest.slice(0, at)]: digest.slice(at + 1) } }) };
}

/** Whether all that the build read is named: a folder on this machine has no digest. */
const isComplete = ({ request }: ProvenanceInput): boolean =>
  request.context.origin !== undefined && [...request.namedContexts.values()].every((c) => c.kind !== 'directory');

const isHermetic = ({ steps }: ProvenanceInput): boolean => steps.every(({ op }) => op.kind !== 'exec' || op.network === 'none');
