// What all typed instructions share, and the shapes that several of them use.
import type { SourceRange } from '../../model/index.ts';
import type { InstructionNode } from '../ast.ts';

export interface InstructionBase<K extends string> {
  readonly kind: K;
  /** The instruction on one line as Docker shows it in step names. */
  readonly original: string;
  /** The tree that it was made of: places of every flag and word. Expansion leaves it as it is. */
  readonly node: InstructionNode;
  readonly range: SourceRange;
}

/** A command in shell form (one string for the shell) or exec form (a list). */
export interface Command {
  /** In shell form one element: the whole line. */
  readonly args: readonly string[];
  /** True for the shell form: the shell of the stage goes before it. */
  readonly shell: boolean;
}

/** A file that stands in the Dockerfile itself, as a heredoc. */
export interface InlineFile {
  /** The heredoc's name; as a source of COPY the name of the file. */
  readonly name: string;
  readonly data: string;
  /** Whether variables in `data` are replaced (COPY and ADD; RUN leaves this to its shell). */
  readonly expand: boolean;
  readonly chomp: boolean;
}

/** A key with its value in ENV and LABEL. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  /** The old form without an equals sign. */
  readonly legacy: boolean;
}
