// Columns as Docker prints them: left-aligned, three blanks apart where nothing else is said, widths by the longest cell.

import { printable } from '../util/index.ts';

/** Lines of a table; the last column is not padded. `narrowest`: of a column, its gap included. */
export function table(texts: readonly (readonly string[])[], gap = 3, narrowest = 0): string {
  // A line feed in a cell would look like another row.
  const rows = texts.map((row) => row.map((cell) => printable(cell).replaceAll('\n', '\\n')));
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? narrowest, cell.length + gap)));
  return rows.map((row) => `${row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join('')}\n`).join('');
}
