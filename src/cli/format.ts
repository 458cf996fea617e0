// Lists as tables, as JSON lines, or by a template: what `--format` and `-q` choose.
import { compileTemplate } from './template/template.ts';
import { table } from './table.ts';

export interface Column<R> {
  readonly head: string;
  readonly field: keyof R & string;
}

/** Renders rows of text fields. `format`: nothing, `json`, `table …` or a template. */
export function renderRows<R extends Readonly<Record<string, string>>>(
  rows: readonly R[],
  columns: readonly Column<R>[],
  format: string | undefined,
): string {
  if (format === undefined || format === '' || format === 'table') {
    return table([columns.map((c) => c.head), ...rows.map((r) => columns.map((c) => r[c.field] ?? ''))]);
  }
  if (format === 'json') return rows.map((r) => `${JSON.stringify(r)}\n`).join('');
  const unescaped = format.replaceAll('\\t', '\t').replaceAll('\\n', '\n');
  if (!unescaped.startsWith('table '))
    return rows
      .map(
        (
          (render) => (r: R) =>
            `${render(r)}\n`
        )(compileTemplate(unescaped)),
      )
      .join('');
  const template = unescaped.slice('table '.length);
  const heads = Object.fromEntries([
    ...columns.map((c) => [c.field, c.head]),
    ...Object.keys(rows[0] ?? {}).map((k) => [k, columns.find((c) => c.field === k)?.head ?? k.toUpperCase()]),
  ]) as Record<string, string>;
  const render = compileTemplate(template);
  return table([render(heads).split('\t'), ...rows.map((r) => render(r).split('\t'))]);
}

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
