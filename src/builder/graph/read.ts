// The Dockerfile of a request, as the graph engine reads it.
import { checkFrontend, type Diagnostic, type Dockerfile, parseDockerfile } from '../../dockerfile/index.ts';
import type { BuildJob } from '../types.ts';

/** A warning when the file may be written in a newer language. @throws SlipwayError 'dockerfile.frontend' */
export const frontendWarning = ({ dockerfile, buildArgs }: BuildJob): Diagnostic | undefined =>
  checkFrontend(dockerfile, buildArgs['BUILDKIT_SYNTAX']);

/** @throws SlipwayError 'dockerfile.…' */
export function readDockerfile(request: BuildJob): { readonly dockerfile: Dockerfile; readonly warning: Diagnostic | undefined } {
  const warning = frontendWarning(request);
  const { text, ...options } = request.dockerfile;
  return { dockerfile: parseDockerfile(text, options), warning };
}
