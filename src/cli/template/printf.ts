// Go's fmt.Sprintf for the values that templates have.
import { quoteGo } from './quote.ts';
import { isObject, Nil, show, typeOf, type Value } from './values.ts';

interface Spec {
  readonly minus: boolean;
  readonly plus: boolean;
  readonly sharp: boolean;
  readonly space: boolean;
  readonly zero: boolean;
  readonly width: number | undefined;
  readonly precision: number | undefined;
}

/** Widths and precisions beyond this are mistakes, as in Go. */
const LARGEST_WIDTH = 1_000_000;
const VERB = /%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d+)?)?([^])?/gu;

export function printf(format: string, args: readonly Value[]): string {
  let next = 0;
  const count = (text: string | undefined): number | undefined => {
    const n = text === '*' ? Number(args[next++]) : text === undefined ? undefined : Number(text);
    return n === undefined || !Number.isInteger(n) || n > LARGEST_WIDTH ? undefined : n;
  };
  const out = format.replace(VERB, (whole, flags: string, w: string | undefined, p: string | undefined, verb: string | undefined) => {
    if (verb === undefined) return '%!(NOVERB)';
    if (verb === '%') return '%';
    const width = count(w);
    const precision = whole.includes('.') ? (count(p) ?? 0) : undefined;
    const minus = flags.includes('-') || (width ?? 0) < 0;
    const has = (flag: string): boolean => flags.includes(flag);
    if (next >= args.length) return `%!${verb}(MISSING)`;
    return format1(verb, args[next++], {
      minus,
      plus: has('+'),
      sharp: has('#'),
      space: has(' '),
      zero: has('0') && !minus,
      width: width === undefined ? undefined : Math.abs(width),
      precision,
    });
  });
  if (next >= args.length) return out;
  const extra = args.slice(next).map((v) => (typeOf(v) === 'nil' ? '<nil>' : `${typeOf(v)}=${show(v)}`));
  return `${out}%!(EXTRA ${extra.join(', ')})`;
}

function format1(verb: string, v: Value, s: Spec): string {
  const body = unpadded(verb, v, s);
  if (s.width === undefined) return body;
  const length = [...body].length;
  if (length >= s.width) return body;
  const fill = s.width - length;
  if (s.minus) return body + ' '.repeat(fill);
  if (!s.zero || verb === 'q') return ' '.repeat(fill) + body;
  const sign = typeof v === 'number' ? (/^[+-]/.exec(body)?.[0] ?? '') : '';
  return sign + '0'.repeat(fill) + body.slice(sign.length);
}

function unpadded(verb: string, v: Value, s: Spec): string {
  if (verb === 'T') return typeOf(v) === 'nil' ? '<nil>' : typeOf(v);
  if (verb === 'v') {
    if (v === undefined || v === null) return '<nil>';
    return s.sharp && typeof v === 'string' ? quoteGo(v) : typeof v === 'number' ? signed(show(v), s) : show(v);
  }
  if (v === undefined || v === null || v instanceof Nil) return v instanceof Nil && verb === 's' ? v.printed : `%!${verb}(<nil>)`;
  if (Array.isArray(v)) return `[${v.map((x) => unpadded(verb, x, s)).join(' ')}]`;
  if (isObject(v)) {
    const entries = Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1));
    return `map[${entries.map(([k, x]) => `${unpadded(verb, k, s)}:${unpadded(verb, x, s)}`).join(' ')}]`;
  }
  const formatted = typeof v === 'string' ? ofText(verb, v, s) : typeof v === 'number' ? ofNumber(verb, v, s) : ofBoolean(verb, v);
  return formatted ?? `%!${verb}(${typeOf(v)}=${show(v)})`;
}

const ofBoolean = (verb: string, v: unknown): string | undefined => (verb === 't' ? String(v) : undefined);

function ofText(verb: string, v: string, s: Spec): string | undefined {
  const cut = s.precision === undefined ? v : [...v].slice(0, s.precision).join('');
  if (verb === 's') return cut;
  if (verb === 'q') return s.sharp && !cut.includes('`') ? `\`${cut}\`` : quoteGo(cut);
  if (verb !== 'x' && verb !== 'X') return undefined;
  const hex = Buffer.from(cut).toString('hex');
  return verb === 'X' ? hex.toUpperCase() : hex;
}

function ofNumber(verb: string, v: number, s: Spec): string | undefined {
  if (Number.isInteger(v)) {
    const based = (base: number, prefix: string): string =>
      signed(`${v < 0 ? '-' : ''}${s.sharp ? prefix : ''}${Math.abs(v).toString(base)}`, s);
    switch (verb) {
      case 'd':
        return signed(String(v), s);
      case 'b':
        return based(2, '0b');
      case 'o':
        return based(8, '0');
      case 'x':
        return based(16, '0x');
      case 'X':
        return based(16, '0x').toUpperCase();
      case 'c':
        return String.fromCodePoint(Math.min(Math.max(v, 0), 0x10ffff));
      case 'q':
        return `'${String.fromCodePoint(Math.min(Math.max(v, 0), 0x10ffff))}'`;
      case 'U':
        return `U+${v.toString(16).toUpperCase().padStart(4, '0')}`;
      default:
        return undefined;
    }
  }
  const precision = Math.min(s.precision ?? 6, 100);
  switch (verb) {
    case 'f':
    case 'F':
      return signed(v.toFixed(precision), s);
    case 'e':
      return signed(v.toExponential(precision).replace(/e([+-])(\d)$/, 'e$10$2'), s);
    case 'g':
      return signed(s.precision === undefined ? show(v) : String(Number(v.toPrecision(Math.max(precision, 1)))), s);
    default:
      return undefined;
  }
}

const signed = (text: string, s: Spec): string => (text.startsWith('-') ? text : s.plus ? `+${text}` : s.space ? ` ${text}` : text);
