// The concrete tree of a Dockerfile: one node per instruction with its flags, words, heredocs and their places in the text.
// It is what the parser makes of the text before any instruction is understood; it must not know what a flag means.
import type { SourceRange } from '../model/index.ts';

/** A parser directive (`# escape=` …) of the head of the file. */
export interface Directive {
  readonly name: string;
  readonly value: string;
  readonly range: SourceRange;
}

/** A `--name=value` or `--name` before the arguments of an instruction. */
export interface FlagNode {
  /** The flag as written, quotes and escapes resolved: `--from=build`. */
  readonly text: string;
  readonly range: SourceRange;
}

/** One argument. What a word is depends on the instruction: for a shell command it is the whole line. */
export interface WordNode {
  readonly value: string;
  readonly range: SourceRange;
}

/** A here-document: the mark in the instruction's line and the lines that follow. */
export interface HeredocNode {
  readonly name: string;
  /** The lines up to the terminator as they stand, line ends included; see `chompHeredoc`. */
  readonly content: string;
  /** False when the name was quoted: variables stay as they are. */
  readonly expand: boolean;
  /** True for `<<-`: leading tabs do not count. */
  readonly chomp: boolean;
  readonly fileDescriptor: number;
  /** Where the body stands, without the terminator. Empty bodies have an empty range. */
  readonly range: SourceRange;
}

/** One instruction as it stands in the text. */
export interface InstructionNode {
  /** The instruction's name as written. */
  readonly keyword: string;
  /** The name in capitals, also when no such instruction exists. */
  readonly name: string;
  readonly keywordRange: SourceRange;
  readonly flags: readonly FlagNode[];
  /** For ENV, LABEL and ARG, see `pairs` instead. */
  readonly words: readonly WordNode[];
  /** The `key=value` arguments of ENV and LABEL. */
  readonly pairs: readonly PairNode[];
  /** True when the arguments were written as a JSON list. */
  readonly json: boolean;
  readonly heredocs: readonly HeredocNode[];
  /** The instruction on one line: continuations joined, comments between them gone, outer blanks trimmed. */
  readonly original: string;
  /** The comment lines immediately above, without their marks. */
  readonly comments: readonly string[];
  /** From the keyword to the end of the last line, heredocs included. */
  readonly range: SourceRange;
  /** The instruction inside an ONBUILD. */
  readonly trigger: InstructionNode | undefined;
}

/** A key with its value in ENV and LABEL. Quotes are kept: they are resolved by expansion. */
export interface PairNode {
  readonly key: string;
  readonly value: string;
  /** The old form `ENV key rest of the line`. */
  readonly legacy: boolean;
  readonly range: SourceRange;
}

/** A whole Dockerfile. */
export interface DockerfileNode {
  readonly directives: readonly Directive[];
  readonly escape: '\\' | '`';
  readonly instructions: readonly InstructionNode[];
}
