// Applies a template to a value: Go's text/template, package exec.
import { executionError, type ExecutionError } from './errors.ts';
import { arityFault, callFunction, FunctionError, rangeOf } from './functions.ts';
import type { Branch, Command, Node, Operand, Pipeline, Template } from './syntax.ts';
import { fieldOf, isEmpty, isObject, isStruct, Nil, show, typeOf, type Value } from './values.ts';

/** A method of a value: called with the words behind its name. */
export type Method = (...args: Value[]) => Value;

/** `{{template}}` inside itself ends here. */
const DEEPEST = 500;
/** Rounds of `{{range 1000000000}}` and the like, over the whole template. */
const MOST_ROUNDS = 1_000_000;

/** Units of UTF-16 that one value may be rendered to. */
const LONGEST_OUTPUT = 1 << 26;

type Jump = 'break' | 'continue' | undefined;

/** @throws ExecutionError in Go's words, without what the caller was doing. */
export function evaluateTemplate(template: Template, value: Value, type?: string): string {
  const run = new Evaluation(template, type, value);
  run.nodes(template.main, value, [{ name: '$', value }], 0);
  return run.output;
}

interface Variable {
  readonly name: string;
  value: Value;
}

class Evaluation {
  output = '';
  readonly #template: Template;
  readonly #type: string | undefined;
  #rounds = 0;
  #top: Value;

  constructor(template: Template, type: string | undefined, top: Value) {
    this.#top = top;
    this.#template = template;
    this.#type = type;
  }

  #fail(node: Operand | Pipeline | Command, message: string): ExecutionError {
    return executionError(this.#template.text, node, message);
  }

  nodes(nodes: readonly Node[], dot: Value, variables: Variable[], depth: number): Jump {
    for (const node of nodes) {
      switch (node.kind) {
        case 'text':
          this.output += node.text;
          break;
        case 'print': {
          const value = this.#pipeline(node.pipeline, dot, variables);
          if (node.pipeline.variables.length === 0) this.output += show(value);
          if (this.output.length > LONGEST_OUTPUT) throw this.#fail(node.pipeline, 'the output becomes too long');
          break;
        }
        case 'break':
        case 'continue':
          return node.kind;
        case 'template':
          this.#invoke(node, dot, variables, depth);
          break;
        default: {
          const jump = this.#branch(node, dot, variables, depth);
          if (jump !== undefined) return jump;
        }
      }
    }
    return undefined;
  }

  #invoke(node: Node & { kind: 'template' }, dot: Value, variables: Variable[], depth: number): void {
    const at: Operand = { kind: 'literal', at: node.at, value: node.name, written: `{{template ${JSON.stringify(node.name)}}}` };
    const body = this.#template.named.get(node.name);
    if (body === undefined) throw this.#fail(at, `template ${JSON.stringify(node.name)} not defined`);
    if (depth >= DEEPEST) throw this.#fail(at, `exceeded maximum template depth (${DEEPEST})`);
    const value = node.pipeline ? this.#pipeline(node.pipeline, dot, variables) : undefined;
    this.nodes(body, value, [{ name: '$', value }], depth + 1);
  }

  #branch(node: Branch, dot: Value, variables: Variable[], depth: number): Jump {
    const scope = variables.length;
    try {
      const value = this.#pipeline(node.pipeline, dot, variables, node.kind === 'range');
      if (node.kind === 'range') return this.#range(node, value, dot, variables, depth);
      const taken = isEmpty(value) ? node.otherwise : node.body;
      return this.nodes(taken, node.kind === 'with' && taken === node.body ? value : dot, variables, depth);
    } finally {
      variables.length = scope;
    }
  }

  #range(node: Branch, value: Value, dot: Value, variables: Variable[], depth: number): Jump {
    const { pipeline } = node;
    const numbers = typeof value === 'number' && Number.isInteger(value);
    const items = numbers ? undefined : rangeOf(value);
    if (!numbers && items === undefined) throw this.#fail(pipeline, `range can't iterate over ${show(value)}`);
    const count = numbers ? Math.max(value, 0) : (items?.length ?? 0);
    if (count === 0) return this.nodes(node.otherwise, dot, variables, depth);
    const names = pipeline.variables;
    for (let i = 0; i < count; i++) {
      if (++this.#rounds > MOST_ROUNDS) throw this.#fail(pipeline, `range goes on for more than ${MOST_ROUNDS} rounds`);
      const [key, item] = items?.[i] ?? [i, i];
      const values = names.length === 2 ? [key, item] : [item];
      const scope = variables.length;
      for (const [n, name] of names.entries()) this.#set(pipeline, name, values[n], variables);
      const jump = this.nodes(node.body, item, variables, depth);
      variables.length = scope;
      if (jump === 'break') break;
    }
    return undefined;
  }

  #set({ declares }: Pipeline, name: string, value: Value, variables: Variable[]): void {
    const known = declares ? undefined : variables.findLast((v) => v.name === name);
    if (known) known.value = value;
    else variables.push({ name, value });
  }

  #pipeline(p: Pipeline, dot: Value, variables: Variable[], setsLater = false): Value {
    let value: Value;
    for (const [i, command] of p.commands.entries()) value = this.#command(command, dot, variables, i === 0 ? [] : [value]);
    if (!setsLater) for (const name of p.variables) this.#set(p, name, value, variables);
    return value;
  }

  #command(c: Command, dot: Value, variables: Variable[], piped: readonly Value[]): Value {
    const [first, ...rest] = c.operands as [Operand, ...Operand[]];
    if (first.kind === 'function') return this.#call(c, first.name, rest, dot, variables, piped);
    if (rest.length === 0 && piped.length === 0) return this.#operand(first, dot, variables);
    if (first.kind === 'field' || first.kind === 'variable') {
      const method = this.#operand(first, dot, variables, true);
      if (typeof method === 'function') return (method as Method)(...rest.map((o) => this.#operand(o, dot, variables)), ...piped);
      throw this.#fail(first, `${first.names.at(-1) ?? first.kind} is not a method but has arguments`);
    }
    throw this.#fail(first, `can't give argument to non-function ${first.kind === 'literal' ? first.written : '.'}`);
  }

  #call(c: Command, name: string, rest: readonly Operand[], dot: Value, variables: Variable[], piped: readonly Value[]): Value {
    const fault = arityFault(name, rest.length + piped.length);
    if (fault !== undefined) throw this.#fail({ kind: 'function', at: c.at, name }, fault);
    if (name === 'and' || name === 'or') {
      let value: Value;
      for (const next of [...rest.map((o) => () => this.#operand(o, dot, variables)), ...piped.map((v) => () => v)]) {
        value = next();
        if (isEmpty(value) === (name === 'and')) break;
      }
      return value;
    }
    const args = [...rest.map((o) => (o.kind === 'nil' ? undefined : this.#operand(o, dot, variables))), ...piped];
    try {
      return callFunction(name, args);
    } catch (e) {
      if (e instanceof FunctionError) throw this.#fail(c, `error calling ${name}: ${e.message}`);
      throw e;
    }
  }

  #operand(o: Operand, dot: Value, variables: Variable[], asMethod = false): Value {
    switch (o.kind) {
      case 'dot':
        return dot;
      case 'nil':
        throw this.#fail(o, 'nil is not a command');
      case 'literal':
        return o.value;
      case 'field':
        return this.#fields(o, dot, o.names, asMethod);
      case 'variable':
        return this.#fields(o, variables.findLast((v) => v.name === o.name)?.value, o.names, asMethod);
      case 'group':
        return this.#fields(o, this.#pipeline(o.pipeline, dot, variables), o.names, asMethod);
      case 'function':
        return this.#call({ at: o.at, operands: [o] }, o.name, [], dot, variables, []);
      default:
        return o satisfies never;
    }
  }

  #fields(o: Operand, from: Value, names: readonly string[], asMethod: boolean): Value {
    let value = from;
    for (const [i, name] of names.entries()) {
      if (value instanceof Nil && value.printed !== '<nil>') return undefined;
      if (value instanceof Nil) throw this.#fail(o, `nil pointer evaluating ${names[i - 1] ?? '.'}.${name}`);
      if (value === undefined || value === null) return undefined;
      if (!isObject(value))
        throw this.#fail(o, `can't evaluate field ${name} in type ${i > 0 && this.#type === undefined ? 'interface {}' : typeOf(value)}`);
      const found = fieldOf(value, name);
      if (found === undefined && this.#type !== undefined && value === this.#top)
        throw this.#fail(o, `can't evaluate field ${name} in type ${this.#type}`);
      if (found === undefined && isStruct(value)) throw this.#fail(o, `map has no entry for key ${JSON.stringify(name)}`);
      value = found;
    }
    return typeof value === 'function' && !asMethod ? (value as Method)() : value;
  }
}
