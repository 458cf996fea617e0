// Logical lines: physical lines joined over their continuations, comments left out, with the way back to the text.
import type { SourceRange } from '../model/index.ts';
import { skipSpace } from './chars.ts';
import type { LineReader, PhysicalLine, Position } from './source.ts';

/** One instruction's text on one line, and where each part of it stands. */
export class LogicalLine {
  readonly text: string;
  /** Numbers of its first and last physical line. */
  readonly first: number;
  readonly last: number;
  /** Whether a line within the continuation holds nothing: Docker warns of these. */
  readonly emptyContinuation: boolean;
  readonly #segments: readonly Segment[];

  constructor(segments: readonly Segment[], text: string, first: number, last: number, emptyContinuation: boolean) {
    this.text = text;
    this.first = first;
    this.last = last;
    this.emptyContinuation = emptyContinuation;
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
    return new Span(this, start, end);
  }
}

/** A range that knows its lines and columns only when asked: most are never looked at. */
class Span implements SourceRange {
  readonly #line: LogicalLine;
  readonly #start: number;
  readonly #end: number;

  constructor(line: LogicalLine, start: number, end: number) {
    this.#line = line;
    this.#start = start;
    this.#end = end;
  }

  get start(): Position {
    return this.#line.position(this.#start);
  }

  get end(): Position {
    return this.#line.position(Math.max(this.#start, this.#end), this.#end > this.#start);
  }

  toJSON(): SourceRange {
    return { start: this.start, end: this.end };
  }
}

/** A piece of a line: its value and where it stands, as offsets and as a range of the file. */
export class Token {
  readonly value: string;
  readonly start: number;
  readonly end: number;
  readonly #line: LogicalLine;

  constructor(line: LogicalLine, value: string, start: number, end: number) {
    this.#line = line;
    this.value = value;
    this.start = start;
    this.end = end;
  }

  get range(): SourceRange {
    return this.#line.range(this.start, this.end);
  }

  /** The value under the name that flags have it by. */
  get text(): string {
    return this.value;
  }
}

export interface Segment {
  /** Offset in the joined text. */
  readonly at: number;
  readonly line: number;
  readonly column: number;
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
  const start = skipSpace(text, head.start, head.end);
  let end = continuationEnd(text, start, head.end, escape);
  const first: Segment = { at: 0, line: head.number, column: start - head.start };
  if (end < 0) return new LogicalLine([first], text.slice(start, head.end), head.number, head.number, false);
  const segments = [first];
  const parts = [text.slice(start, end)];
  let length = end - start;
  let last = head.number;
  let empty = false;
  while (end >= 0) {
    const line = reader.next();
    if (line === undefined) break;
    last = line.number;
    const content = skipSpace(text, line.start, line.end);
    if (content >= line.end) {
      empty = true;
      continue;
    }
    if (text[content] === '#') continue;
    end = continuationEnd(text, line.start, line.end, escape);
    const part = text.slice(line.start, end < 0 ? line.end : end);
    segments.push({ at: length, line: line.number, column: 0 });
    parts.push(part);
    length += part.length;
  }
  return new LogicalLine(segments, parts.join(''), head.number, last, empty);
}

/** Whether nothing but white space stands in the line. */
export function isEmptyLine(text: string, line: PhysicalLine): boolean {
  return skipSpace(text, line.start, line.end) >= line.end;
}
