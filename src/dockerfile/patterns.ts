// Patterns for other modules: faults become errors that may leave this module.
import { languageError, LanguageFault } from './errors.ts';
import { Glob } from './glob.ts';

export { hasGlob } from './glob.ts';

/**
 * Go's filepath.Match.
 * @throws SlipwayError 'dockerfile.bad-pattern'
 */
export function globMatch(pattern: string, name: string): boolean {
  return compileGlob(pattern).matches(name);
}

/** The same for matching many names. */
export function compileGlob(pattern: string): { matches(name: string): boolean } {
  try {
    return new Glob(pattern);
  } catch (error) {
    if (!(error instanceof LanguageFault)) throw error;
    throw languageError(error.code, error.message);
  }
}
