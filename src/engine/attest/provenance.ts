// Where an image came from, as SLSA provenance (slsa.dev/provenance/v0.2), with the fields that BuildKit fills.
import type { BuildRequest, BuildSource } from '../../build/index.ts';
import { PREDEFINED_ARGS } from '../../dockerfile/index.ts';
import { formatPlatform, type Platform } from '../../model/index.ts';

export const SLSA = 'https://slsa.dev/provenance/v0.2';

export interface ProvenanceInput {
  readonly request: BuildRequest;
  readonly platform: Platform;
  readonly sources: readonly BuildSource[];
  /** What the plan of the build was, for mode max. */
  readonly steps: readonly object[];
  readonly ref: string;
  /** ms since the epoch. */
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly mode: 'min' | 'max';
}

export function provenance(p: ProvenanceInput): object {
  const { request, mode } = p;
  const args = Object.fromEntries([
    // a proxy's address often has a password, and is no part of what was built
    ...Object.entries(request.buildArgs)
      .filter(([k]) => !PREDEFINED_ARGS.has(k))
      .map(([k, v]) => [`build-arg:${k}`, v]),
    ...Object.entries(request.labels).map(([k, v]) => [`label:${k}`, v]),
    ...(request.target === undefined ? [] : [['target', request.target]]),
  ]);
  return {
    builder: { id: '' },
    buildType: 'urn:slipway:build:v1',
    materials: p.sources.map(materialOf),
    invocation: {
      configSource: { entryPoint: request.dockerfile.name },
      parameters: {
        frontend: 'dockerfile.v0',
        // values of arguments may be nobody's business: only the full form has them
        ...(mode === 'max' && Object.keys(args).length > 0 && { args }),
        ...(request.secrets.size > 0 && { secrets: [...request.secrets.keys()].map((id) => ({ id })) }),
        ...(request.agents.size > 0 && { ssh: [...request.agents.keys()].map((id) => ({ id })) }),
        locals: [{ name: 'context' }, { name: 'dockerfile' }],
      },
      environment: { platform: formatPlatform(p.platform) },
    },
    ...(mode === 'max' && {
      buildConfig: { steps: p.steps, dockerfile: Buffer.from(request.dockerfile.text).toString('base64') },
    }),
    metadata: {
      buildInvocationID: p.ref,
      buildStartedOn: new Date(p.startedAt).toISOString(),
      buildFinishedOn: new Date(p.finishedAt).toISOString(),
      completeness: { parameters: mode === 'max', environment: true, materials: request.namedContexts.size === 0 },
      reproducible: request.rewriteTimestamp !== undefined,
    },
  };
}

function materialOf({ uri, digest }: BuildSource): object {
  const at = digest?.indexOf(':') ?? -1;
  return { uri, ...(digest !== undefined && { digest: { [digest.slice(0, at)]: digest.slice(at + 1) } }) };
}
