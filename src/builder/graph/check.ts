// The build checks over what was lowered: the base images are known then, and nothing was built yet.
import { posix } from 'node:path';
import {
  checkBeginning,
  checkDockerfile,
  type CheckResult,
  type Dockerfile,
  IgnoreMatcher,
  parseBeginning,
  platformArgs,
  type Stage,
  targetStage,
} from '../../dockerfile/index.ts';
import { hostPlatform, isSlipwayError, parseReference, SlipwayError } from '../../model/index.ts';
import { Lowering, type Outline, outlineOf } from '../lower/index.ts';
import type { BuildEnvironment, BuildJob } from '../types.ts';
import { BaseImages } from '../sources/index.ts';
import type { PathFilter } from '../steps/index.ts';
import { frontendWarning, readDockerfile } from './read.ts';

export interface Examined {
  readonly dockerfile: Dockerfile;
  readonly target: Stage;
  readonly outline: Outline;
}

export interface Linted extends CheckResult {
  /** Why a build would fail; the checks are those made up to there. */
  readonly error: SlipwayError | undefined;
}

/** Looks at a target as a build would, and builds nothing: what `--call outline` reports. */
export async function examine(env: BuildEnvironment, request: BuildJob): Promise<Examined> {
  const { dockerfile } = readDockerfile(request);
  const target = targetStage(dockerfile, request.target);
  const lowering = new Lowering(new BaseImages(env, request), request, dockerfile);
  const { state } = await lowering.lower(target);
  failOnViolations(await runChecks(dockerfile, lowering, request));
  return { dockerfile, target, outline: outlineOf(state.outline, dockerfile, lowering.globals, request.buildArgs) };
}

/** Looks up every base image, also of stages that the target does not need. @throws SlipwayError of the Dockerfile, and what looking up throws */
export async function lookUpBases(env: BuildEnvironment, request: BuildJob): Promise<void> {
  const { dockerfile } = readDockerfile(request);
  await new Lowering(new BaseImages(env, request), request, dockerfile).lower(targetStage(dockerfile, request.target), true);
}

/** Makes the build checks, of all stages when no target is named; a build that would fail is a finding too. */
export async function lint(env: BuildEnvironment, request: BuildJob): Promise<Linted> {
  const { text, ...options } = request.dockerfile;
  let found: CheckResult = { warnings: [], violated: [] };
  try {
    frontendWarning(request);
    const { dockerfile, error } = parseBeginning(text, options);
    found = checkBeginning(dockerfile, request.buildArgs['BUILDKIT_DOCKERFILE_CHECK']);
    if (error !== undefined) return { ...found, error };
    const lowering = new Lowering(new BaseImages(env, request), request, dockerfile);
    const failure = await lowering
      .lower(targetStage(dockerfile, request.target), request.target === undefined)
      .then(() => undefined, asError);
    const all = await runChecks(dockerfile, lowering, request);
    return { ...all, error: failure ?? violation(all) };
  } catch (e) {
    return { ...found, error: asError(e) };
  }
}

/** A mistake of the user; anything else is thrown. */
function asError(e: unknown): SlipwayError {
  if (!isSlipwayError(e) || e.kind === 'cancelled') throw e;
  return e;
}

export async function runChecks(dockerfile: Dockerfile, lowering: Lowering, request: BuildJob): Promise<CheckResult> {
  const config = request.buildArgs['BUILDKIT_DOCKERFILE_CHECK'];
  return checkDockerfile(dockerfile, {
    globals: lowering.globals,
    buildArgs: request.buildArgs,
    platformArgs: platformArgs(hostPlatform(), request.platform ?? hostPlatform()),
    stages: await lowering.bases(),
    isIgnored: (path) => isIgnored(request.context.ignore, path),
    isImageName,
    ...(config !== undefined && { config }),
  });
}

/** Throws failed-precondition 'build.lint' when the file asks for it. */
export function failOnViolations(result: CheckResult): void {
  const error = violation(result);
  if (error !== undefined) throw error;
}

function violation({ violated }: CheckResult): SlipwayError | undefined {
  if (violated.length === 0) return undefined;
  return new SlipwayError('failed-precondition', 'build.lint', `lint violation found for rules: ${violated.join(', ')}`, {
    hints: ['check=error=true in the Dockerfile makes errors of warnings; slipway build --check shows them'],
  });
}

/** With negations nothing can be said; of the whole context only when all of it is excluded (BuildKit, validateCopySourcePath). */
function isIgnored(ignore: PathFilter | undefined, path: string): boolean {
  if (!(ignore instanceof IgnoreMatcher) || ignore.hasNegations) return false;
  const clean = posix.normalize(path).replace(/^\/+|\/+$/g, '');
  if (clean !== '' && clean !== '.') return ignore.matches(clean).excluded;
  return ['*', '**', '**/*'].some((all) => ignore.hasPattern(all));
}

function isImageName(text: string): boolean {
  try {
    parseReference(text);
    return true;
  } catch {
    return false;
  }
}
