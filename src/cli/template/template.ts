// `--format`: the part of Go's text/template that people use with Docker. A lexer, a parser and an evaluator; values are JSON.
import { SlipwayError } from '../../model/index.ts';

type Value = unknown;
type Expr =
  | { readonly kind: 'path'; readonly root: 'dot' | 'top'; readonly names: readonly string[] }
  | { readonly kind: 'literal'; readonly value: Value }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expr[] }
  | { readonly kind: 'pipe'; readonly stages: readonly Expr[] };
type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly expr: Expr }
  | { readonly kind: 'if' | 'with' | 'range'; readonly expr: Expr; readonly body: readonly Node[]; readonly otherwise: readonly Node[] };

const bad = (message: string): SlipwayError =>
  new SlipwayError('invalid-argument', 'cli.template', `template parsing error: ${message}`, {
    hints: ["a template is text with actions such as '{{.ID}}' or '{{json .}}'"],
  });

/** Compiles a template; the function that comes back renders it for one value. @throws SlipwayError `cli.template`. */
export function compileTemplate(text: string): (value: Value) => string {
  const tokens = split(text);
  let at = 0;
  const parse = (ends: readonly string[]): { nodes: Node[]; end: string } => {
    const nodes: Node[] = [];
    for (; at < tokens.length;) {
      const token = tokens[at++] as { action: boolean; text: string };
      if (!token.action) {
        nodes.push({ kind: 'text', text: token.text });
        continue;
      }
      const word = /^\w+/.exec(token.text)?.[0] ?? '';
      if (ends.includes(word)) return { nodes, end: token.text };
      if (word === 'if' || word === 'with' || word === 'range') nodes.push(block(word, token.text.slice(word.length)));
      else if (!token.text.startsWith('/*')) nodes.push({ kind: 'print', expr: parseExpr(token.text) });
    }
    if (ends.length > 0) throw bad('unexpected end: {{end}} is missing');
    return { nodes, end: '' };
  };
  const block = (kind: 'if' | 'with' | 'range', condition: string): Node => {
    const { nodes: body, end } = parse(['else', 'end']);
    let otherwise: Node[] = [];
    if (end.startsWith('else')) {
      const again = /^else\s+if\b(.*)$/s.exec(end);
      otherwise = again ? [block('if', again[1] ?? '')] : parse(['end']).nodes;
    }
    return { kind, expr: parseExpr(condition), body, otherwise };
  };
  const { nodes } = parse([]);
  return (value) => render(nodes, value, value);
}

/** Text and actions in turn; `{{-` and `-}}` take the blanks beside them away. */
function split(text: string): { action: boolean; text: string }[] {
  const out: { action: boolean; text: string }[] = [];
  let rest = text;
  for (let open = rest.indexOf('{{'); open >= 0; open = rest.indexOf('{{')) {
    const close = rest.indexOf('}}', open);
    if (close < 0) throw bad('unclosed action');
    let before = rest.slice(0, open);
    let action = rest.slice(open + 2, close);
    rest = rest.slice(close + 2);
    if (/^-\s/.test(action)) {
      before = before.trimEnd();
      action = action.slice(1);
    }
    if (/\s-$/.test(action)) {
      rest = rest.trimStart();
      action = action.slice(0, -1);
    }
    if (before) out.push({ action: false, text: before });
    out.push({ action: true, text: action.trim() });
  }
  if (rest) out.push({ action: false, text: rest });
  return out;
}

const TOKEN = /\s*("(?:[^"\\]|\\.)*"|`[^`]*`|-?\d+(?:\.\d+)?|\$?(?:\.[A-Za-z_]\w*)+|\$|\.|[A-Za-z_]\w*|[()|])/y;

function parseExpr(text: string): Expr {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.trimEnd().length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const m = TOKEN.exec(text);
    if (!m) throw bad(`unexpected ${JSON.stringify(text.slice(at).trim())} in action`);
    tokens.push(m[1] ?? '');
  }
  let i = 0;
  const pipeline = (): Expr => {
    const stages = [command()];
    for (; tokens[i] === '|';) {
      i++;
      stages.push(command());
    }
    return stages.length === 1 ? (stages[0] as Expr) : { kind: 'pipe', stages };
  };
  const command = (): Expr => {
    const head = tokens[i];
    if (head !== undefined && /^[A-Za-z_]/.test(head) && head !== 'true' && head !== 'false' && head !== 'nil') {
      i++;
      if (!(head in FUNCTIONS)) throw bad(`function ${JSON.stringify(head)} not defined`);
      const args: Expr[] = [];
      for (; i < tokens.length && tokens[i] !== '|' && tokens[i] !== ')';) args.push(operand());
      return { kind: 'call', name: head, args };
    }
    return operand();
  };
  const operand = (): Expr => {
    const t = tokens[i++];
    if (t === undefined) throw bad('missing value for command');
    if (t === '(') {
      const inner = pipeline();
      if (tokens[i++] !== ')') throw bad('unclosed left paren');
      return inner;
    }
    if (t.startsWith('"')) return { kind: 'literal', value: JSON.parse(t) };
    if (t.startsWith('`')) return { kind: 'literal', value: t.slice(1, -1) };
    if (/^-?\d/.test(t)) return { kind: 'literal', value: Number(t) };
    if (t === 'true' || t === 'false') return { kind: 'literal', value: t === 'true' };
    if (t === 'nil') return { kind: 'literal', value: null };
    if (t.startsWith('.') || t.startsWith('$')) {
      return { kind: 'path', root: t.startsWith('$') ? 'top' : 'dot', names: t.replace(/^\$/, '').split('.').filter(Boolean) };
    }
    if (t in FUNCTIONS) return { kind: 'call', name: t, args: [] };
    throw bad(`unexpected ${JSON.stringify(t)} in action`);
  };
  const expr = pipeline();
  if (i < tokens.length) throw bad(`unexpected ${JSON.stringify(tokens[i])} in action`);
  return expr;
}

function render(nodes: readonly Node[], dot: Value, top: Value): string {
  let out = '';
  for (const n of nodes) {
    if (n.kind === 'text') out += n.text;
    else if (n.kind === 'print') out += show(evaluate(n.expr, dot, top));
    else {
      const value = evaluate(n.expr, dot, top);
      if (n.kind === 'range') {
        const items = Array.isArray(value) ? value : value && typeof value === 'object' ? Object.values(value) : [];
        out += items.length > 0 ? items.map((item) => render(n.body, item, top)).join('') : render(n.otherwise, dot, top);
      } else out += isTrue(value) ? render(n.body, n.kind === 'with' ? value : dot, top) : render(n.otherwise, dot, top);
    }
  }
  return out;
}

function evaluate(e: Expr, dot: Value, top: Value, piped?: { value: Value }): Value {
  switch (e.kind) {
    case 'literal':
      return e.value;
    case 'path':
      return e.names.reduce<Value>((v, name) => field(v, name), e.root === 'top' ? top : dot);
    case 'call':
      return (FUNCTIONS[e.name] as Fn)(...e.args.map((a) => evaluate(a, dot, top)), ...(piped ? [piped.value] : []));
    case 'pipe': {
      let value: Value;
      e.stages.forEach((stage, i) => (value = evaluate(stage, dot, top, i === 0 ? undefined : { value })));
      return value;
    }
    default:
      return e satisfies never;
  }
}

function field(value: Value, name: string): Value {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'object' && name in value) return (value as Record<string, Value>)[name];
  // maps of labels and the like have any key; a record of ours has only its own
  if (typeof value === 'object' && Object.keys(value).every((k) => /^[A-Z]/.test(k)) && Object.keys(value).length > 0) {
    throw new SlipwayError('invalid-argument', 'cli.template', `template: can't evaluate field ${name}`, {
      hints: [`there are: ${Object.keys(value).join(', ')}`],
    });
  }
  return undefined;
}

type Fn = (...args: Value[]) => Value;
const text = (v: Value): string => show(v);
const isTrue = (v: Value): boolean =>
  !(v === undefined || v === null || v === false || v === 0 || v === '' || (typeof v === 'object' && Object.keys(v).length === 0));

const FUNCTIONS: Readonly<Record<string, Fn>> = {
  json: (v) => JSON.stringify(v ?? null),
  upper: (v) => text(v).toUpperCase(),
  lower: (v) => text(v).toLowerCase(),
  title: (v) => text(v).replace(/\b\w/g, (c) => c.toUpperCase()),
  join: (list, by) => (Array.isArray(list) ? list.map(text).join(text(by)) : text(list)),
  split: (v, by) => text(v).split(text(by)),
  len: (v) => (typeof v === 'string' ? v.length : v && typeof v === 'object' ? Object.keys(v).length : 0),
  index: (v, ...keys) =>
    keys.reduce<Value>((at, k) => (at && typeof at === 'object' ? (at as Record<string, Value>)[String(k)] : undefined), v),
  slice: (v, from, to) => text(v).slice(Number(from ?? 0), to === undefined ? undefined : Number(to)),
  truncate: (v, n) => text(v).slice(0, Number(n)),
  print: (...v) => v.map(text).join(''),
  println: (...v) => `${v.map(text).join(' ')}\n`,
  printf: (format, ...v) =>
    text(format).replace(/%([%svdq])/g, (_, c: string) =>
      c === '%' ? '%' : c === 'q' ? JSON.stringify(text(v.shift())) : text(v.shift()),
    ),
  eq: (a, ...b) => b.some((x) => x === a),
  ne: (a, b) => a !== b,
  lt: (a, b) => Number(a) < Number(b),
  gt: (a, b) => Number(a) > Number(b),
  and: (...v) => v.find((x) => !isTrue(x)) ?? v.at(-1),
  or: (...v) => v.find((x) => isTrue(x)) ?? v.at(-1),
  not: (v) => !isTrue(v),
};

/** A value as Go prints it. */
function show(v: Value): string {
  if (v === undefined || v === null) return '<no value>';
  if (Array.isArray(v)) return `[${v.map(show).join(' ')}]`;
  if (typeof v === 'object')
    return `map[${Object.entries(v)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, x]) => `${k}:${show(x)}`)
      .join(' ')}]`;
  return String(v);
}
