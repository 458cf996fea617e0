// The functions of templates: those of Go's text/template, and Docker's own (docker/cli, templates).
import { printf } from './printf.ts';
import { Duration, entriesOf, isEmpty, isObject, Nil, show, typeOf, type Value } from './values.ts';

/** Thrown by a function; the evaluator adds the place. */
export class FunctionError extends Error {}

type Fn = (...args: Value[]) => Value;

/** A few functions that double a text would otherwise fill the memory. */
const LONGEST_TEXT = 1 << 22;

/** Widths that a template may ask for. */
const LARGEST_PAD = 10_000;

const text = (v: Value): string => {
  if (typeof v === 'string') return v;
  throw new FunctionError(`wrong type for value; expected string; got ${typeOf(v)}`);
};
const list = (v: Value): readonly Value[] => {
  if (Array.isArray(v)) return v;
  if (v instanceof Nil) return [];
  throw new FunctionError(`wrong type for value; expected []string; got ${typeOf(v)}`);
};
const whole = (v: Value): number => {
  if (typeof v === 'number' && Number.isInteger(v)) return v;
  throw new FunctionError(`wrong type for value; expected int; got ${typeOf(v)}`);
};

function json(v: Value): string {
  const plain = JSON.stringify(v, (_, x: Value) => (x instanceof Nil ? null : x)) ?? 'null';
  return plain;
}

function index(item: Value, ...keys: Value[]): Value {
  let at = item;
  for (const key of keys) {
    if (at === undefined || at === null) throw new FunctionError('index of untyped nil');
    if (Array.isArray(at) || typeof at === 'string' || (at instanceof Nil && at.printed === '[]')) {
      if (typeof key !== 'number') throw new FunctionError(`cannot index slice/array with type ${typeOf(key)}`);
      const length = at instanceof Nil ? 0 : at.length;
      if (key < 0 || key >= length) throw new FunctionError(`index out of range: ${key}`);
      at = typeof at === 'string' ? Buffer.from(at)[key] : (at as readonly Value[])[key];
    } else if (isObject(at)) {
      if (typeof key !== 'string') throw new FunctionError(`value has type ${typeOf(key)}; should be string`);
      const found: Value = Object.hasOwn(at, key) ? at[key] : zeroOf(at);
      at = found === null ? new Nil('[]') : found;
    } else if (at instanceof Nil) {
      at = undefined;
    } else throw new FunctionError(`can't index item of type ${typeOf(at)}`);
  }
  return at;
}

/** What a map gives for a key that it lacks. */
const zeroOf = (map: Record<string, Value>): Value => (Object.values(map).every((v) => typeof v === 'string') ? '' : undefined);

function slice(item: Value, ...bounds: Value[]): Value {
  if (typeof item !== 'string' && !Array.isArray(item)) throw new FunctionError(`can't slice item of type ${typeOf(item)}`);
  const [from = 0, to = item.length] = bounds.map(whole);
  if (from < 0 || from > item.length) throw new FunctionError(`index out of range: ${from}`);
  if (to < 0 || to > item.length) throw new FunctionError(`index out of range: ${to}`);
  if (from > to) throw new FunctionError(`invalid slice index: ${from} > ${to}`);
  return item.slice(from, to);
}

function length(v: Value): number {
  if (typeof v === 'string') return Buffer.byteLength(v);
  if (Array.isArray(v)) return v.length;
  if (isObject(v)) return Object.keys(v).length;
  if (v instanceof Nil) return 0;
  throw new FunctionError(v === undefined || v === null ? 'len of nil pointer' : `len of type ${typeOf(v)}`);
}

function order(left: Value, right: Value): number {
  const [a, b] = [plain(left), plain(right)];
  if (typeof a !== typeof b) throw new FunctionError('incompatible types for comparison');
  if (typeof a === 'number') return a - (b as number);
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b as string));
  throw new FunctionError('invalid type for comparison');
}

const plain = (v: Value): Value => (v instanceof Duration ? v.nanoseconds : v);

function equal(first: Value, ...rest: Value[]): boolean {
  const [a, others] = [plain(first), rest.map(plain)];
  if (others.length === 0) throw new FunctionError('missing argument for comparison');
  const nothing = (v: Value): boolean => v === undefined || v === null || v instanceof Nil;
  return others.some((b) => {
    if (nothing(a) || nothing(b)) return nothing(a) && nothing(b);
    if (typeof a === 'object' || typeof b === 'object') throw new FunctionError('incompatible types for comparison');
    if (typeof a !== typeof b) throw new FunctionError('incompatible types for comparison');
    return a === b;
  });
}

/** As fmt.Sprint: blanks between operands when neither is a string. */
const print = (...values: Value[]): string =>
  values.map((v, i) => (i > 0 && typeof v !== 'string' && typeof values[i - 1] !== 'string' ? ` ${inner(v)}` : inner(v))).join('');
const inner = (v: Value): string => (v === undefined || v === null ? '<nil>' : show(v));

const ENTITIES: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&#34;', "'": '&#39;', '\0': '\uFFFD' };

const FUNCTIONS: ReadonlyMap<string, Fn> = new Map<string, Fn>([
  ['json', json],
  ['split', (v, by) => text(v).split(text(by))],
  [
    'join',
    (items, by) =>
      list(items)
        .map((v) => text(v))
        .join(text(by)),
  ],
  ['title', (v) => text(v).replace(/(?<![\p{L}\p{N}_'])\p{L}/gu, (c) => c.toUpperCase())],
  ['lower', (v) => text(v).toLowerCase()],
  ['upper', (v) => text(v).toUpperCase()],
  ['pad', (v, before, after) => pad(text(v), whole(before), whole(after))],
  [
    'truncate',
    (v, n) =>
      Buffer.byteLength(text(v)) < whole(n)
        ? text(v)
        : Buffer.from(text(v))
            .subarray(0, Math.max(whole(n), 0))
            .toString(),
  ],
  ['len', length],
  ['index', index],
  ['slice', slice],
  ['print', print],
  ['println', (...v) => `${v.map(inner).join(' ')}\n`],
  ['printf', (format, ...v) => printf(text(format), v)],
  ['html', (...v) => print(...v).replace(/[<>&"'\0]/g, (c) => ENTITIES[c] ?? c)],
  [
    'js',
    (...v) =>
      print(...v).replace(
        /[\\'"<>&=\n\r]/g,
        (c) => `\\${c === '\n' ? 'n' : c === '\r' ? 'r' : /[<>&=]/.test(c) ? `u00${c.charCodeAt(0).toString(16).toUpperCase()}` : c}`,
      ),
  ],
  ['urlquery', (...v) => encodeURIComponent(print(...v)).replaceAll('%20', '+')],
  ['eq', equal],
  ['ne', (a, b) => !equal(a, b)],
  ['lt', (a, b) => order(a, b) < 0],
  ['le', (a, b) => order(a, b) <= 0],
  ['gt', (a, b) => order(a, b) > 0],
  ['ge', (a, b) => order(a, b) >= 0],
  ['not', (v) => isEmpty(v)],
]);

/** How many arguments each takes: from, to. */
const ARITY: Readonly<Record<string, readonly [number, number]>> = {
  json: [1, 1],
  split: [2, 2],
  join: [2, 2],
  title: [1, 1],
  lower: [1, 1],
  upper: [1, 1],
  pad: [3, 3],
  truncate: [2, 2],
  len: [1, 1],
  index: [1, Infinity],
  slice: [1, 4],
  and: [1, Infinity],
  or: [1, Infinity],
  printf: [1, Infinity],
  eq: [1, Infinity],
  ne: [2, 2],
  lt: [2, 2],
  le: [2, 2],
  gt: [2, 2],
  ge: [2, 2],
  not: [1, 1],
};

/** `and` and `or` stop at the argument that decides, so the evaluator has them. */
export const FUNCTION_NAMES: ReadonlySet<string> = new Set([...FUNCTIONS.keys(), 'and', 'or']);

/** Why so many arguments cannot be, in Go's words; undefined when they can. */
export function arityFault(name: string, count: number): string | undefined {
  const [least, most] = ARITY[name] ?? [0, Infinity];
  if (count >= least && count <= most) return undefined;
  return `wrong number of args for ${name}: want ${most === Infinity ? `at least ${least}` : least} got ${count}`;
}

/** @throws FunctionError in Go's words. */
export function callFunction(name: string, args: readonly Value[]): Value {
  const value = FUNCTIONS.get(name)?.(...args);
  if (typeof value === 'string' && value.length > LONGEST_TEXT) throw new FunctionError('the text becomes too long');
  return value;
}

function pad(v: string, before: number, after: number): string {
  const blanks = (n: number): string => ' '.repeat(Math.min(Math.max(n, 0), LARGEST_PAD));
  return v === '' ? '' : blanks(before) + v + blanks(after);
}

/** What `range` goes through: keys and values in order. */
export function rangeOf(v: Value): [Value, Value][] | undefined {
  if (v === undefined || v === null || v instanceof Nil) return [];
  if (Array.isArray(v)) return v.map((x, i): [Value, Value] => [i, x]);
  return isObject(v) ? entriesOf(v) : undefined;
}
