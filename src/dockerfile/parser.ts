// Text to tree: directives, comments, logical lines, and for each line a node whose arguments are lexed in the way of its instruction.
// Whether an instruction makes sense is not asked here.
import type { SourceRange } from '../model/index.ts';
import type { Directive, DockerfileNode, HeredocNode, InstructionNode, PairNode } from './ast.ts';
import { isBlank, quote, skipSpace, trimEnd } from './chars.ts';
import { isFeatures, readDirective } from './directives.ts';
import { LanguageFault, located } from './errors.ts';
import type { SourceFile } from './errors.ts';
import { findHeredocMarks, readHeredoc } from './heredoc.ts';
import { isEmptyLine, joinLines, Token } from './line.ts';
import type { LogicalLine } from './line.ts';
import { LineReader, lineRange, MAX_LINE } from './source.ts';
import type { PhysicalLine } from './source.ts';
import { lexFlags, lexJsonList, lexQuotedWords, lexWords } from './words.ts';

export type Escape = '\\' | '`';

export interface ParseOptions {
  /** Put before the message of every error (the original builder does so). */
  readonly errorPrefix?: string;
  /** What holds where no directive says otherwise. */
  readonly escape?: Escape;
}

export interface ParsedText {
  readonly ast: DockerfileNode;
  /** Of each instruction with a blank line within, the line where its continuation ends: there BuildKit points. */
  readonly emptyContinuations: readonly SourceRange[];
}

/**
 * Parses a whole Dockerfile.
 * @throws SlipwayError 'invalid-argument' for text that cannot be cut into instructions.
 */
export function parseText(file: SourceFile, options: ParseOptions = {}): ParsedText {
  return new TextParser(file, options).parse();
}

const NO_COMMENTS: string[] = [];
const NOTHING: readonly never[] = [];

class TextParser {
  readonly #file: SourceFile;
  readonly #prefix: string;
  readonly #reader: LineReader;
  readonly #directives: Directive[] = [];
  readonly #empty: SourceRange[] = [];
  #escape: Escape;
  /** Behind `# slipway:features`, where other builders read no directive. */
  #behindOwn = false;

  constructor(file: SourceFile, { errorPrefix = '', escape = '\\' }: ParseOptions) {
    this.#file = file;
    this.#prefix = errorPrefix;
    this.#escape = escape;
    this.#reader = new LineReader(file.text);
  }

  parse(): ParsedText {
    const text = this.#file.text;
    const instructions: InstructionNode[] = [];
    let comments = NO_COMMENTS;
    let inHead = true;
    for (let line = this.#reader.next(); line !== undefined; line = this.#reader.next()) {
      if (inHead) {
        inHead = this.#head(line);
        if (inHead) continue;
      }
      if (isEmptyLine(text, line)) continue;
      const content = skipSpace(text, line.start, line.end);
      if (text[content] === '#') {
        const comment = text.slice(content + 1, line.end).trim();
        // a bare mark begins another comment, blank lines do not
        if (comment === '') comments = NO_COMMENTS;
        else if (comments === NO_COMMENTS) comments = [comment];
        else comments.push(comment);
        continue;
      }
      const joined = joinLines(this.#reader, line, this.#escape);
      instructions.push(this.#instruction(joined, comments));
      comments = NO_COMMENTS;
    }
    if (this.#reader.tooLong && instructions.length > 0) {
      const { number } = this.#reader;
      const fault = new LanguageFault('line-too-long', `dockerfile line greater than max allowed size of ${MAX_LINE}`);
      throw located(fault, this.#file, lineRange(number, number, 0), this.#prefix);
    }
    return { ast: { directives: this.#directives, escape: this.#escape, instructions }, emptyContinuations: this.#empty };
  }

  /** Takes a line of the head for a directive; false from the first line that is none. */
  #head(line: PhysicalLine): boolean {
    const start = skipSpace(this.#file.text, line.start, line.end);
    const directive = readDirective(this.#file.text, { ...line, start }, '#');
    if (directive === undefined) return isFeatures(this.#file.text, line) && (this.#behindOwn = true);
    const earlier = this.#directives.find((other) => other.name === directive.name);
    const range = (earlier ?? directive).range;
    const refuse = (code: string, message: string): never => {
      throw located(new LanguageFault(code, message), this.#file, range, this.#prefix);
    };
    if (earlier !== undefined) refuse('directive-twice', `only one ${directive.name} parser directive can be used`);
    if (directive.name === 'escape') {
      if (this.#behindOwn)
        refuse('directive-escape', 'the escape directive stands below # slipway:features, where other builders do not see it');
      if (directive.value === '\\' || directive.value === '`') this.#escape = directive.value;
      else refuse('directive-escape', `invalid escape token '${directive.value}' does not match \` or \\`);
    }
    this.#directives.push(directive);
    return true;
  }

  #instruction(line: LogicalLine, comments: readonly string[]): InstructionNode {
    const start = skipSpace(line.text, 0);
    const end = trimEnd(line.text, start);
    if (line.emptyContinuation) this.#empty.push(lineRange(line.last, line.last, 0));
    try {
      const node = parseNode(line, start, end, this.#escape, comments);
      return takesHeredocs(node) && line.text.includes('<<') ? this.#withHeredocs(node, line.text) : node;
    } catch (error) {
      throw located(error, this.#file, line.range(start, end), this.#prefix);
    }
  }

  #withHeredocs(node: InstructionNode, line: string): InstructionNode {
    const marks = findHeredocMarks(line);
    const last = marks.at(-1);
    if (last === undefined) return node;
    const heredocs = marks.map((mark): HeredocNode => {
      const body = readHeredoc(this.#reader, mark);
      if (body === undefined) {
        const fault = new LanguageFault('heredoc-unterminated', 'unterminated heredoc', [
          `No line holds just ${quote(mark.name)}, which would end it.`,
        ]);
        // Whole lines: an indented instruction on the last line would else end before it begins.
        const start = { line: node.range.start.line, column: 0 };
        const end = { line: this.#reader.number, column: 0 };
        throw located(fault, this.#file, { start, end }, this.#prefix);
      }
      return { ...mark, content: body.content, range: lineRange(body.first, body.last, 0) };
    });
    return { ...node, heredocs, range: { start: node.range.start, end: { line: this.#reader.number, column: last.name.length } } };
  }
}

/** Parses one instruction that stands by itself, such as a trigger recorded in an image. Heredoc bodies may follow its line. */
export function parseSingle(file: SourceFile, escape: Escape, options: ParseOptions = {}): InstructionNode | undefined {
  const directive = escape === '`' ? '# escape=`\n' : '';
  const { ast } = parseText({ name: file.name, text: directive + file.text }, options);
  return ast.instructions[0];
}

function takesHeredocs(node: InstructionNode): boolean {
  const target = node.name === 'ONBUILD' ? node.trigger : node;
  return target !== undefined && !target.json && (target.name === 'RUN' || target.name === 'COPY' || target.name === 'ADD');
}

interface Arguments {
  readonly words?: readonly Token[];
  readonly pairs?: readonly PairNode[];
  readonly json?: boolean;
  readonly trigger?: InstructionNode;
}

function parseNode(
  line: LogicalLine,
  start: number,
  end: number,
  escape: Escape,
  comments: readonly string[],
  nested = false,
): InstructionNode {
  const text = line.text;
  let keywordEnd = start;
  while (keywordEnd < end && !isBlank(text.charCodeAt(keywordEnd))) keywordEnd++;
  const keyword = text.slice(start, keywordEnd);
  const name = keyword.toUpperCase();
  const { flags, rest } = lexFlags(line, keywordEnd, end, escape);
  const from = skipSpace(text, rest, end);
  const args = parseArguments(name, line, from, Math.max(from, end), escape, nested);
  return {
    keyword,
    name,
    keywordRange: line.range(start, keywordEnd),
    flags,
    words: args.words ?? NOTHING,
    pairs: args.pairs ?? NOTHING,
    json: args.json ?? false,
    heredocs: NOTHING,
    original: text.slice(start, end),
    comments,
    range: line.range(start, end),
    trigger: args.trigger,
  };
}

function parseArguments(name: string, line: LogicalLine, from: number, end: number, escape: Escape, nested: boolean): Arguments {
  const text = line.text;
  switch (name) {
    case 'RUN':
    case 'CMD':
    case 'ENTRYPOINT':
    case 'SHELL':
      return listOrLine(line, from, end);
    case 'COPY':
    case 'ADD':
    case 'VOLUME': {
      const list = lexJsonList(line, from, end);
      return list === undefined ? { words: lexWords(line, from, end) } : { words: list, json: true };
    }
    case 'FROM':
    case 'EXPOSE':
      return { words: lexWords(line, from, end) };
    case 'ARG':
      return { words: lexQuotedWords(line, from, end, escape) };
    case 'ENV':
    case 'LABEL':
      return { pairs: parsePairs(name, line, from, end, escape) };
    case 'HEALTHCHECK': {
      let typeEnd = from;
      while (typeEnd < end && skipSpace(text, typeEnd, end) === typeEnd) typeEnd++;
      if (typeEnd === from) return {};
      const type = new Token(line, text.slice(from, typeEnd), from, typeEnd);
      const command = listOrLine(line, skipSpace(text, typeEnd, end), end);
      return { words: [type, ...(command.words ?? [])], json: command.json ?? false };
    }
    case 'ONBUILD':
      // A trigger within a trigger is refused later; there is no need to look into it.
      return from >= end || nested ? { words: wholeLine(line, from, end) } : { trigger: parseNode(line, from, end, escape, [], true) };
    case 'USER':
    case 'WORKDIR':
    case 'STOPSIGNAL':
    case 'MAINTAINER':
    case 'INCLUDE':
      return { words: wholeLine(line, from, end) };
    default:
      return {};
  }
}

function wholeLine(line: LogicalLine, from: number, end: number): Token[] {
  return from >= end ? [] : [new Token(line, line.text.slice(from, end), from, end)];
}

function listOrLine(line: LogicalLine, from: number, end: number): Arguments {
  const list = lexJsonList(line, from, end);
  return list === undefined ? { words: wholeLine(line, from, end) } : { words: list, json: true };
}

function parsePairs(name: string, line: LogicalLine, from: number, end: number, escape: Escape): PairNode[] {
  const words = lexQuotedWords(line, from, end, escape);
  const first = words[0];
  if (first === undefined) return [];
  if (!first.value.includes('=')) {
    let keyEnd = from;
    while (keyEnd < end && !isBlank(line.text.charCodeAt(keyEnd))) keyEnd++;
    let valueStart = keyEnd;
    while (valueStart < end && isBlank(line.text.charCodeAt(valueStart))) valueStart++;
    if (keyEnd >= end) throw new LanguageFault('pair-without-value', `${name} must have two arguments`);
    return [{ key: line.text.slice(from, keyEnd), value: line.text.slice(valueStart, end), legacy: true, range: line.range(from, end) }];
  }
  return words.map((word) => {
    const equals = word.value.indexOf('=');
    if (equals < 0)
      throw new LanguageFault(
        'pair-without-equals',
        `Syntax error - can't find = in ${quote(word.value)}. Must be of the form: name=value`,
      );
    return { key: word.value.slice(0, equals), value: word.value.slice(equals + 1), legacy: false, range: word.range };
  });
}
