// What all typed instructions share, and the shapes that several of them use.
import type { SourceRange } from '../../model/index.ts';
import type { InstructionNode } from '../ast.ts';
import { LanguageFault, located, widen } from '../errors.ts';
import type { SourceFile } from '../errors.ts';
import { parseFlags } from '../flags.ts';
import type { Flags, FlagType } from '../flags.ts';

/** What all instructions have. */
export interface InstructionBase<K extends string> {
  readonly kind: K;
  /** The instruction on one line as Docker shows it in step names. */
  readonly original: string;
  /** The tree that it was made of: places of every flag and word. Expansion leaves it as it is. */
  readonly node: InstructionNode;
  readonly range: SourceRange;
  /** The file that the places belong to. */
  readonly file: SourceFile;
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

/** What the parse function of an instruction is given: its node, and how to refuse it. */
export class NodeReader {
  readonly file: SourceFile;
  readonly node: InstructionNode;

  constructor(file: SourceFile, node: InstructionNode) {
    this.file = file;
    this.node = node;
  }

  get words(): string[] {
    return this.node.words.map((word) => word.value);
  }

  flags(declared: Readonly<Record<string, FlagType>> = {}): Flags {
    return parseFlags(this.node, declared, (range, work) => this.at(range, work));
  }

  /** Runs `work`; a fault in it points at `range`. */
  at<T>(range: SourceRange, work: () => T): T {
    try {
      return work();
    } catch (error) {
      const prefix = `dockerfile parse error on line ${this.node.range.start.line}: `;
      throw located(error, this.file, widen(range, this.node.range), prefix);
    }
  }

  fail(code: string, message: string, range: SourceRange = this.node.range, hints: readonly string[] = []): never {
    return this.at(range, () => {
      throw new LanguageFault(code, message, hints);
    });
  }

  requireWords(): void {
    if (this.node.words.length === 0) this.fail('arguments', `${this.node.name} requires at least one argument`);
  }

  requireOneWord(): string {
    const [word] = this.node.words;
    if (word === undefined || this.node.words.length !== 1) this.fail('arguments', `${this.node.name} requires exactly one argument`);
    return word.value;
  }

  base<K extends string>(kind: K): InstructionBase<K> {
    return { kind, original: this.node.original, node: this.node, range: this.node.range, file: this.file };
  }

  /** The words as a command: a JSON list is one in exec form. */
  command(words: readonly string[] = this.words): Command {
    return this.node.json ? { args: words, shell: false } : { args: words.length === 0 ? [] : [words.join(' ')], shell: true };
  }
}
