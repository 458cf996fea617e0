// Here-documents: finding their marks in an instruction's line, and reading what stands below it.
import { LanguageFault } from './errors.ts';
import { expandText, expandTextToWords } from './expand/shell.ts';
import type { Environment } from './expand/shell.ts';
import type { LineReader } from './source.ts';

/** The mark of a heredoc: `<<NAME`, `<<-NAME`, `3<<"NAME"`. */
export interface HeredocMark {
  readonly name: string;
  readonly expand: boolean;
  readonly chomp: boolean;
  readonly fileDescriptor: number;
}

const NOTHING: Environment = { get: () => undefined };

/** A variable with a modifier makes no name, while a plain one stands for itself. */
const MODIFIED = /\$\{[\p{L}\p{Nd}_]*[^\p{L}\p{Nd}_}]/u;

/** Reads one word as a heredoc's mark; undefined when it is none, or when the shell could not read its name. */
export function parseHeredocMark(word: string): HeredocMark | undefined {
  try {
    return readMark(word);
  } catch (error) {
    if (error instanceof LanguageFault) return undefined;
    throw error;
  }
}

function readMark(word: string): HeredocMark | undefined {
  const mark = word.indexOf('<<');
  if (mark < 0) return undefined;
  for (let at = 0; at < mark; at++) if (word.charCodeAt(at) < 0x30 || word.charCodeAt(at) > 0x39) return undefined;
  const chomp = word[mark + 2] === '-';
  const rest = word.slice(mark + (chomp ? 3 : 2));
  if (rest === '' || rest.includes('<') || rest.includes('\n') || MODIFIED.test(rest)) return undefined;
  const { words } = expandTextToWords(rest, NOTHING, { keepUnset: true });
  const name = words[0];
  if (name === undefined || words.length !== 1) return undefined;
  // Quotes that do not belong to the name mean that the body is taken literally; escapes do not.
  const raw = expandText(rest, NOTHING, { keepUnset: true, keepQuotes: true }).value;
  return {
    name,
    expand: quotesIn(raw) === quotesIn(name),
    chomp,
    fileDescriptor: mark === 0 ? 0 : Number.parseInt(word.slice(0, mark), 10),
  };
}

const quotesIn = (text: string): number => text.replaceAll(/[^'"]/g, '').length;

/** All marks of a line, in order. Text that the shell could not read has none. */
export function findHeredocMarks(line: string): HeredocMark[] {
  if (!line.includes('<<')) return [];
  let words: readonly string[];
  try {
    ({ words } = expandTextToWords(line, NOTHING, { keepUnset: true, keepQuotes: true, keepEscapes: true }));
  } catch (error) {
    if (error instanceof LanguageFault) return [];
    throw error;
  }
  const marks: HeredocMark[] = [];
  for (let index = 0; index < words.length; index++) {
    let word = words[index] ?? '';
    if (!word.includes('<<')) continue;
    // Blanks may stand before the name.
    if (/^[0-9]*<<$/.test(word)) word += words[++index] ?? '';
    const mark = parseHeredocMark(word);
    if (mark !== undefined) marks.push(mark);
  }
  return marks;
}

/** Takes the lines of a heredoc up to its terminator; undefined when the text ends before. */
export function readHeredoc(reader: LineReader, mark: HeredocMark): { content: string; first: number; last: number } | undefined {
  const first = reader.number + 1;
  let start = -1;
  for (;;) {
    const line = reader.next();
    if (line === undefined) return undefined;
    if (start < 0) start = line.start;
    let from = line.start;
    if (mark.chomp) while (from < line.end && reader.text[from] === '\t') from++;
    if (line.end - from === mark.name.length && reader.text.startsWith(mark.name, from)) {
      return { content: reader.text.slice(start, line.start), first, last: line.number };
    }
  }
}

/** The body of a `<<-` heredoc without the tabs at the head of its lines. */
export function chompHeredoc(content: string): string {
  return content.replace(/(^|\n)\t+/g, '$1');
}
