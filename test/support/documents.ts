// What a page of the documentation asks its reader to do, as a test can do it: files to write, commands to type, output to see.
// Pure; running is documents.test.ts.
//
//   ```console                 commands behind `$ ` (goes on behind `> `), and below each the output, if it is shown
//   ```sh run                  a script without output
//   ```dockerfile title="a/b"  a file that stands there from then on; any language
//   needs="image"              on a block: it is left out where there is no such image
//
// In an output, a line `…` stands for any lines, and `…` at the end of a line for the rest of it.

export interface Typed {
  readonly kind: 'command';
  readonly text: string;
  /** The lines shown below it; undefined when none are. */
  readonly output: readonly string[] | undefined;
  /** Line of the page, from 1, of the command, and of its first and behind its last line of output. */
  readonly line: number;
  readonly outputFrom: number;
  readonly outputTo: number;
  readonly indent: string;
}

export interface Written {
  readonly kind: 'file';
  readonly path: string;
  readonly text: string;
}

export type Part = Typed | Written;

const TITLE = /\btitle="([^"]+)"/;
const NEEDS = /\bneeds="([^"]+)"/;

/** The parts of a page in their order. @param has whether there is an image of a name */
export function partsOf(markdown: string, has: (image: string) => boolean = () => true): Part[] {
  const lines = markdown.split('\n');
  const parts: Part[] = [];
  for (let i = 0; i < lines.length; i++) {
    const [, indent = '', fence = '', info = ''] = /^( *)(`{3,})(.*)$/.exec(lines[i] ?? '') ?? [];
    if (fence === '') continue;
    const from = i + 1;
    for (i++; i < lines.length && (lines[i] ?? '').trim() !== fence; i++);
    const body = lines.slice(from, i).map((line) => line.slice(Math.min(indent.length, line.length - line.trimStart().length)));
    const needs = NEEDS.exec(info)?.[1];
    const path = TITLE.exec(info)?.[1];
    if (needs !== undefined && !has(needs)) continue;
    if (path !== undefined) parts.push({ kind: 'file', path, text: `${body.join('\n')}\n` });
    else if (/^console\b/.test(info)) parts.push(...dialogue(body, from + 1, indent));
    else if (/^sh run\b/.test(info))
      parts.push({
        kind: 'command',
        text: `(\nset -e\n${body.join('\n')}\n)`,
        output: undefined,
        line: from + 1,
        outputFrom: i + 1,
        outputTo: i + 1,
        indent,
      });
  }
  return parts;
}

function dialogue(body: readonly string[], first: number, indent: string): Typed[] {
  const found: Typed[] = [];
  for (let i = 0; i < body.length;) {
    const line = first + i;
    if (!body[i]?.startsWith('$ ')) throw new TypeError(`line ${line}: a console block begins with a command behind "$ "`);
    const text = [body[i++]?.slice(2)];
    for (; body[i]?.startsWith('> ') || body[i] === '>'; i++) text.push(body[i]?.slice(2));
    const from = i;
    while (i < body.length && !body[i]?.startsWith('$ ')) i++;
    const output = body.slice(from, i);
    found.push({
      kind: 'command',
      text: text.join('\n'),
      output: output.length === 0 ? undefined : output,
      line,
      outputFrom: first + from,
      outputTo: first + i,
      indent,
    });
  }
  return found;
}

/** What differs from run to run, by words that say what stands there. */
const VARYING: readonly (readonly [RegExp, string])[] = [
  [/\u001b\[[\d;]*m/g, ''],
  [/\b[\da-f]{64}\b/g, 'ID'],
  [/\b[\da-f]{12}\b/g, 'ID'],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z| ?[+-]\d{4}(?: \w+)?)?/g, 'DATE'],
  [/\b(?:Less than a second|About a minute|About an hour|\d+ (?:second|minute|hour|day|week|month|year)s?)(?= ago| *$|\b)/g, 'TIME'],
  [/(?<![\w.])\d+(?:\.\d+)? ?(?:ms|µs|s|min|m)\b/g, 'TIME'],
  [/(?<![\w.])\d+(?:\.\d+)? ?(?:B|kB|KB|MB|GB|TB|KiB|MiB|GiB|bytes)\b/g, 'SIZE'],
  [/(?<![\w.])\d+(?:\.\d+)? ?%/g, 'PERCENT'],
  [/(?<=:)(?:3[2-9]|[45]\d|6[0-5])\d{3}\b/g, 'PORT'],
  [/(?<=-)[█▏▎▍▌▋▊▉]+/g, ''],
  [/ +/g, ' '],
];

/** A line without what differs from run to run. */
const normal = (line: string): string => VARYING.reduce((text, [what, word]) => text.replaceAll(what, word), line).trimEnd();

/** Whether an output is the one that is shown. */
export function agrees(shown: readonly string[], seen: readonly string[]): boolean {
  const wanted = trimmed(shown.map(normal));
  const got = trimmed(seen.map(normal));
  const from = (i: number, k: number): boolean => {
    const line = wanted[i];
    if (line === undefined) return k === got.length;
    if (line === '…') return from(i + 1, k) || (k < got.length && from(i, k + 1));
    const there = got[k];
    if (there === undefined) return false;
    const fits = line.endsWith('…') ? there.startsWith(line.slice(0, -1).trimEnd()) : there === line;
    return fits && from(i + 1, k + 1);
  };
  return from(0, 0);
}

/** Without empty lines at the end. */
function trimmed(lines: readonly string[]): readonly string[] {
  const last = lines.findLastIndex((line) => line !== '');
  return lines.slice(0, last + 1);
}

/** Whether an output says that its command failed: only then may it. */
export const showsFailure = (output: readonly string[] | undefined): boolean =>
  output?.some((line) => /^(?:error|ERROR):|not yet:|Check complete, \d/.test(line.trim())) ?? false;

/** The page with other outputs, for those that are shown. */
export function withOutputs(markdown: string, seen: ReadonlyMap<Typed, readonly string[]>): string {
  const lines = markdown.split('\n');
  for (const [part, output] of [...seen].toReversed()) {
    if (part.output === undefined) continue;
    lines.splice(
      part.outputFrom - 1,
      part.outputTo - part.outputFrom,
      ...trimmed(output).map((line) => `${line === '' ? '' : part.indent}${line}`),
    );
  }
  return lines.join('\n');
}
