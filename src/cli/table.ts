// Columns as Docker prints them: left-aligned, three blanks apart where nothing else is said, widths by the longest cell.

/** Lines of a table; the last column is not padded. */
export function table(rows: readonly (readonly string[])[], gap = 3): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)));
  return rows
    .map((row) => `${row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd((widths[i] ?? 0) + gap))).join('')}\n`)
    .join('');
}
