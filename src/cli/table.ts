// Columns as Docker prints them: left-aligned, three blanks apart where nothing else is said, widths by the longest cell.

import { printable } from '../util/index.ts';

/** No column of Docker's lists is narrower. */
const NARROWEST = 10;

/** Lines of a table; the last column is not padded. */
export function table(texts: readonly (readonly string[])[], gap = 3): string {
  // A line feed in a cell would look like another row.
  const rows = texts.map((row) => row.map((cell) => printable(cell).replaceAll('\n', '\\n')));
  const least = gap === 3 ? NARROWEST : 0;
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? least, cell.length + gap)));
  return rows.map((row) => `${row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join('')}\n`).join('');
}
