// Patterns over one path as Go's filepath.Match defines them: `*` and `?` stop at slashes, `[a-z]`, `[^x]`, backslash escapes.
import { LanguageFault } from './errors.ts';

/** One character of a pattern. */
export type GlobToken =
  | { readonly kind: 'literal'; readonly char: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'class'; readonly negated: boolean; readonly ranges: readonly (readonly [low: number, high: number])[] };

export function badPattern(): never {
  throw new LanguageFault('bad-pattern', 'syntax error in pattern');
}

/** Reads the character class behind a `[`; returns it and the index behind its `]`. */
function readClass(chars: readonly string[], from: number): { token: GlobToken; next: number } {
  let at = from;
  const negated = chars[at] === '^';
  if (negated) at++;
  const ranges: [number, number][] = [];
  const bound = (): number => {
    let char = chars[at];
    if (char === undefined || char === '-' || char === ']') badPattern();
    if (char === '\\') char = chars[++at] ?? badPattern();
    at++;
    if (at >= chars.length) badPattern();
    return char.codePointAt(0) ?? 0;
  };
  while (chars[at] !== ']' || ranges.length === 0) {
    const low = bound();
    let high = low;
    if (chars[at] === '-') {
      at++;
      high = bound();
    }
    ranges.push([low, high]);
  }
  return { token: { kind: 'class', negated, ranges }, next: at + 1 };
}

/** Reads the token at `from`, which is no star. */
export function readGlobToken(chars: readonly string[], from: number): { token: GlobToken; next: number } {
  const char = chars[from] ?? '';
  if (char === '?') return { token: { kind: 'any' }, next: from + 1 };
  if (char === '[') return readClass(chars, from + 1);
  if (char !== '\\') return { token: { kind: 'literal', char }, next: from + 1 };
  return { token: { kind: 'literal', char: chars[from + 1] ?? badPattern() }, next: from + 2 };
}

/** Whether a token takes the character `char` (any token but a star takes exactly one). */
export function tokenTakes(token: GlobToken, char: string): boolean {
  switch (token.kind) {
    case 'literal':
      return token.char === char;
    case 'any':
      return char !== '/';
    case 'class': {
      const code = char.codePointAt(0) ?? 0;
      return token.ranges.some(([low, high]) => low <= code && code <= high) !== token.negated;
    }
  }
}

/** The pieces between stars. */
function compileGlob(pattern: string): GlobToken[][] {
  const chars = Array.from(pattern);
  const pieces: GlobToken[][] = [[]];
  for (let at = 0; at < chars.length;) {
    if (chars[at] === '*') {
      if (at === 0 || chars[at - 1] !== '*' || pieces.at(-1)?.length !== 0 || pieces.length === 1) pieces.push([]);
      at++;
      continue;
    }
    const { token, next } = readGlobToken(chars, at);
    pieces.at(-1)?.push(token);
    at = next;
  }
  return pieces;
}

function pieceEnd(piece: readonly GlobToken[], name: readonly string[], at: number): number {
  if (at + piece.length > name.length) return -1;
  for (let index = 0; index < piece.length; index++) {
    const token = piece[index];
    if (token === undefined || !tokenTakes(token, name[at + index] ?? '')) return -1;
  }
  return at + piece.length;
}

/** A pattern made ready for many names. */
export class Glob {
  readonly #pieces: readonly (readonly GlobToken[])[];

  /** @throws LanguageFault for a pattern that is none */
  constructor(pattern: string) {
    this.#pieces = compileGlob(pattern);
  }

  matches(name: string): boolean {
    const chars = Array.from(name);
    const pieces = this.#pieces;
    let at = pieceEnd(pieces[0] ?? [], chars, 0);
    if (at < 0) return false;
    for (let index = 1; index < pieces.length; index++) {
      const piece = pieces[index] ?? [];
      const isLast = index === pieces.length - 1;
      for (; ; at++) {
        const end = pieceEnd(piece, chars, at);
        if (end >= 0 && (!isLast || end === chars.length)) {
          at = end;
          break;
        }
        if (at >= chars.length || chars[at] === '/') return false;
      }
    }
    return at === chars.length;
  }
}

/** Whether a name holds characters that make it a pattern. */
export function hasGlob(pattern: string): boolean {
  return /[*?[\\]/.test(pattern);
}
