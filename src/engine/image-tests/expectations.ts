// Whether a text is as expected.
import type { Expectation } from './types.ts';
import { compile } from './yaml.ts';

/** Characters of a text that are shown. */
const SHOWN = 400;

/** @param what the text is, for messages */
export function unmet(what: string, text: string, { matches, lacks }: Expectation): string[] {
  const unmatched = matches.filter((pattern) => !compile(pattern).test(text));
  const matched = lacks.filter((pattern) => compile(pattern).test(text));
  return [
    ...unmatched.map((pattern) => `${what} does not match ${shown(pattern)}: ${excerpt(text)}`),
    ...matched.map((pattern) => `${what} matches ${shown(pattern)}, and should not: ${excerpt(text)}`),
  ];
}

/** `(?m)` is not the user's: it was added when the file was read. */
const shown = (pattern: string): string => `/${pattern.replace(/^\(\?m\)/, '')}/`;

/** In quotes, without what would move the cursor. */
export const excerpt = (text: string): string =>
  text === '' ? 'it is empty' : JSON.stringify(text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}…`);
