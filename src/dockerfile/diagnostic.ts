// What the language warns of: a rule, a sentence about this place, and the rule's explanation.
import type { SourceExcerpt, SourceRange } from '../model/index.ts';
import { excerptOf } from './errors.ts';
import type { SourceFile } from './errors.ts';

/** A warning about one place. */
export interface Diagnostic {
  /** The rule's name, such as `StageNameCasing`. */
  readonly rule: string;
  readonly message: string;
  /** What the rule is about, for people who see it for the first time. */
  readonly description: string;
  readonly source: SourceExcerpt;
}

export function diagnose(file: SourceFile, rule: string, description: string, message: string, range: SourceRange): Diagnostic {
  return { rule, message, description, source: excerptOf(file, range) };
}

export function emptyContinuation(file: SourceFile, range: SourceRange): Diagnostic {
  const description = 'An empty line within a continued instruction is deprecated and will become an error.';
  return diagnose(file, 'NoEmptyContinuation', description, 'Empty continuation line', range);
}
