// Filters of BuildKit's lists (containerd's `filters`): words separated by commas must all hold, and one of several filters is enough.
import { SlipwayError } from '../model/index.ts';

type Value = string | number | boolean;
export type Fields = Readonly<Record<string, Value>>;

interface Condition {
  readonly field: string;
  readonly operator: string;
  readonly value: string;
}

const CONDITION = /^\s*([\w.-]+)\s*(?:(==|!=|~=|>=|<=|>|<|=)\s*("(?:[^"\\]|\\.)*"|[^,"]*?))?\s*(?:,|$)/;

/** @throws SlipwayError invalid-argument `buildkit.filter` for what is no filter, or has a field that is not among `known` */
export function parseFilters(texts: readonly string[], known: readonly string[]): (fields: Fields) => boolean {
  const all = texts.filter((text) => text.trim() !== '').map((text) => conditionsOf(text, known));
  if (all.length === 0) return () => true;
  return (fields) => all.some((conditions) => conditions.every((c) => holds(c, fields[c.field])));
}

function conditionsOf(text: string, known: readonly string[]): Condition[] {
  const found: Condition[] = [];
  for (let rest = text; rest !== '';) {
    const [whole, field, operator = '', value = ''] = CONDITION.exec(rest) ?? [];
    if (whole === undefined || field === undefined) throw invalid(`${JSON.stringify(text)} is no filter`);
    if (!known.includes(field)) throw invalid(`there is no field ${field} to filter by: ${known.join(', ')} are possible`);
    found.push({ field, operator, value: value.startsWith('"') ? unquoted(value) : value });
    rest = rest.slice(whole.length);
  }
  return found;
}

function unquoted(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    throw invalid(`${text} cannot be read`);
  }
}

const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', 'buildkit.filter', message);

/** A field that is not there is empty: `mutable` alone asks whether it is true. */
function holds({ operator, value }: Condition, actual: Value = ''): boolean {
  switch (operator) {
    case '':
      return actual !== '' && actual !== false;
    case '==':
    case '=':
      return String(actual) === value;
    case '!=':
      return String(actual) !== value;
    case '~=':
      // no pattern of a client is run here as a regular expression: one could take for ever
      return String(actual).includes(value);
    default: {
      const [a, b] = [Number(actual), typeof actual === 'number' && Number.isNaN(Number(value)) ? Date.parse(value) : Number(value)];
      if (Number.isNaN(b)) throw invalid(`${JSON.stringify(value)} is neither a number nor a time`);
      return operator === '>' ? a > b : operator === '>=' ? a >= b : operator === '<' ? a < b : a <= b;
    }
  }
}
