// YAML with the place of every value, so that a mistake in a file of tests is reported with its line.
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { SlipwayError } from '../../model/index.ts';

/** A value of a file. Each reader throws SlipwayError `test.invalid` with the line when it is something else. */
export class Value {
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #node: Node | null;
  readonly #at: number;
  /** What it is called in messages: `commands[2].exit`. */
  readonly path: string;

  private constructor(file: string, lines: LineCounter, node: Node | null, path: string, at: number) {
    [this.#file, this.#lines, this.#node, this.path] = [file, lines, node, path];
    this.#at = node?.range?.[0] ?? at;
  }

  /** @throws SlipwayError `test.invalid` */
  static parse(text: string, file: string): Value {
    const lines = new LineCounter();
    const document = parseDocument(text, { lineCounter: lines, strict: true, uniqueKeys: true, prettyErrors: false, schema: 'core' });
    const [error] = document.errors;
    if (error) throw invalid(`${file}:${lines.linePos(error.pos[0]).line}: ${error.message}`);
    // an alias could stand for a tree that grows with each level
    if (/(?:^|[\s,[{:-])\*[^\s,\]}*]/.test(text) && hasAlias(document.contents)) throw invalid(`${file}: aliases are not read`);
    return new Value(file, lines, document.contents, '', 0);
  }

  fail(message: string): never {
    const what = this.path === '' ? '' : `${this.path}: `;
    throw invalid(`${this.#file}:${this.#lines.linePos(this.#at).line}: ${what}${message}`);
  }

  get isMap(): boolean {
    return isMap(this.#node);
  }

  get isList(): boolean {
    return isSeq(this.#node);
  }

  #below(node: unknown, path: string): Value {
    return new Value(this.#file, this.#lines, (node ?? null) as Node | null, path, this.#at);
  }

  /** The members of a map by their keys; with `known`, of no other keys than these. */
  members(known?: readonly string[]): Map<string, Value> {
    if (this.#node === null || (isScalar(this.#node) && this.#node.value === null)) return new Map();
    if (!isMap(this.#node)) this.fail('is no map');
    const members = new Map<string, Value>();
    for (const { key, value } of this.#node.items) {
      const name = isScalar(key) ? String(key.value) : this.fail('has a key that is no text');
      const member = this.#below(value, this.path === '' ? name : `${this.path}.${name}`);
      if (known !== undefined && !known.includes(name)) member.fail(`is not known here; known: ${known.join(', ')}`);
      members.set(name, member);
    }
    return members;
  }

  list(): Value[] {
    if (this.#node === null) return [];
    if (!isSeq(this.#node)) this.fail('is no list');
    return this.#node.items.map((item, i) => this.#below(item, `${this.path}[${i}]`));
  }

  /** A text; numbers and truths as they are written. */
  text(): string {
    if (!isScalar(this.#node) || this.#node.value === null) this.fail('is no text');
    return typeof this.#node.value === 'string' ? this.#node.value : (this.#node.source ?? String(this.#node.value));
  }

  texts(): string[] {
    return this.isList ? this.list().map((item) => item.text()) : [this.text()];
  }

  whole(): number {
    const text = this.text();
    if (!/^\d{1,15}$/.test(text)) this.fail(`'${text}' is no whole number`);
    return Number(text);
  }

  truth(): boolean {
    const text = this.text();
    if (text !== 'true' && text !== 'false') this.fail(`'${text}' is neither true nor false`);
    return text === 'true';
  }

  oneOf<T extends string>(words: readonly T[]): T {
    const text = this.text();
    return words.find((word) => word === text) ?? this.fail(`'${text}' is none of ${words.join(', ')}`);
  }

  /** Regular expressions; with `lines`, `^` and `$` are the beginning and the end of any line. */
  patterns(o: { readonly lines?: boolean } = {}): string[] {
    return (this.isList ? this.list() : [this]).map((item) => {
      const text = item.text();
      try {
        compile(text);
      } catch (e) {
        item.fail((e as Error).message);
      }
      return o.lines === true && !text.startsWith('(?') ? `(?m)${text}` : text;
    });
  }
}

/** A regular expression; flags may stand before it as Go has them: `(?im)`. @throws SyntaxError */
export function compile(pattern: string): RegExp {
  const [whole = '', flags = ''] = /^\(\?([ims]+)\)/.exec(pattern) ?? [];
  return new RegExp(pattern.slice(whole.length), `u${flags}`);
}

function hasAlias(node: unknown): boolean {
  if (isMap(node)) return node.items.some(({ key, value }) => hasAlias(key) || hasAlias(value));
  if (isSeq(node)) return node.items.some(hasAlias);
  return node !== null && typeof node === 'object' && 'source' in node && !isScalar(node);
}

const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', 'test.invalid', message, { exitCode: 125 });
