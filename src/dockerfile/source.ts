// The text of a Dockerfile and the way from an offset to a line and column. Knows nothing of the language.
import type { SourceRange } from '../model/index.ts';

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One physical line: offsets into the text, the end without its line end. */
export interface PhysicalLine {
  /** 1-based. */
  readonly number: number;
  readonly start: number;
  /** After the last character that is not part of the line end. */
  readonly end: number;
  /** Start of the next line. */
  readonly next: number;
}

/** Decodes, leaving out a byte order mark; bytes that are not UTF-8 become U+FFFD. */
export function decodeText(input: string | Uint8Array): string {
  const text = typeof input === 'string' ? input : new TextDecoder('utf-8', { ignoreBOM: true }).decode(input);
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

/** Bytes of a line without its end: Docker reads with a buffer of 64 KiB. */
export const MAX_LINE = 65_535;

/** Reads lines one after the other, up to one that is too long; a final line end makes no further line. */
export class LineReader {
  readonly text: string;
  #at = 0;
  #number = 0;
  #tooLong = false;

  constructor(text: string) {
    this.text = text;
  }

  /** Number of the line that `next` returned last. */
  get number(): number {
    return this.#number;
  }

  /** Whether reading ended before a line of more than `MAX_LINE` bytes. */
  get tooLong(): boolean {
    return this.#tooLong;
  }

  next(): PhysicalLine | undefined {
    const start = this.#at;
    if (start >= this.text.length || this.#tooLong) return undefined;
    const newline = this.text.indexOf('\n', start);
    const next = newline < 0 ? this.text.length : newline + 1;
    let end = newline < 0 ? next : newline;
    // at most three bytes for each unit of UTF-16
    if ((end - start) * 3 > MAX_LINE && Buffer.byteLength(this.text.slice(start, end)) > MAX_LINE) {
      this.#tooLong = true;
      return undefined;
    }
    while (end > start && this.text.charCodeAt(end - 1) === 13) end--;
    this.#at = next;
    this.#number++;
    return { number: this.#number, start, end, next };
  }
}

/** A range of whole lines. */
export function lineRange(first: number, last: number, lastLength: number): SourceRange {
  return { start: { line: first, column: 0 }, end: { line: last, column: lastLength } };
}

/** From the start of one range to the end of another. */
export function joinRanges(first: SourceRange, last: SourceRange): SourceRange {
  return { start: first.start, end: last.end };
}
