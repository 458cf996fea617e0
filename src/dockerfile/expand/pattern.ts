// Shell patterns in `${name#pattern}`, `${name%pattern}` and `${name/pattern/new}`: `*`, `?` and a backslash before these.
// Matching walks the value piece by piece, never backtracks, and so stays linear for hostile patterns too.
import { LanguageFault } from '../errors.ts';

/** Results beyond this length and searches beyond this many steps are refused, as they would take for ever. */
const MAX_LENGTH = 1 << 24;
const MAX_WORK = 2e9;

/** One character of a piece; `undefined` is any character but a line end. */
type Piece = readonly (string | undefined)[];

/** A pattern cut at its stars. */
interface Pattern {
  readonly pieces: readonly Piece[];
}

function compile(pattern: string): Pattern {
  const pieces: (string | undefined)[][] = [[]];
  const chars = Array.from(pattern);
  for (let at = 0; at < chars.length; at++) {
    let char = chars[at] ?? '';
    if (char === '*') {
      pieces.push([]);
      continue;
    }
    let literal: string | undefined = char;
    if (char === '?') literal = undefined;
    else if (char === '\\') {
      const next = chars[at + 1];
      // Closing brace and slash are escaped for the sake of the surrounding ${}, not of the pattern.
      if (next === '}' || next === '/') continue;
      if (next !== '*' && next !== '?' && next !== '\\')
        throw new LanguageFault('bad-substitution', `invalid escape '\\${next ?? '\ufffd'}'`);
      at++;
      char = next;
      literal = char;
    }
    pieces.at(-1)?.push(literal);
  }
  return { pieces };
}

/** End of `piece` when it stands at `at`, else -1. */
function pieceEnd(piece: Piece, value: string, at: number): number {
  let end = at;
  for (const wanted of piece) {
    if (end >= value.length) return -1;
    if (wanted === undefined) {
      if (value[end] === '\n') return -1;
      end += (value.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
    } else if (value.startsWith(wanted, end)) end += wanted.length;
    else return -1;
  }
  return end;
}

function lineEnd(value: string, at: number): number {
  const newline = value.indexOf('\n', at);
  return newline < 0 ? value.length : newline;
}

/** First place from `from` on where `piece` stands, not beyond `last`. */
function findPiece(piece: Piece, value: string, from: number, last: number): number {
  const head = piece[0];
  if (piece.every((wanted) => wanted !== undefined)) {
    const found = value.indexOf(piece.join(''), from);
    return found > last ? -1 : found;
  }
  if (piece.length * (last - from) > MAX_WORK)
    throw new LanguageFault('bad-substitution', 'the pattern is too long for a value of this length');
  for (let at = from; at <= last; at++) {
    if (head !== undefined) {
      at = value.indexOf(head, at);
      if (at < 0 || at > last) return -1;
    }
    if (pieceEnd(piece, value, at) >= 0) return at;
  }
  return -1;
}

function findLastPiece(piece: Piece, value: string, from: number, last: number): number {
  for (let at = last; at >= from; at--) if (pieceEnd(piece, value, at) >= 0) return at;
  return -1;
}

/** End of the shortest or longest match that begins at `at`; -1 when there is none. */
function matchEnd({ pieces }: Pattern, value: string, at: number, longest: boolean): number {
  let end = pieceEnd(pieces[0] ?? [], value, at);
  for (let index = 1; index < pieces.length && end >= 0; index++) {
    const piece = pieces[index] ?? [];
    const last = lineEnd(value, end);
    const found = longest && index === pieces.length - 1 ? findLastPiece(piece, value, end, last) : findPiece(piece, value, end, last);
    end = found < 0 ? -1 : pieceEnd(piece, value, found);
  }
  return end;
}

/** The leftmost match from `from` on, as long as possible. */
function find(pattern: Pattern, value: string, from: number): { start: number; end: number } | undefined {
  const head = pattern.pieces[0] ?? [];
  let at = from;
  while (at <= value.length) {
    const start = findPiece(head, value, at, value.length);
    if (start < 0) return undefined;
    const end = matchEnd(pattern, value, start, true);
    if (end >= 0) return { start, end };
    // A star does not cross a line end, so a later start in the same line cannot do better.
    at = Math.max(start, lineEnd(value, pieceEnd(head, value, start))) + 1;
  }
  return undefined;
}

/** `${name#pattern}` and, when `longest`, `${name##pattern}`. */
export function removePrefix(value: string, pattern: string, longest: boolean): string {
  const end = matchEnd(compile(pattern), value, 0, longest);
  return end < 0 ? value : value.slice(end);
}

function reversed(text: string): string {
  return Array.from(text).reverse().join('');
}

/** `${name%pattern}` and, when `longest`, `${name%%pattern}`. */
export function removeSuffix(value: string, pattern: string, longest: boolean): string {
  const { pieces } = compile(pattern);
  const backwards = { pieces: pieces.map((piece) => piece.toReversed()).toReversed() };
  const mirror = reversed(value);
  const end = matchEnd(backwards, mirror, 0, longest);
  return end < 0 ? value : reversed(mirror.slice(end));
}

/**
 * The replacement of one match where all are replaced. There the reference implementation takes `$0` for the match, `$$` for
 * a dollar sign, and any other `$name` or `${name}` for a group, of which there are none.
 */
function fillTemplate(template: string, match: string): string {
  if (!template.includes('$')) return template;
  return template.replace(/\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu, (whole, braced?: string, bare?: string) => {
    if (whole === '$$') return '$';
    return (braced ?? bare) === '0' ? match : '';
  });
}

/** `${name/pattern/replacement}` and, when `all`, `${name//pattern/replacement}`. */
export function replacePattern(value: string, pattern: string, replacement: string, all: boolean): string {
  const compiled = compile(pattern);
  const out: string[] = [];
  let copied = 0;
  let from = 0;
  let length = value.length;
  while (from <= value.length) {
    const found = find(compiled, value, from);
    if (found === undefined) break;
    // An empty match right behind the match before does not count.
    if (found.end > copied || found.start === 0) {
      out.push(value.slice(copied, found.start), all ? fillTemplate(replacement, value.slice(found.start, found.end)) : replacement);
      copied = found.end;
      if (!all) break;
      length += replacement.length;
      if (length > MAX_LENGTH) throw new LanguageFault('bad-substitution', 'the value becomes too long');
    }
    from = found.end > found.start ? found.end : found.end + ((value.codePointAt(found.end) ?? 0) > 0xffff ? 2 : 1);
  }
  out.push(value.slice(copied));
  return out.join('');
}
