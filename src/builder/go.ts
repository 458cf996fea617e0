// The spellings of Go's fmt that stand in image histories and messages of both engines.
import { quote } from '../dockerfile/index.ts';

export { durationText as duration } from '../util/index.ts';

/** `%q` of a list of strings. */
export const quotedList = (list: readonly string[]): string => `[${list.map(quote).join(' ')}]`;

/** `%v` of a list of strings. */
export const list = (items: readonly string[]): string => `[${items.join(' ')}]`;

/** `%q` of a number: the character of that code in single quotes. */
export function quotedRune(code: number): string {
  if (code === 0x27) return `'\\''`;
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return `'\ufffd'`;
  const char = String.fromCodePoint(code);
  return `'${char === '"' ? char : quote(char).slice(1, -1)}'`;
}
