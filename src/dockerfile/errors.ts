// Errors of the language, each with its place in the text and in Docker's words.
import { SlipwayError } from '../model/index.ts';
import type { SourceExcerpt, SourceRange } from '../model/index.ts';

/** A fault of a piece of text whose place the thrower does not know; whoever holds the instruction gives it one. */
export class LanguageFault extends Error {
  readonly code: string;
  readonly hints: readonly string[];

  constructor(code: string, message: string, hints: readonly string[] = []) {
    super(message);
    this.code = code;
    this.hints = hints;
  }
}

/** An error of kind 'invalid-argument'. `code` is without its 'dockerfile.' prefix. */
export function languageError(code: string, message: string, source?: SourceExcerpt, hints: readonly string[] = []): SlipwayError {
  return new SlipwayError('invalid-argument', `dockerfile.${code}`, message, source === undefined ? { hints } : { hints, source });
}

/** A file of the language with its name, for making excerpts. */
export interface SourceFile {
  readonly name: string;
  readonly text: string;
  /** What `# slipway:features` allows in it: see features.ts. */
  readonly features?: ReadonlySet<string>;
}

/** A fault with its place and the words that go before its message; any other error as it is. */
export function located(error: unknown, file: SourceFile, range: SourceRange, prefix = ''): unknown {
  if (!(error instanceof LanguageFault)) return error;
  return languageError(error.code, prefix + error.message, excerptOf(file, range), error.hints);
}

/** A part of an instruction on one line; of one on several lines all of it, as Docker's messages show. */
export function widen(range: SourceRange, instruction: SourceRange): SourceRange {
  return instruction.start.line === instruction.end.line ? range : instruction;
}

/** For an error of a later step of the build, so that it points at the instruction. */
export function excerptOf(file: SourceFile, range: SourceRange): SourceExcerpt {
  return { file: file.name, text: file.text, range: { start: range.start, end: range.end } };
}
