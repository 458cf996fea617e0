// The tree of a Dockerfile as plain data: what `slipway dockerfile ast` prints and what golden tests compare. Lines count
// from 1 and columns from 0; a range ends before its end.
import type { SourceRange } from '../model/index.ts';
import type { HeredocNode, InstructionNode } from './ast.ts';
import type { Dockerfile } from './stages.ts';

/** `[line, column, line, column]`. */
export type PlainRange = readonly [number, number, number, number];

export interface PlainInstruction {
  readonly instruction: string;
  readonly range: PlainRange;
  readonly original: string;
  readonly comments?: readonly string[];
  readonly flags?: readonly { readonly text: string; readonly range: PlainRange }[];
  /** True for the JSON form. */
  readonly json?: boolean;
  readonly words?: readonly { readonly value: string; readonly range: PlainRange }[];
  /** Of ENV and LABEL. */
  readonly pairs?: readonly { readonly key: string; readonly value: string; readonly legacy?: boolean; readonly range: PlainRange }[];
  readonly heredocs?: readonly (Omit<HeredocNode, 'range'> & { readonly range: PlainRange })[];
  /** Of ONBUILD. */
  readonly trigger?: PlainInstruction;
}

export interface PlainTree {
  readonly escape: string;
  readonly directives: readonly { readonly name: string; readonly value: string; readonly range: PlainRange }[];
  /** Before the first FROM. */
  readonly metaArgs: readonly PlainInstruction[];
  readonly stages: readonly {
    readonly index: number;
    readonly name?: string;
    readonly base: string;
    readonly platform?: string;
    readonly range: PlainRange;
    readonly instructions: readonly PlainInstruction[];
  }[];
}

/** The whole tree without shared or computed parts; `JSON.stringify` shows all of it. */
export function plainTree(dockerfile: Dockerfile): PlainTree {
  return {
    escape: dockerfile.escape,
    directives: dockerfile.directives.map(({ name, value, range }) => ({ name, value, range: plainRange(range) })),
    metaArgs: dockerfile.metaArgs.map(({ node }) => plainInstruction(node)),
    stages: dockerfile.stages.map(({ index, name, from, commands, range }) => ({
      index,
      ...(name !== undefined && { name }),
      base: from.base,
      ...(from.platform !== undefined && { platform: from.platform }),
      range: plainRange(range),
      instructions: [from, ...commands].map(({ node }) => plainInstruction(node)),
    })),
  };
}

function plainInstruction(node: InstructionNode): PlainInstruction {
  return {
    instruction: node.name,
    range: plainRange(node.range),
    original: node.original,
    ...(node.comments.length > 0 && { comments: node.comments }),
    ...(node.flags.length > 0 && { flags: node.flags.map(({ text, range }) => ({ text, range: plainRange(range) })) }),
    ...(node.json && { json: true }),
    ...(node.words.length > 0 && { words: node.words.map(({ value, range }) => ({ value, range: plainRange(range) })) }),
    ...(node.pairs.length > 0 && {
      pairs: node.pairs.map(({ key, value, legacy, range }) => ({ key, value, ...(legacy && { legacy }), range: plainRange(range) })),
    }),
    ...(node.heredocs.length > 0 && { heredocs: node.heredocs.map((doc) => ({ ...doc, range: plainRange(doc.range) })) }),
    ...(node.trigger !== undefined && { trigger: plainInstruction(node.trigger) }),
  };
}

function plainRange({ start, end }: SourceRange): PlainRange {
  return [start.line, start.column, end.line, end.column];
}
