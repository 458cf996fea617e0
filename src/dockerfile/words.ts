// The lexers of an instruction's line: flags, words of `key=value` instructions, blank-separated words and JSON lists.
// All take the joined line and offsets, and every token keeps its place.
import { isBlank, isSpace, skipSpace } from './chars.ts';
import { LanguageFault } from './errors.ts';
import { Token } from './line.ts';
import type { LogicalLine } from './line.ts';

const NO_TOKENS: Token[] = [];

/** Reads the `--flags` from `from` on; `rest` is where the arguments begin. A bare `--` ends the flags. */
export function lexFlags(line: LogicalLine, from: number, end: number, escape: string): { flags: readonly Token[]; rest: number } {
  const { text } = line;
  let flags = NO_TOKENS;
  let at = from;
  for (;;) {
    at = skipSpace(text, at, end);
    if (at >= end) return { flags, rest: end };
    if (!text.startsWith('--', at) || at + 1 >= end) return { flags, rest: at };
    const flag = lexFlag(line, at, end, escape);
    if (flag.value === '--') return { flags, rest: flag.end };
    if (flags === NO_TOKENS) flags = [];
    flags.push(flag);
    at = flag.end;
  }
}

function lexFlag(line: LogicalLine, start: number, end: number, escape: string): Token {
  const { text } = line;
  let at = start;
  for (; at < end; at++) {
    const code = text.charCodeAt(at);
    if (text[at] === escape || code === 0x22 || code === 0x27) break;
    if (isSpace(code)) return new Token(line, text.slice(start, at), start, at);
  }
  const parts = [text.slice(start, at)];
  let quote = '';
  for (; at < end; at++) {
    const char = text[at] ?? '';
    if (char === escape) {
      at++;
      if (at < end) parts.push(text[at] ?? '');
    } else if (quote !== '') {
      if (char === quote) quote = '';
      else parts.push(char);
    } else if (isSpace(text.charCodeAt(at))) break;
    else if (char === '"' || char === "'") quote = char;
    else parts.push(char);
  }
  return new Token(line, parts.join(''), start, Math.min(at, end));
}

/** Cuts at blanks outside of quotes; quotes and escapes stay in the words. */
export function lexQuotedWords(line: LogicalLine, from: number, end: number, escape: string): Token[] {
  const { text } = line;
  const words: Token[] = [];
  let at = skipSpace(text, from, end);
  while (at < end) {
    const start = at;
    let quote = '';
    let droppedEscape = false;
    for (; at < end; at++) {
      const char = text[at] ?? '';
      if (char === escape && quote !== "'") {
        // An escape character at the very end escapes nothing and is dropped.
        if (at + 1 >= end) droppedEscape = true;
        else at++;
      } else if (quote !== '') {
        if (char === quote) quote = '';
      } else if (char === '"' || char === "'") quote = char;
      else if (isSpace(text.charCodeAt(at))) break;
    }
    const value = text.slice(start, droppedEscape ? end - 1 : at);
    if (value !== '') words.push(new Token(line, value, start, at));
    at = skipSpace(text, at, end);
  }
  return words;
}

/** Cuts at runs of blanks and nothing else. */
export function lexWords(line: LogicalLine, from: number, end: number): Token[] {
  const { text } = line;
  const words: Token[] = [];
  if (from >= end) return words;
  let start = from;
  for (let at = from; at <= end; at++) {
    if (at < end && !isBlank(text.charCodeAt(at))) continue;
    words.push(new Token(line, text.slice(start, at), start, at));
    while (at < end && isBlank(text.charCodeAt(at))) at++;
    start = at;
    at--;
    if (start >= end) break;
  }
  return words;
}

/** Beyond this nesting the text counts as no JSON, as in the reference implementation. */
const MAX_DEPTH = 10_000;

/**
 * Reads a JSON list of strings that takes the whole rest of the line; undefined when it is not JSON and hence in shell form.
 * @throws LanguageFault for a list that holds anything but strings.
 */
export function lexJsonList(line: LogicalLine, from: number, end: number): Token[] | undefined {
  const { text } = line;
  const start = skipSpace(text, from, end);
  if (text[start] !== '[' || start >= end) return undefined;
  const json = text.slice(start, end);
  if (nesting(json) > MAX_DEPTH) return undefined;
  let list: unknown;
  try {
    list = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (!Array.isArray(list)) return undefined;
  if (!list.every((item) => typeof item === 'string')) {
    throw new LanguageFault('json-not-strings', 'when using JSON array syntax, arrays must be comprised of strings only');
  }
  const places = stringPlaces(text, start, end);
  return list.map((item: string, index) => new Token(line, item.toWellFormed(), places[index]?.start ?? start, places[index]?.end ?? end));
}

function nesting(json: string): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (quoted) {
      if (code === 0x5c) at++;
      else if (code === 0x22) quoted = false;
    } else if (code === 0x22) quoted = true;
    else if (code === 0x5b || code === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (code === 0x5d || code === 0x7d) depth--;
  }
  return deepest;
}

/** Where the strings of a flat JSON list stand, quotes included. */
function stringPlaces(text: string, from: number, end: number): { start: number; end: number }[] {
  const places: { start: number; end: number }[] = [];
  for (let at = from; at < end; at++) {
    if (text[at] !== '"') continue;
    const start = at;
    for (at++; at < end && text[at] !== '"'; at++) if (text[at] === '\\') at++;
    places.push({ start, end: at + 1 });
  }
  return places;
}
