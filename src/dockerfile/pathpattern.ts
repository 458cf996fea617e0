// One pattern of an ignore file: Go's path patterns plus `**`, which takes any number of directories, also none.
// Small patterns become regular expressions; those with many stars are simulated, so that no pattern can blow up.
import { badPattern, Glob, readGlobToken, tokenTakes } from './glob.ts';
import type { GlobToken } from './glob.ts';

type Token =
  | GlobToken
  /** Anything but a slash. */
  | { readonly kind: 'star' }
  /** Nothing, or anything that ends with a slash. */
  | { readonly kind: 'directories' }
  /** Anything at all. */
  | { readonly kind: 'rest' };

/**
 * What a backslash before a letter means here, since the reference implementation hands it to its regular expressions:
 * control characters, and classes as ranges of code points.
 */
const ESCAPED_LETTERS: Readonly<Record<string, string>> = { a: '\u0007', f: '\f', t: '\t', n: '\n', r: '\r', v: '\v' };
const ESCAPED_CLASSES: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  d: [[0x30, 0x39]],
  s: [
    [0x09, 0x0a],
    [0x0c, 0x0d],
    [0x20, 0x20],
  ],
  w: [
    [0x30, 0x39],
    [0x41, 0x5a],
    [0x5f, 0x5f],
    [0x61, 0x7a],
  ],
};

function escapedToken(char: string): GlobToken {
  if (!/[A-Za-z0-9]/.test(char)) return { kind: 'literal', char };
  const letter = ESCAPED_LETTERS[char];
  if (letter !== undefined) return { kind: 'literal', char: letter };
  const ranges = ESCAPED_CLASSES[char.toLowerCase()];
  if (ranges === undefined) badPattern();
  return { kind: 'class', negated: char !== char.toLowerCase(), ranges };
}

/** Above this many stars a regular expression could take too long; two `**` do so on a deep path. */
const MAX_STARS = 3;

function tokenize(pattern: string): Token[] {
  const chars = Array.from(pattern);
  const tokens: Token[] = [];
  for (let at = 0; at < chars.length;) {
    if (chars[at] === '\\') {
      tokens.push(escapedToken(chars[at + 1] ?? ''));
      at += 2;
    } else if (chars[at] !== '*') {
      const { token, next } = readGlobToken(chars, at);
      if (token.kind === 'class' && token.ranges.some(([low, high]) => low > high)) badPattern();
      tokens.push(token);
      at = next;
    } else if (chars[at + 1] !== '*') {
      tokens.push({ kind: 'star' });
      at++;
    } else {
      at += chars[at + 2] === '/' ? 3 : 2;
      tokens.push({ kind: at >= chars.length ? 'rest' : 'directories' });
    }
  }
  return tokens;
}

function toExpression(tokens: readonly Token[]): RegExp {
  const code = (value: number) => `\\u{${value.toString(16)}}`;
  const parts = tokens.map((token) => {
    switch (token.kind) {
      case 'literal':
        return code(token.char.codePointAt(0) ?? 0);
      case 'any':
        return '[^/]';
      case 'star':
        return '[^/]*';
      case 'directories':
        return '(?:[^\\n]*/)?';
      case 'rest':
        return '[^\\n]*';
      case 'class': {
        const ranges = token.ranges.map(([low, high]) => `${code(low)}-${code(high)}`);
        return `[${token.negated ? '^' : ''}${ranges.join('')}]`;
      }
    }
  });
  return new RegExp(`^${parts.join('')}$`, 'u');
}

/** Follows all ways through the tokens at once: time is at most path length times pattern length. */
function simulate(tokens: readonly Token[], path: string): boolean {
  let states = new Set<number>();
  const enter = (set: Set<number>, state: number): void => {
    for (let at = state; ; at++) {
      set.add(at);
      const kind = tokens[at]?.kind;
      if (kind !== 'star' && kind !== 'directories' && kind !== 'rest') return;
    }
  };
  enter(states, 0);
  // A state beyond the tokens is one in the midst of `directories`, which is left at slashes only.
  const inside = (state: number) => -1 - state;
  for (const char of path) {
    const next = new Set<number>();
    for (const state of states) {
      const at = state < 0 ? -1 - state : state;
      const token = tokens[at];
      if (token === undefined) continue;
      if (token.kind === 'star') {
        if (char !== '/') enter(next, at);
      } else if (token.kind === 'rest') {
        if (char !== '\n') enter(next, at);
      } else if (token.kind === 'directories') {
        if (char === '\n') continue;
        next.add(inside(at));
        if (char === '/') enter(next, at + 1);
      } else if (state >= 0 && tokenTakes(token, char)) enter(next, at + 1);
    }
    states = next;
    if (states.size === 0) return false;
  }
  return states.has(tokens.length);
}

/** A pattern made ready for many paths. */
export class PathPattern {
  /** What every match begins with. */
  readonly literalPrefix: string;
  readonly #test: (path: string) => boolean;

  /** @throws LanguageFault for a pattern that is none */
  constructor(pattern: string) {
    void new Glob(pattern);
    const tokens = tokenize(pattern);
    const wild = tokens.findIndex((token) => token.kind !== 'literal');
    const text = (from: number, to: number) =>
      tokens
        .slice(from, to)
        .map((token) => (token.kind === 'literal' ? token.char : ''))
        .join('');
    this.literalPrefix = text(0, wild < 0 ? tokens.length : wild);
    if (wild < 0) {
      const whole = this.literalPrefix;
      this.#test = (path) => path === whole;
    } else if (wild === tokens.length - 1 && tokens[wild]?.kind === 'rest') {
      const head = this.literalPrefix;
      this.#test = (path) => path.startsWith(head);
    } else if (wild === 0 && tokens[0]?.kind === 'directories' && tokens.slice(1).every((token) => token.kind === 'literal')) {
      const tail = text(1, tokens.length);
      // `**x` without a slash takes any path that ends in x.
      this.#test = pattern[2] === '/' ? (path) => path === tail || path.endsWith(`/${tail}`) : (path) => path.endsWith(tail);
    } else if (
      tokens.filter((token) => token.kind === 'star' || token.kind === 'directories').length <= MAX_STARS &&
      tokens.filter((token) => token.kind === 'directories').length <= 1
    ) {
      const expression = toExpression(tokens);
      this.#test = (path) => expression.test(path);
    } else this.#test = (path) => simulate(tokens, path);
  }

  matches(path: string): boolean {
    return this.#test(path);
  }
}
