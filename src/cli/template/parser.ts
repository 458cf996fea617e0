// Reads a template: Go's text/template, package parse.
import { parseError } from './errors.ts';
import { FUNCTION_NAMES } from './functions.ts';
import { type Piece, split, type Token, tokens } from './lexer.ts';
import type { Branch, Command, Node, Operand, Pipeline, Template } from './syntax.ts';
import { unquoteGo } from './quote.ts';

type End = 'end' | 'else' | 'eof';

/** @throws SlipwayError `cli.template` in Go's words. */
export function parseTemplate(text: string): Template {
  return new Parser(text).parse();
}

class Parser {
  readonly #text: string;
  readonly #pieces: readonly Piece[];
  readonly #named = new Map<string, readonly Node[]>();
  #next = 0;
  #tokens: Token[] = [];
  #action: Piece = { kind: 'action', text: '', at: 0 };
  #variables: string[] = ['$'];
  #loops = 0;
  /** How many actions with an `{{end}}` are open. */
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#pieces = split(text);
  }

  parse(): Template {
    const { nodes } = this.#list(['eof']);
    return { text: this.#text, main: nodes, named: this.#named };
  }

  #fail(message: string, at = this.#tokens[0]?.at ?? this.#action.at): never {
    throw parseError(this.#text, at, message);
  }

  /** Nodes up to one of `ends`; what follows the `else` is left in the tokens. */
  #list(ends: readonly End[]): { nodes: Node[]; end: End } {
    if (ends.includes('eof')) return this.#listOf(ends);
    this.#depth++;
    try {
      return this.#listOf(ends);
    } finally {
      this.#depth--;
    }
  }

  #listOf(ends: readonly End[]): { nodes: Node[]; end: End } {
    const nodes: Node[] = [];
    for (; this.#next < this.#pieces.length;) {
      const piece = this.#pieces[this.#next++] as Piece;
      if (piece.kind === 'text') {
        nodes.push({ kind: 'text', text: piece.text });
        continue;
      }
      this.#action = piece;
      this.#tokens = tokens(this.#text, piece);
      const first = this.#tokens[0];
      const word = first?.kind === 'word' ? first.text : undefined;
      if (word === 'end' || word === 'else') {
        if (!ends.includes(word)) this.#fail(`unexpected {{${word}}}`);
        this.#tokens.shift();
        if (word === 'end') this.#close('end');
        return { nodes, end: word };
      }
      const node = this.#node(word);
      if (node !== undefined) nodes.push(node);
    }
    if (!ends.includes('eof')) this.#fail('unexpected EOF', this.#text.length);
    return { nodes, end: 'eof' };
  }

  #node(word: string | undefined): Node | undefined {
    switch (word) {
      case 'if':
      case 'with':
      case 'range':
        this.#tokens.shift();
        return this.#branch(word);
      case 'break':
      case 'continue':
        if (this.#loops === 0) this.#fail(`{{${word}}} outside {{range}}`);
        this.#tokens.shift();
        this.#close(`{{${word}}}`);
        return { kind: word };
      case 'template':
      case 'block':
      case 'define':
        return this.#naming(word);
      default:
        return { kind: 'print', pipeline: this.#whole('command') };
    }
  }

  #branch(kind: Branch['kind']): Branch {
    const scope = this.#variables.length;
    const pipeline = this.#whole(kind);
    if (kind === 'range') this.#loops++;
    const { nodes: body, end } = this.#list(['else', 'end']);
    if (kind === 'range') this.#loops--;
    let otherwise: Node[] = [];
    if (end === 'else') {
      const again = this.#tokens[0];
      if (again?.kind === 'word' && (again.text === 'if' || again.text === 'with') && kind !== 'range') {
        this.#tokens.shift();
        otherwise = [this.#branch(again.text)];
      } else {
        this.#close('else');
        otherwise = this.#list(['end']).nodes;
      }
    }
    this.#variables.length = scope;
    return { kind, pipeline, body, otherwise };
  }

  #naming(word: 'template' | 'block' | 'define'): Node | undefined {
    const at = (this.#tokens.shift() as Token).at;
    if (word === 'define' && this.#depth > 0) this.#fail('unexpected <define> in command', at);
    const name = this.#tokens.shift();
    if (name?.kind !== 'string' && name?.kind !== 'raw') return this.#fail(`unexpected ${quoted(name)} in ${word} clause`);
    const called = unquoteGo(name.text);
    const pipeline = word === 'define' || this.#tokens.length === 0 ? undefined : this.#whole(`${word} clause`);
    if (word === 'template') return { kind: 'template', name: called, pipeline, at };
    if (word === 'define') this.#close('define clause');
    else if (pipeline === undefined) this.#fail('missing value for block clause', at);
    const outer = [this.#variables, this.#loops] as const;
    [this.#variables, this.#loops] = [['$'], 0];
    this.#named.set(called, this.#list(['end']).nodes);
    [this.#variables, this.#loops] = outer;
    return word === 'define' ? undefined : { kind: 'template', name: called, pipeline, at };
  }

  #close(context: string): void {
    if (this.#tokens.length > 0) this.#fail(`unexpected ${quoted(this.#tokens[0])} in ${context}`);
  }

  #whole(context: string): Pipeline {
    const pipeline = this.#pipeline(context);
    this.#close(context);
    return pipeline;
  }

  #pipeline(context: string): Pipeline {
    const at = this.#tokens[0]?.at ?? this.#action.at;
    const { variables, declares } = this.#declaration(context);
    const commands: Command[] = [];
    do {
      commands.push(this.#command(context));
    } while (this.#take('|'));
    for (const [i, { operands }] of commands.entries()) {
      const first = operands[0];
      if (i > 0 && (first?.kind === 'literal' || first?.kind === 'nil' || first?.kind === 'dot'))
        this.#fail(`non executable command in pipeline stage ${i + 1}`, first.at);
    }
    return { kind: 'pipeline', at, variables, declares, commands };
  }

  #declaration(context: string): Pick<Pipeline, 'variables' | 'declares'> {
    const [first, second, third, fourth] = this.#tokens;
    if (first?.kind !== 'variable' || second?.kind !== 'punct') return { variables: [], declares: false };
    const two = context === 'range' && second.text === ',';
    if (two && third?.kind !== 'variable') this.#fail('range can only initialize variables', third?.at);
    const assign = two ? fourth : second;
    if (assign?.text !== ':=' && assign?.text !== '=') {
      if (two && fourth?.text === ',') this.#fail('too many declarations in range', fourth.at);
      if (second.text === ',') this.#fail(`unexpected "," in ${context}`, second.at);
      return { variables: [], declares: false };
    }
    this.#tokens.splice(0, two ? 4 : 2);
    const variables = two && third ? [first.text, third.text] : [first.text];
    const declares = assign.text === ':=';
    // declared before its own value is read, as in Go
    if (declares) this.#variables.push(...variables);
    else for (const name of variables) this.#known(name, first.at);
    return { variables, declares };
  }

  #known(name: string, at: number): void {
    if (!this.#variables.includes(name)) this.#fail(`undefined variable "${name}"`, at);
  }

  #take(punct: string): boolean {
    if (this.#tokens[0]?.kind !== 'punct' || this.#tokens[0].text !== punct) return false;
    this.#tokens.shift();
    return true;
  }

  #command(context: string): Command {
    const at = this.#tokens[0]?.at ?? this.#action.at;
    const operands: Operand[] = [];
    for (;;) {
      const token = this.#tokens[0];
      if (token === undefined || (token.kind === 'punct' && (token.text === '|' || token.text === ')'))) break;
      if (token.kind === 'dot' && token.adjacent && operands.length > 0) this.#fail('unexpected <.> in operand', token.at);
      operands.push(this.#operand(context));
    }
    if (operands.length === 0) this.#fail(`missing value for ${context === 'command' ? 'command' : context}`);
    return { at, operands };
  }

  #operand(context: string): Operand {
    const token = this.#tokens.shift() as Token;
    const { at } = token;
    switch (token.kind) {
      case 'field': {
        const more = this.#chain();
        return { kind: 'field', at: more.at ?? at, names: [token.text.slice(1), ...more.names] };
      }
      case 'variable': {
        this.#known(token.text, at);
        const more = this.#chain();
        return { kind: 'variable', at: more.at ?? at, name: token.text, names: more.names };
      }
      case 'dot':
        return { kind: 'dot', at };
      case 'string':
      case 'raw':
        return { kind: 'literal', at, value: unquoteGo(token.text), written: token.text };
      case 'char':
        if ([...unquoteGo(token.text)].length !== 1) this.#fail(`malformed character constant: ${token.text}`, at);
        return { kind: 'literal', at, value: unquoteGo(token.text).codePointAt(0) ?? 0, written: token.text };
      case 'number':
        return { kind: 'literal', at, value: Number(token.text.replaceAll('_', '')), written: token.text };
      case 'word':
        if (token.text === 'nil') return { kind: 'nil', at };
        if (token.text === 'true' || token.text === 'false')
          return { kind: 'literal', at, value: token.text === 'true', written: token.text };
        if (!FUNCTION_NAMES.has(token.text)) this.#fail(`function ${JSON.stringify(token.text)} not defined`, at);
        return { kind: 'function', at, name: token.text };
      case 'punct': {
        if (token.text !== '(') this.#fail(`unexpected ${quoted(token)} in operand`, at);
        const pipeline = this.#pipeline('parenthesized pipeline');
        if (!this.#take(')')) this.#fail('unclosed left paren', at);
        return { kind: 'group', at, pipeline, names: this.#chain().names };
      }
      default:
        return this.#fail(`unexpected ${quoted(token)} in ${context}`, at);
    }
  }

  /** Fields right behind an operand. Go's place of such a chain is that of the first of them. */
  #chain(): { names: string[]; at: number | undefined } {
    const names: string[] = [];
    const at = this.#tokens[0]?.at;
    while (this.#tokens[0]?.kind === 'field' && this.#tokens[0].adjacent) names.push((this.#tokens.shift() as Token).text.slice(1));
    return { names, at: names.length > 0 ? at : undefined };
  }
}

const quoted = (token: Token | undefined): string => (token === undefined ? '"}}"' : JSON.stringify(token.text));
