// What `build --list-context` prints: a table for people, paths for other programs such as make, JSON for all of it.
import type { ContextList } from '../../engine/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { formatBytes, printable } from '../../util/index.ts';
import { table } from '../table.ts';

interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

const FORMATS: Readonly<Record<string, (list: ContextList) => string>> = {
  table: text,
  paths: ({ files }) => files.map(({ path }) => `${printable(path)}\n`).join(''),
  json: (list) => `${JSON.stringify(list, null, 2)}\n`,
};

/** Throws invalid-argument 'flag.list-context' for a format that there is not. */
export function contextFormat(format: string): (list: ContextList) => Printed {
  const found = FORMATS[format === 'true' ? 'table' : format];
  if (found === undefined)
    throw new SlipwayError('invalid-argument', 'flag.list-context', `invalid format ${JSON.stringify(format)} of a context`, {
      hints: [`--list-context=${Object.keys(FORMATS).join('|')}`],
    });
  return (list) => ({
    stdout: found(list),
    stderr: list.missing.map(({ step, message }) => `WARN: ${printable(step)}: ${printable(message)}\n`).join(''),
  });
}

const counted = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
const sum = (list: readonly { readonly size: number }[]): number => list.reduce((n, { size }) => n + size, 0);
const bySize = <T extends { readonly size: number }>(list: readonly T[]): T[] => list.toSorted((a, b) => b.size - a.size);

/** The largest first: what can be left out with most effect. */
function text({ files, excluded, ignoreFile = '.dockerignore' }: ContextList): string {
  const lines: string[] = [];
  const rows = bySize(files).map((f) => [formatBytes(f.size), f.path, f.readBy.length === 0 ? '-' : f.readBy.join(', ')]);
  if (rows.length > 0) lines.push(table([['SIZE', 'FILE', 'READ BY'], ...rows]));
  if (excluded.length > 0) {
    const why = (line: number | undefined, pattern: string | undefined): string =>
      pattern === undefined ? ignoreFile : `${ignoreFile}${line === undefined ? '' : `:${line}`}: ${pattern}`;
    const left = bySize(excluded).map((e) => [
      formatBytes(e.size),
      e.path.endsWith('/') ? `${e.path} (${counted(e.files, 'file')})` : e.path,
      why(e.line, e.pattern),
    ]);
    lines.push(table([['SIZE', 'EXCLUDED', 'BY'], ...left]));
  }
  const unread = files.filter((f) => f.readBy.length === 0);
  const parts = [
    `${counted(files.length, 'file')}, ${formatBytes(sum(files))}`,
    ...(unread.length > 0 ? [`${counted(unread.length, 'file')}, ${formatBytes(sum(unread))}, read by no step`] : []),
    ...(excluded.length > 0
      ? [
          `${counted(
            excluded.reduce((n, e) => n + e.files, 0),
            'file',
          )}, ${formatBytes(sum(excluded))}, excluded`,
        ]
      : []),
  ];
  return [...lines, `${parts.join('; ')}\n`].join('\n');
}
