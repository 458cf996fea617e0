// One way to write a Dockerfile: instructions in capitals, one blank between words, continuations indented by four, at most
// one empty line, a line end at the end. What an instruction means never changes: quoted text, heredocs, commands and words
// that touch over a continuation stay as they are, and the result is parsed again and compared.
import type { InstructionNode } from './ast.ts';
import { readDirective } from './directives.ts';
import type { PartReader } from './include.ts';
import { type DockerfileOptions, parseDockerfile } from './stages.ts';
import { decodeText } from './source.ts';
import { type PlainInstruction, plainTree } from './tree.ts';

const INDENT = 4;

/**
 * Formats a Dockerfile.
 * @throws SlipwayError as `parseDockerfile` does, for text that is no Dockerfile
 */
export function formatDockerfile(input: string | Uint8Array, o: DockerfileOptions = {}): string {
  const options: DockerfileOptions = { ...o, include: unread };
  const text = decodeText(input);
  const before = instructionsOf(text, options);
  const verbatim = new Set<number>();
  for (;;) {
    const formatted = new Formatter(text, options, verbatim).run();
    const after = instructionsOf(formatted, options);
    const changed = before.findIndex((was, i) => !sameMeaning(was, after[i]));
    if (changed < 0 && after.length === before.length) return formatted;
    // What this formatter does not understand stays as it was written.
    if (changed < 0 || verbatim.has(changed)) return text;
    verbatim.add(changed);
  }
}

/** What is included is not looked at: an instruction that may stand anywhere takes its place. */
const unread: PartReader = (path) => ({ name: path, id: path, text: 'FROM scratch\n' });

function instructionsOf(text: string, options: DockerfileOptions): PlainInstruction[] {
  const tree = plainTree(parseDockerfile(text, options));
  return [...tree.metaArgs, ...tree.stages.flatMap((stage) => stage.instructions)];
}

/** Runs of blanks in a command line count as one: whoever reads it cuts words there. */
function sameMeaning(a: PlainInstruction, b: PlainInstruction | undefined): boolean {
  return b !== undefined && meaning(a) === meaning(b);
}

function meaning(node: PlainInstruction): string {
  const squeezed = (value: string): string => (node.json ? value : value.replace(/[ \t]+/g, ' '));
  return JSON.stringify([
    node.instruction,
    node.flags?.map((flag) => flag.text),
    node.json,
    node.words?.map((word) => (squeezed(word.value).toLowerCase() === 'as' && node.instruction === 'FROM' ? 'AS' : squeezed(word.value))),
    node.pairs?.map(({ key, value, legacy }) => [key, value, legacy]),
    node.heredocs?.map(({ range: _, ...doc }) => doc),
    node.trigger && meaning(node.trigger),
  ]);
}

/** A physical line of an instruction that adds to it. */
interface Piece {
  readonly kind: 'piece';
  readonly lead: string;
  /** Without the blanks in front, and without the escape character and what follows it. */
  readonly content: string;
  readonly continued: boolean;
  /** It begins within quotes: nothing in front of it may change. */
  readonly quoted: boolean;
}

interface CommentLine {
  readonly kind: 'comment';
  readonly lead: string;
  readonly content: string;
}

class Formatter {
  readonly #lines: string[];
  readonly #raw: string[];
  readonly #nodes: readonly InstructionNode[];
  readonly #directives: number;
  readonly #escape: string;
  readonly #verbatim: ReadonlySet<number>;
  readonly #out: string[] = [];

  constructor(text: string, options: DockerfileOptions, verbatim: ReadonlySet<number>) {
    const { ast } = parseDockerfile(text, options);
    this.#raw = text.split('\n');
    this.#lines = this.#raw.map((line) => line.replace(/\r+$/, ''));
    this.#nodes = ast.instructions;
    this.#directives = ast.directives.length;
    this.#escape = ast.escape;
    this.#verbatim = verbatim;
  }

  run(): string {
    let next = 1;
    for (const [index, node] of this.#nodes.entries()) {
      this.#between(next, node.range.start.line);
      next = this.#instruction(index, node);
    }
    this.#between(next, this.#lines.length + 1);
    while (this.#out.at(-1) === '') this.#out.pop();
    return `${this.#out.join('\n')}\n`;
  }

  /** Comments, directives and empty lines from line `from` up to, not including, line `to`. */
  #between(from: number, to: number): void {
    for (let number = from; number < to; number++) {
      const line = (this.#lines[number - 1] ?? '').trim();
      if (number <= this.#directives) {
        const directive = readDirective(line, { number, start: 0, end: line.length, next: line.length }, '#');
        this.#out.push(directive === undefined ? line : `# ${directive.name}=${directive.value}`);
      } else if (line !== '') this.#out.push(line);
      else if (this.#out.length > 0 ? this.#out.at(-1) !== '' : this.#wouldBecomeDirective(number)) this.#out.push('');
    }
  }

  /** A comment below an empty line is a comment; at the head of the file it may be a directive. */
  #wouldBecomeDirective(empty: number): boolean {
    const line = this.#lines.slice(empty).find((l) => l.trim() !== '') ?? '';
    return readDirective(line.trim(), { number: 1, start: 0, end: line.trim().length, next: line.length }, '#') !== undefined;
  }

  /** Writes one instruction; the number of the line after it. */
  #instruction(index: number, node: InstructionNode): number {
    const first = node.range.start.line;
    const body = node.heredocs[0] === undefined ? undefined : node.heredocs[0].range.start.line;
    const last = body === undefined ? node.range.end.line : body - 1;
    if (this.#verbatim.has(index)) this.#out.push(...this.#raw.slice(first - 1, last));
    else {
      const parts = this.#parts(first, last);
      const pieces = parts.filter((part) => part.kind === 'piece');
      if (pieces.length === 1) this.#out.push(oneLine(node, this.#lines[first - 1] ?? '', pieces[0]?.content ?? ''));
      else this.#out.push(...this.#manyLines(node, parts));
    }
    if (body === undefined) return last + 1;
    // Bodies with their terminators, byte for byte.
    this.#out.push(...this.#raw.slice(body - 1, node.range.end.line));
    return node.range.end.line + 1;
  }

  #parts(first: number, last: number): (Piece | CommentLine)[] {
    const parts: (Piece | CommentLine)[] = [];
    let quote = '';
    let gap = '';
    for (let number = first; number <= last; number++) {
      const line = this.#lines[number - 1] ?? '';
      const lead = /^\s*/.exec(line)?.[0] ?? '';
      const rest = line.slice(lead.length);
      if (rest === '') continue;
      if (number > first && rest.startsWith('#')) {
        parts.push({ kind: 'comment', lead, content: rest.trimEnd() });
        continue;
      }
      const end = this.#continuation(rest);
      const content = end < 0 ? rest : rest.slice(0, end);
      // A line of nothing but an escape character goes; the blanks in front of it still part what is above from what is below.
      if (content === '' && number > first && quote === '') {
        gap ||= lead;
        continue;
      }
      parts.push({ kind: 'piece', lead: lead || gap, content, continued: end >= 0, quoted: quote !== '' });
      gap = '';
      quote = quoteAfter(content, quote, this.#escape);
    }
    return parts;
  }

  #continuation(line: string): number {
    const trimmed = line.replace(/[ \t]+$/, '');
    if (!trimmed.endsWith(this.#escape)) return -1;
    return trimmed.at(-2) === this.#escape ? -1 : trimmed.length - 1;
  }

  #manyLines(node: InstructionNode, parts: readonly (Piece | CommentLine)[]): string[] {
    const width = (lead: string): number => lead.replaceAll('\t', ' '.repeat(INDENT)).length;
    const shifted = parts.slice(1).filter((part, i) => part.kind === 'comment' || !(part.quoted || touches(parts, i + 1)));
    const least = Math.min(...shifted.map((part) => width(part.lead)));
    const lastPiece = parts.findLastIndex((part) => part.kind === 'piece');
    return parts.map((part, i) => {
      const indent = ' '.repeat(INDENT + Math.max(0, width(part.lead) - least));
      if (part.kind === 'comment') return indent + part.content;
      const keep = part.quoted || touches(parts, i);
      const head = i === 0 ? headOf(node, part.content) : (keep ? part.lead : indent) + part.content;
      const nextIndex = parts.findIndex((other, j) => j > i && other.kind === 'piece');
      if (i === lastPiece || nextIndex < 0) return head.trimEnd();
      const next = parts[nextIndex];
      const tight = next?.kind === 'piece' && (next.quoted || touches(parts, nextIndex));
      return tight || /\\[ \t]*$/.test(head) ? head + this.#escape : `${head.trimEnd()} ${this.#escape}`;
    });
  }
}

/** Whether a piece goes on with the very word that the piece before it ends with. */
function touches(parts: readonly (Piece | CommentLine)[], index: number): boolean {
  const part = parts[index];
  const previous = parts.slice(0, index).findLast((other) => other.kind === 'piece');
  return (
    part?.kind === 'piece' && previous?.kind === 'piece' && part.lead === '' && !/[ \t]$/.test(previous.content) && previous.content !== ''
  );
}

/** The keyword in capitals and the rest as it stands. */
function headOf(node: InstructionNode, content: string): string {
  const rest = content.slice(node.keyword.length).replace(/^\s+/, '');
  return rest === '' ? `${node.name} ` : `${node.name} ${rest}`;
}

/** An instruction of a single line: where words are words, one blank goes between them. */
function oneLine(node: InstructionNode, line: string, content: string): string {
  const raw = ({ range }: { range: InstructionNode['range'] }): string => line.slice(range.start.column, range.end.column);
  const flags = node.flags.map(raw);
  const joined = (words: readonly string[]): string => [node.name, ...flags, ...words].join(' ');
  switch (node.name) {
    case 'FROM':
      return joined(node.words.map((word, i) => (i === 1 && word.value.toLowerCase() === 'as' ? 'AS' : raw(word))));
    case 'EXPOSE':
    case 'ARG':
      return joined(node.words.map(raw));
    case 'ENV':
    case 'LABEL':
      return node.pairs.some((pair) => pair.legacy) ? headOf(node, content).trimEnd() : joined(node.pairs.map(raw));
    case 'COPY':
    case 'ADD':
    case 'VOLUME':
      return joined(node.json ? [`[${node.words.map(raw).join(', ')}]`] : node.words.map(raw));
    case 'RUN':
    case 'CMD':
    case 'ENTRYPOINT':
    case 'SHELL':
      if (node.json) return joined([`[${node.words.map(raw).join(', ')}]`]);
      return joined(node.words.map((word) => raw(word).trimEnd()));
    default:
      return headOf(node, content).trimEnd();
  }
}

/** The quote that is open behind `content`, when `quote` was open before it. */
function quoteAfter(content: string, quote: string, escape: string): string {
  let open = quote;
  for (let at = 0; at < content.length; at++) {
    const char = content[at] ?? '';
    if (open === "'") {
      if (char === "'") open = '';
    } else if (char === '\\' || char === escape) at++;
    else if (open === '"') {
      if (char === '"') open = '';
    } else if (char === "'" || char === '"') open = char;
  }
  return open;
}
