// Lists as tables, as JSON lines, or by a template: what `--format` and `-q` choose.
import { compileTemplate, type Method } from './template/index.ts';
import { printableJson } from '../util/index.ts';
import { table } from './table.ts';

export interface Column<R> {
  readonly head: string;
  readonly field: keyof R & string;
}

/** A row of texts. Functions are methods for templates: `{{.Label "app"}}`. */
export type Row = Readonly<Record<string, string | null | Method>>;

/** The method that gives a row's label of a name. */
export const labelOf =
  (labels: Readonly<Record<string, string>>): Method =>
  (name) =>
    typeof name === 'string' && Object.hasOwn(labels, name) ? labels[name] : '';

/** The heading of a label's column: the last part of its name. */
const labelHeading: Method = (name) => String(name).split('.').at(-1)?.replaceAll(/[-_]/g, ' ');

/** Renders rows. `format`: nothing, `json`, `table …` or a template. @throws SlipwayError `cli.template` */
export function renderRows<R extends Row>(rows: readonly R[], columns: readonly Column<R>[], format: string | undefined): string {
  if (format === undefined || format === '' || format === 'table')
    return listed([columns.map((c) => c.head), ...rows.map((r) => columns.map((c) => cell(r[c.field])))]);
  if (format === 'json')
    return rows.map((r) => `${printableJson(JSON.stringify(Object.fromEntries(Object.entries(r).sort(byName))))}\n`).join('');
  const unescaped = format.replaceAll('\\t', '\t').replaceAll('\\n', '\n');
  const isTable = unescaped.startsWith('table ');
  const render = compileTemplate(isTable ? unescaped.slice('table '.length) : unescaped);
  if (!isTable) return rows.map((r) => `${render(r)}\n`).join('');
  const heads = Object.fromEntries(
    [...new Set([...columns.map((c) => c.field), ...Object.keys(rows[0] ?? {})])].map((field) => [
      field,
      typeof rows[0]?.[field] === 'function' ? labelHeading : (columns.find((c) => c.field === field)?.head ?? spaced(field)),
    ]),
  );
  return listed([render(heads).split('\t'), ...rows.map((r) => render(r).split('\t'))]);
}

/** No column of Docker's lists is narrower than ten. */
const listed = (rows: readonly (readonly string[])[]): string => table(rows, 3, 10);

const cell = (value: Row[string] | undefined): string => (typeof value === 'string' ? value : '');
const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);
/** `CreatedAt` is headed `CREATED AT`. */
const spaced = (field: string): string => field.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toUpperCase();

/** `key=value` pairs of `--filter`, several values for a key. */
export function parseFilters(values: readonly string[]): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const v of values) {
    const eq = v.indexOf('=');
    const key = eq < 0 ? v : v.slice(0, eq);
    const list = out.get(key) ?? [];
    list.push(eq < 0 ? '' : v.slice(eq + 1));
    out.set(key, list);
  }
  return out;
}
