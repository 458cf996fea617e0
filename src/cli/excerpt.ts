// Lines of a file around what is wrong, in the form that BuildKit's users know, with a caret below the very part.
import type { SourceExcerpt } from '../model/index.ts';
import { printable } from '../util/index.ts';

/** Lines shown before and after. */
const AROUND = 2;
const RULE = '--------------------';

/** `Dockerfile:3`, a rule, the lines with `>>>` at those that are meant and `^` below the range when it is within one line. */
export function renderExcerpt({ file, text, range }: SourceExcerpt): string {
  const lines = text.split(/\r?\n/);
  const first = range.start.line;
  const last = Math.max(first, Math.min(range.end.line, lines.length));
  const out = [`${file}:${first}`, RULE];
  for (let n = Math.max(1, first - AROUND); n <= Math.min(lines.length, last + AROUND); n++) {
    const meant = n >= first && n <= last;
    const line = lines[n - 1] ?? '';
    out.push(`${String(n).padStart(4)} | ${meant ? '>>>' : '   '} ${line}`);
    if (meant && first === last && range.end.column > range.start.column) {
      // tabs stay tabs, so that the caret stands where the text does
      const lead = line.slice(0, range.start.column).replace(/[^\t]/g, ' ');
      out.push(`     |     ${lead}${'^'.repeat(Math.max(1, Math.min(range.end.column, line.length) - range.start.column))}`);
    }
  }
  return printable(`${out.join('\n')}\n${RULE}\n`);
}
