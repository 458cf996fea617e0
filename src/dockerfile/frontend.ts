// `# syntax=`: the language that a file says it is written in. Slipway speaks Docker's own and runs no frontends from images.
import { parseReference } from '../model/index.ts';
import { diagnose, type Diagnostic } from './diagnostic.ts';
import { findDirective } from './directives.ts';
import { LanguageFault, located, type SourceFile } from './errors.ts';
import { lineRange } from './source.ts';

/** The version of `docker/dockerfile` whose language is spoken here, that of the labs channel included. */
const SPOKEN = [1, 20] as const;

/** `docker/dockerfile`, `docker/dockerfile-upstream`, also from a mirror. */
const OWN = /(?:^|\/)docker\/dockerfile(?:-upstream)?$/;

/**
 * Looks at the frontend that a file asks for.
 *
 * @param override what `BUILDKIT_SYNTAX` says in the place of the directive
 * @returns a warning when it may use more of the language than is spoken here
 * @throws SlipwayError 'dockerfile.frontend' for another language
 */
export function checkFrontend(file: SourceFile, override?: string): Diagnostic | undefined {
  const directive = findDirective(file.text, 'syntax');
  const wanted = override ?? directive?.value;
  if (wanted === undefined || wanted === '') return undefined;
  const range = directive?.range ?? lineRange(1, 1, 0);
  // what stands behind a blank is for the frontend
  const name = wanted.split(/\s/)[0] ?? '';
  const { path, tag } = namedBy(name);
  if (!OWN.test(path)) {
    const fault = new LanguageFault('frontend', `frontend ${name} cannot be run: only docker/dockerfile is supported`, [
      override === undefined ? 'leave the syntax directive out if the file is an ordinary Dockerfile' : 'leave BUILDKIT_SYNTAX out',
    ]);
    throw located(fault, file, range);
  }
  const [major = 0, minor = 0] = /^\d+(?:\.\d+)?/.exec(tag)?.[0].split('.').map(Number) ?? [];
  if (major < SPOKEN[0] || (major === SPOKEN[0] && minor <= SPOKEN[1])) return undefined;
  const message = `${name} is newer than the language spoken here, which is that of docker/dockerfile:${SPOKEN.join('.')}`;
  return diagnose(file, 'SyntaxVersion', 'What a newer frontend adds is refused as unknown.', message, range);
}

function namedBy(text: string): { path: string; tag: string } {
  try {
    const { path, tag } = parseReference(text);
    return { path, tag: tag ?? '' };
  } catch {
    return { path: '', tag: '' };
  }
}
