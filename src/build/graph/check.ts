// The build checks over what was lowered: the base images are known then, and nothing was built yet.
import {
  checkDockerfile,
  type CheckResult,
  type Dockerfile,
  parseDockerfile,
  platformArgs,
  type Stage,
  targetStage,
} from '../../dockerfile/index.ts';
import { hostPlatform, parseReference, SlipwayError } from '../../model/index.ts';
import { Lowering } from '../lower/index.ts';
import type { BuildEnvironment, BuildRequest } from '../types.ts';

export interface Examined extends CheckResult {
  readonly dockerfile: Dockerfile;
  readonly target: Stage;
  /** The stages that the target needs. */
  readonly needed: readonly Stage[];
  readonly globals: ReadonlyMap<string, string>;
}

/** Looks at a Dockerfile as a build would, and builds nothing: what `--check` and `--call` tell. */
export async function examine(env: BuildEnvironment, request: BuildRequest): Promise<Examined> {
  const { name, text } = request.dockerfile;
  const dockerfile = parseDockerfile(text, { name });
  const target = targetStage(dockerfile, request.target);
  const lowering = new Lowering(env, request, dockerfile, { image: () => {}, pull: () => {} });
  const { skipped } = await lowering.lower(target);
  const needed = dockerfile.stages.filter((stage) => !skipped.includes(stage));
  return { ...(await runChecks(dockerfile, lowering, request)), dockerfile, target, needed, globals: lowering.globals };
}

export async function runChecks(dockerfile: Dockerfile, lowering: Lowering, request: BuildRequest): Promise<CheckResult> {
  const config = request.buildArgs['BUILDKIT_DOCKERFILE_CHECK'];
  return checkDockerfile(dockerfile, {
    globals: lowering.globals,
    buildArgs: request.buildArgs,
    platformArgs: platformArgs(hostPlatform(), request.platform ?? hostPlatform()),
    stages: await lowering.bases(),
    isIgnored: (path) => request.context.ignore?.matches(path.replace(/^\/+|\/+$/g, '')).excluded === true,
    isImageName,
    ...(config !== undefined && { config }),
  });
}

/** Throws failed-precondition 'build.lint' when the file asks for it. */
export function failOnViolations({ violated }: CheckResult): void {
  if (violated.length === 0) return;
  throw new SlipwayError('failed-precondition', 'build.lint', `lint violation found for rules: ${violated.join(', ')}`, {
    hints: ['check=error=true in the Dockerfile makes errors of warnings; slipway build --check shows them'],
  });
}

function isImageName(text: string): boolean {
  try {
    parseReference(text);
    return true;
  } catch {
    return false;
  }
}
