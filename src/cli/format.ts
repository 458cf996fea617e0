// Lists as tables, as JSON lines, or by a template: what `--format` and `-q` choose.
import { isSlipwayError, SlipwayError } from '../model/index.ts';
import { compileTemplate, type Method } from './template/index.ts';
import { parseTruth, printableJson } from '../util/index.ts';
import { invalidValue } from './args.ts';
import { table } from './table.ts';

export interface Column<R> {
  readonly head: string;
  readonly field: keyof R & string;
}

/** A row of texts. Functions are methods for templates: `{{.Label "app"}}`. */
export type Row = Readonly<Record<string, string | number | boolean | readonly string[] | null | Method>>;

/** The method that gives a row's label of a name. */
export const labelOf =
  (labels: Readonly<Record<string, string>>): Method =>
  (name) =>
    typeof name === 'string' && Object.hasOwn(labels, name) ? labels[name] : '';

/** The heading of a label's column: the last part of its name. */
const labelHeading: Method = (name) => String(name).split('.').at(-1)?.replaceAll(/[-_]/g, ' ');

/** The fields of `--format raw`, with the names that Docker prints there. */
export type RawFields = readonly (readonly [name: string, field: string])[];

const READING = 'template parsing error';

/** How Docker's list speaks of a template that is wrong. */
export interface TemplateWords {
  /** The Go type of a row. */
  readonly type: string;
  /** What precedes an error of reading it, and of applying it. */
  readonly reading?: string;
  readonly applying?: string;
}

/** Renders rows. `format`: nothing, `json`, `raw` where `raw` says how, `table …` or a template. @throws SlipwayError `cli.template` */
export function renderRows<R extends Row>(
  rows: readonly R[],
  columns: readonly Column<R>[],
  format: string | undefined,
  raw?: RawFields,
  words?: TemplateWords,
): string {
  if (format === undefined || format === '' || format === 'table')
    return listed([columns.map((c) => c.head), ...rows.map((r) => columns.map((c) => cell(r[c.field])))]);
  if (format === 'raw' && raw !== undefined)
    return rows.map((r) => `${raw.map(([name, field]) => `${`${name}: ${cell(r[field])}`.trimEnd()}\n`).join('')}\n`).join('');
  if (format === 'json') return rows.map((r) => `${printableJson(goJson(Object.fromEntries(Object.entries(r).sort(byName))))}\n`).join('');
  const unescaped = format.replaceAll('\\t', '\t').replaceAll('\\n', '\n');
  const isTable = unescaped.startsWith('table ');
  const render = compiled(isTable ? unescaped.slice('table '.length) : unescaped, words);
  if (!isTable) return rows.map((r) => `${render(r)}\n`).join('');
  const heads = Object.fromEntries(
    [...new Set([...columns.map((c) => c.field), ...Object.keys(rows[0] ?? {})])].map((field) => [
      field,
      typeof rows[0]?.[field] === 'function' ? labelHeading : (columns.find((c) => c.field === field)?.head ?? spaced(field)),
    ]),
  );
  return listed([render(heads).split('\t'), ...rows.map((r) => render(r).split('\t'))]);
}

function compiled(template: string, words: TemplateWords | undefined): ReturnType<typeof compileTemplate> {
  if (words === undefined) return compileTemplate(template);
  const { type, reading = READING, applying = READING } = words;
  try {
    return compileTemplate(template, applying, type);
  } catch (e) {
    throw isSlipwayError(e) ? e.withContext({ message: e.message.replace(READING, reading) }) : e;
  }
}

/** No column of Docker's lists is narrower than ten. */
const listed = (rows: readonly (readonly string[])[]): string => table(rows, 3, 10);

const cell = (value: Row[string] | undefined): string => (typeof value === 'string' ? value : '');
/** JSON as Go writes it: safe inside of HTML. */
const goJson = (value: unknown): string =>
  JSON.stringify(value).replaceAll(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);
/** `CreatedAt` is headed `CREATED AT`. */
const spaced = (field: string): string => field.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toUpperCase();

/** `a=1,b=2`, as lists show labels. */
export const labelsText = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');

/**
 * `key=value` pairs of `--filter`, several values for a key.
 *
 * @param allowed the keys of a list whose filters are all pairs
 * @throws SlipwayError `cli.filter`
 */
export function parseFilters(values: readonly string[], allowed?: ReadonlySet<string>): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const v of values) {
    const eq = v.indexOf('=');
    if (allowed && eq < 0)
      throw new SlipwayError(
        'invalid-argument',
        'cli.filter',
        invalidValue('-f, --filter', v, 'bad format of filter (expected name=value)'),
        { exitCode: 125 },
      );
    const key = (eq < 0 ? v : v.slice(0, eq)).trim().toLowerCase();
    if (allowed && !allowed.has(key))
      throw new SlipwayError('invalid-argument', 'cli.filter', `invalid filter '${key}'`, {
        hints: [`filters are ${[...allowed].join(', ')}`],
      });
    const list = out.get(key) ?? [];
    list.push(eq < 0 ? '' : v.slice(eq + 1).trim());
    out.set(key, list);
  }
  return out;
}

/** What a filter that is true or false says: of several values, each. @throws SlipwayError `cli.filter` */
export function truthsOf(filters: ReadonlyMap<string, readonly string[]>, key: string): boolean[] | undefined {
  return filters.get(key)?.map((value) => {
    const truth = parseTruth(value);
    if (truth === undefined) throw new SlipwayError('invalid-argument', 'cli.filter', `invalid filter '${key}=[${value}]'`);
    return truth;
  });
}
