// Text and actions of a template, and the words of an action.
import { parseError } from './errors.ts';

export interface Piece {
  readonly kind: 'text' | 'action';
  readonly text: string;
  /** Where `text` begins in the template. */
  readonly at: number;
}

export interface Token {
  readonly kind: 'field' | 'dot' | 'variable' | 'word' | 'string' | 'raw' | 'char' | 'number' | 'punct';
  readonly text: string;
  readonly at: number;
  /** Nothing between it and the token before. */
  readonly adjacent: boolean;
}

/** Text and actions in turn; `{{-` and `-}}` remove the blanks beside them, comments are left out. */
export function split(template: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let trim = false;
  const text = (to: number, trimEnd: boolean): void => {
    let piece = template.slice(at, to);
    if (trim) piece = piece.replace(/^[ \t\r\n]+/, '');
    if (trimEnd) piece = piece.replace(/[ \t\r\n]+$/, '');
    if (piece !== '') pieces.push({ kind: 'text', text: piece, at });
  };
  for (let open = template.indexOf('{{'); open >= 0; open = template.indexOf('{{', at)) {
    const trims = /^-[ \t\r\n]/.test(template.slice(open + 2, open + 4));
    text(open, trims);
    const begin = open + 2 + (trims ? 1 : 0);
    const comment = /^[ \t\r\n]*\/\*/.exec(template.slice(begin));
    const close = comment ? endOfComment(template, begin) : endOfAction(template, begin);
    trim = /[ \t\r\n]-$/.test(template.slice(begin, close));
    if (!comment) pieces.push({ kind: 'action', text: template.slice(begin, trim ? close - 1 : close), at: begin });
    at = close + 2;
  }
  text(template.length, false);
  return pieces;
}

function endOfComment(template: string, from: number): number {
  const end = template.indexOf('*/', from);
  if (end < 0) throw parseError(template, from, 'unclosed comment');
  const close = /^(?:[ \t\r\n]+-)?\}\}/.exec(template.slice(end + 2));
  if (!close) throw parseError(template, from, 'comment ends before closing delimiter');
  return end + 2 + close[0].length - 2;
}

/** `}}` inside a quoted string does not end an action. */
function endOfAction(template: string, from: number): number {
  const token = /"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\\n]|\\.)*'|\}\}|[^]/y;
  for (token.lastIndex = from; token.lastIndex < template.length;) {
    const at = token.lastIndex;
    if (token.exec(template)?.[0] === '}}') return at;
  }
  throw parseError(template, from, 'unclosed action');
}

const TOKEN =
  /(?<field>\.[\p{L}_][\p{L}\p{N}_]*)|(?<number>[+-]?(?:0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*)?\.\d+(?:[eE][+-]?\d+)?|\d[\d_]*\.?(?:[eE][+-]?\d+)?))(?![\p{L}\p{N}_])|(?<dot>\.)|(?<variable>\$[\p{L}\p{N}_]*)|(?<word>[\p{L}_][\p{L}\p{N}_]*)|(?<string>"(?:[^"\\\n]|\\.)*")|(?<raw>`[^`]*`)|(?<char>'(?:[^'\\\n]|\\.)+')|(?<punct>:=|[|(),=])/uy;

/** The words of an action. @throws SlipwayError `cli.template` in Go's words. */
export function tokens(template: string, { text, at: start }: Piece): Token[] {
  const out: Token[] = [];
  const end = text.replace(/[ \t\r\n]+$/, '').length;
  for (let at = 0, adjacent = false; at < end;) {
    const blank = /^[ \t\r\n]+/.exec(text.slice(at));
    if (blank) {
      at += blank[0].length;
      adjacent = false;
      continue;
    }
    TOKEN.lastIndex = at;
    const m = TOKEN.exec(text);
    if (!m?.groups) throw parseError(template, start + at, lexicalFault(text.slice(at)));
    const [kind, found] = Object.entries(m.groups).find(([, v]) => v !== undefined) as [Token['kind'], string];
    out.push({ kind, text: found, at: start + at, adjacent });
    at += found.length;
    adjacent = true;
  }
  return out;
}

function lexicalFault(rest: string): string {
  const c = String.fromCodePoint(rest.codePointAt(0) ?? 0);
  if (c === '"') return 'unterminated quoted string';
  if (c === '`') return 'unterminated raw quoted string';
  if (c === "'") return 'unterminated character constant';
  if (c === ':') return 'expected :=';
  if (/[\d+-]/.test(c)) return `bad number syntax: ${JSON.stringify(/^[+-]?[\p{L}\p{N}_.]*/u.exec(rest)?.[0] ?? c)}`;
  const hex = (rest.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `unrecognized character in action: U+${hex} '${c}'`;
}
