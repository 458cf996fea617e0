// The tree of a template: Go's text/template, package parse.

export interface TemplateText {
  readonly kind: 'text';
  readonly text: string;
}

/** `{{pipeline}}`; with a declaration it prints nothing. */
export interface Print {
  readonly kind: 'print';
  readonly pipeline: Pipeline;
}

export interface Branch {
  readonly kind: 'if' | 'with' | 'range';
  readonly pipeline: Pipeline;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[];
}

export interface Invoke {
  readonly kind: 'template';
  readonly name: string;
  readonly pipeline: Pipeline | undefined;
  readonly at: number;
}

export interface Jump {
  readonly kind: 'break' | 'continue';
}

export type Node = TemplateText | Print | Branch | Invoke | Jump;

export interface Pipeline {
  readonly kind: 'pipeline';
  readonly at: number;
  /** Names with their `$`; two only in `range`. */
  readonly variables: readonly string[];
  readonly declares: boolean;
  readonly commands: readonly Command[];
}

/** Operands side by side: a call, or a single value. */
export interface Command {
  readonly at: number;
  readonly operands: readonly Operand[];
}

export type Operand =
  | { readonly kind: 'dot' | 'nil'; readonly at: number }
  | { readonly kind: 'literal'; readonly at: number; readonly value: string | number | boolean; readonly written: string }
  | { readonly kind: 'field'; readonly at: number; readonly names: readonly string[] }
  | { readonly kind: 'variable'; readonly at: number; readonly name: string; readonly names: readonly string[] }
  | { readonly kind: 'function'; readonly at: number; readonly name: string }
  | { readonly kind: 'group'; readonly at: number; readonly pipeline: Pipeline; readonly names: readonly string[] };

export interface Template {
  readonly text: string;
  readonly main: readonly Node[];
  readonly named: ReadonlyMap<string, readonly Node[]>;
}

const dotted = (names: readonly string[]): string => names.map((n) => `.${n}`).join('');

/** As Go writes the node in its errors. */
export function written(o: Operand | Pipeline): string {
  switch (o.kind) {
    case 'dot':
      return '.';
    case 'nil':
      return 'nil';
    case 'literal':
      return o.written;
    case 'field':
      return dotted(o.names);
    case 'variable':
      return `${o.name}${dotted(o.names)}`;
    case 'function':
      return o.name;
    case 'group':
      return `(${written(o.pipeline)})${dotted(o.names)}`;
    case 'pipeline': {
      const declared = o.variables.length > 0 ? `${o.variables.join(', ')} ${o.declares ? ':=' : '='} ` : '';
      return declared + o.commands.map((c) => writtenCommand(c)).join(' | ');
    }
    default:
      return o satisfies never;
  }
}

export const writtenCommand = (c: Command): string => c.operands.map(written).join(' ');
