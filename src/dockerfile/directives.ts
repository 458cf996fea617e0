// Parser directives: the `# name=value` lines at the head of a Dockerfile, and the other forms in which they may be written.
import { isBlank, isSpace, skipSpace, trimEnd } from './chars.ts';
import type { Directive } from './ast.ts';
import { LineReader } from './source.ts';
import type { PhysicalLine } from './source.ts';

const KNOWN: ReadonlySet<string> = new Set(['syntax', 'escape', 'check']);

function isNameCharacter(code: number, first: boolean): boolean {
  const letter = (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
  return letter || (!first && code >= 0x30 && code <= 0x39);
}

/** Reads one line as a directive behind the comment mark `mark`; undefined when it is none, also for a name nobody knows. */
export function readDirective(text: string, line: PhysicalLine, mark: '#' | '//'): Directive | undefined {
  const { start, end, number } = line;
  if (!text.startsWith(mark, start)) return undefined;
  let at = start + mark.length;
  while (at < end && (isBlank(text.charCodeAt(at)) || isSpace(text.charCodeAt(at)))) at++;
  const nameStart = at;
  while (at < end && isNameCharacter(text.charCodeAt(at), at === nameStart)) at++;
  if (at === nameStart) return undefined;
  const name = text.slice(nameStart, at).toLowerCase();
  at = skipSpace(text, at, end);
  if (text[at] !== '=' || at >= end) return undefined;
  const valueStart = skipSpace(text, at + 1, end);
  const valueEnd = trimEnd(text, valueStart, end);
  if (valueEnd === valueStart) return undefined;
  if (!KNOWN.has(name)) return undefined;
  const range = { start: { line: number, column: 0 }, end: { line: number, column: end - start } };
  return { name, value: text.slice(valueStart, valueEnd), range };
}

/** `# slipway:features=…`: a directive of this program, which others read over as a comment. */
export const isFeatures = (text: string, { start, end }: PhysicalLine): boolean =>
  text.startsWith('#', start) && FEATURES.test(text.slice(start, end));

const FEATURES = /^#\s*slipway:features\s*=/i;

function scan(text: string, name: string, mark: '#' | '//', skipShebang: boolean): Directive | undefined {
  const reader = new LineReader(text);
  let line = reader.next();
  if (line !== undefined && skipShebang && text.startsWith('#!', line.start)) line = reader.next();
  const seen = new Set<string>();
  for (; line !== undefined; line = reader.next()) {
    if (isFeatures(text, line)) continue;
    const found = readDirective(text, line, mark);
    if (found === undefined || seen.has(found.name)) return undefined;
    seen.add(found.name);
    if (found.name === name) return found;
  }
  return undefined;
}

/**
 * The value of a directive wherever a frontend may look for it: behind `#`, behind `//` (files of other languages), or as a
 * member of a file that is one JSON object of strings.
 */
export function findDirective(text: string, name: 'syntax' | 'check' | 'escape'): Directive | undefined {
  const found = scan(text, name, '#', true) ?? scan(text, name, '//', true);
  if (found !== undefined) return found;
  const start = skipSpace(text, text.startsWith('#!') ? text.indexOf('\n') + 1 || text.length : 0);
  if (text[start] !== '{') return undefined;
  try {
    const value: unknown = JSON.parse(text.slice(start));
    if (typeof value !== 'object' || value === null) return undefined;
    const members = Object.entries(value);
    const member = members.find(([key]) => key === name)?.[1] as unknown;
    if (typeof member !== 'string' || members.some(([, other]) => typeof other !== 'string')) return undefined;
    const line = text.startsWith('#!') ? 2 : 1;
    return { name, value: member, range: { start: { line, column: 0 }, end: { line, column: 0 } } };
  } catch {
    return undefined;
  }
}
