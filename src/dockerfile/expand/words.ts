// The public face of the expander: words without a place in a file.
import { languageError, LanguageFault } from '../errors.ts';
import { expandText, expandTextToWords } from './shell.ts';
import type { Environment, Expansion, ExpandOptions, WordsExpansion } from './shell.ts';

function typed<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof LanguageFault)) throw error;
    throw languageError(error.code, error.message, undefined, error.hints);
  }
}

/**
 * Replaces the variables of a word and takes away its quotes and escapes.
 * @throws SlipwayError 'dockerfile.bad-substitution', 'dockerfile.required-variable'
 */
export function expandWord(word: string, env: Environment, options?: ExpandOptions): Expansion {
  return typed(() => expandText(word, env, options));
}

/** The same for a text that may be several words: cut at blanks outside of quotes, also those that variables bring. */
export function expandWords(text: string, env: Environment, options?: ExpandOptions): WordsExpansion {
  return typed(() => expandTextToWords(text, env, options));
}
