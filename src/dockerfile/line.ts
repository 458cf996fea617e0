// Logical lines: physical lines joined over their continuations, comments left out, with the way back to the text.
import type { SourceRange } from '../model/index.ts';
import { isSpace, skipSpace } from './chars.ts';
import type { LineReader, PhysicalLine, Position } from './source.ts';

/** One instruction's text on one line, and where each part of it stands. */
export class LogicalLine {
  readonly text: string;
  /** Numbers of its first and last physical line. */
  readonly first: number;
  readonly last: number;
  /** Lines within the continuation that hold nothing: Docker warns of them. */
  readonly emptyContinuations: readonly number[];
  readonly #segments: readonly Segment[];

  constructor(segments: readonly Segment[], first: number, last: number, emptyContinuations: readonly number[]) {
    this.text = segments.length === 1 ? (segments[0]?.text ?? '') : segments.map((segment) => segment.text).join('');
    this.first = first;
    this.last = last;
    this.emptyContinuations = emptyContinuations;
    this.#segments = segments;
  }

  position(offset: number, end = false): Position {
    const segments = this.#segments;
    let low = 0;
    let high = segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const at = segments[middle]?.at ?? 0;
      // The end of a range belongs to the segment before a border, its start to the one behind.
      if (at < offset || (at === offset && !end)) low = middle;
      else high = middle - 1;
    }
    const segment = segments[low];
    if (segment === undefined) return { line: this.first, column: 0 };
    return { line: segment.line, column: segment.column + (offset - segment.at) };
  }

  range(start: number, end: number): SourceRange {
    return { start: this.position(start), end: this.position(Math.max(start, end), end > start) };
  }
}

export interface Segment {
  /** Offset in the joined text. */
  readonly at: number;
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

export function isCommentLine(text: string, line: PhysicalLine): boolean {
  return text[skipSpace(text, line.start, line.end)] === '#' && skipSpace(text, line.start, line.end) < line.end;
}

/**
 * End of the line's content when it goes on in the next line, -1 when it does not. The escape character must be the last
 * one but for blanks, and must not be escaped itself.
 */
function continuationEnd(text: string, start: number, end: number, escape: string): number {
  let at = end;
  while (at > start && (text[at - 1] === ' ' || text[at - 1] === '\t')) at--;
  if (at <= start || text[at - 1] !== escape) return -1;
  if (at - 1 === start || text[at - 2] !== escape) return at - 1;
  return -1;
}

/** Joins the instruction that begins with `head`, a line that is neither blank nor a comment, taking further lines from `reader`. */
export function joinLines(reader: LineReader, head: PhysicalLine, escape: string): LogicalLine {
  const text = reader.text;
  const segments: Segment[] = [];
  const empty: number[] = [];
  let length = 0;
  let last = head.number;
  const add = (start: number, end: number, line: PhysicalLine): void => {
    segments.push({ at: length, line: line.number, column: start - line.start, text: text.slice(start, end) });
    length += end - start;
  };
  const start = skipSpace(text, head.start, head.end);
  let end = continuationEnd(text, start, head.end, escape);
  add(start, end < 0 ? head.end : end, head);
  while (end >= 0) {
    const line = reader.next();
    if (line === undefined) break;
    last = line.number;
    const content = skipSpace(text, line.start, line.end);
    if (content >= line.end) {
      empty.push(line.number);
      continue;
    }
    if (text[content] === '#') continue;
    end = continuationEnd(text, line.start, line.end, escape);
    add(line.start, end < 0 ? line.end : end, line);
  }
  return new LogicalLine(segments, head.number, last, empty);
}

/** Whether nothing but white space stands in the line. */
export function isEmptyLine(text: string, line: PhysicalLine): boolean {
  return skipSpace(text, line.start, line.end) >= line.end;
}

/** Whether the character at `at` is white space; false at the end. */
export function isSpaceAt(text: string, at: number): boolean {
  return at < text.length && isSpace(text.charCodeAt(at));
}
