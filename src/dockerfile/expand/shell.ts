// The word expander: variables with all their modifiers, quotes and escapes, and splitting into words.
// It keeps its own stack of open constructs, so nesting of any depth is fine; it knows nothing of instructions.
import { isDigit, isLetter, isSpace, quote } from '../chars.ts';
import { LanguageFault } from '../errors.ts';
import { removePrefix, removeSuffix, replacePattern } from './pattern.ts';

/** Where values come from. A `Map` fits. */
export interface Environment {
  get(name: string): string | undefined;
}

export interface ExpandOptions {
  /** The character that takes the meaning from the next one. Default: backslash. */
  readonly escape?: '\\' | '`';
  /** Leave quotes in the result (for showing a command, for finding heredocs). */
  readonly keepQuotes?: boolean;
  /** Leave escape characters in the result. */
  readonly keepEscapes?: boolean;
  /** Quotes are characters like others (inside heredocs). */
  readonly ignoreQuotes?: boolean;
  /** Leave variables that are not set as they are written. */
  readonly keepUnset?: boolean;
  /** Which builder's rules hold where they differ. Default: buildkit. */
  readonly dialect?: 'buildkit' | 'classic';
}

export interface Expansion {
  readonly value: string;
  /** Names that were looked up and found. */
  readonly used: ReadonlySet<string>;
  /** Names that were looked up and not found. */
  readonly unmatched: ReadonlySet<string>;
}

export interface WordsExpansion {
  readonly words: readonly string[];
  readonly used: ReadonlySet<string>;
  readonly unmatched: ReadonlySet<string>;
}

/** Shared by all results without names. */
export const NO_NAMES: ReadonlySet<string> = new Set();

/** Longer results are refused: a few lines that double a value would otherwise fill the memory. */
const MAX_LENGTH = 1 << 24;

/**
 * Replaces variables, quotes and escapes in `word`.
 * @throws LanguageFault-derived SlipwayError is made by the callers that know the place; this one throws the bare fault.
 */
export function expandText(word: string, env: Environment, options: ExpandOptions = {}): Expansion {
  if (isPlain(word, options.escape ?? '\\')) return { value: word, used: NO_NAMES, unmatched: NO_NAMES };
  const shell = new ShellWord(word, env, options, false);
  return { value: shell.run(), used: shell.used, unmatched: shell.unmatched };
}

/** The same, cut at blanks outside of quotes; blanks that come out of variables cut too. */
export function expandTextToWords(text: string, env: Environment, options: ExpandOptions = {}): WordsExpansion {
  const shell = new ShellWord(text, env, options, true);
  shell.run();
  return { words: shell.words, used: shell.used, unmatched: shell.unmatched };
}

/** Whether expansion leaves a word as it is. */
export function isPlain(word: string, escape: string): boolean {
  return !word.includes('$') && !word.includes('"') && !word.includes("'") && !word.includes(escape);
}

/** What is open: the whole text, a double-quoted part, or a part of `${…}` up to its end. */
interface Frame {
  readonly kind: 'text' | 'double' | 'word' | 'pattern' | 'replacement';
  readonly keepEscapes: boolean;
  out: string;
  /** For the parts of `${…}`. */
  readonly name?: string;
  readonly modifier?: string;
  readonly pattern?: string;
}

const MODIFIERS = '+-?#%';
const SPECIAL_NAMES = '@*#?-$!0';

class ShellWord {
  #used: Set<string> | undefined;
  #unmatched: Set<string> | undefined;
  readonly words: string[] = [];
  readonly #text: string;
  readonly #env: Environment;
  readonly #escape: string;
  readonly #options: ExpandOptions;
  readonly #split: boolean;
  readonly #stack: Frame[] = [];
  #frame: Frame;
  #at = 0;
  #word = '';

  constructor(text: string, env: Environment, options: ExpandOptions, split: boolean) {
    this.#text = text;
    this.#env = env;
    this.#escape = options.escape ?? '\\';
    this.#options = options;
    this.#split = split;
    this.#frame = { kind: 'text', keepEscapes: options.keepEscapes ?? false, out: '' };
  }

  get used(): ReadonlySet<string> {
    return this.#used ?? NO_NAMES;
  }

  get unmatched(): ReadonlySet<string> {
    return this.#unmatched ?? NO_NAMES;
  }

  run(): string {
    try {
      const text = this.#text;
      while (this.#at < text.length) {
        if (this.#frame.kind === 'double') this.#doubleQuoted();
        else this.#open();
        if (this.#frame.out.length > MAX_LENGTH) this.#fail('the value becomes too long');
      }
      if (this.#frame.kind !== 'text') this.#fail('unexpected end of statement while looking for matching double-quote');
    } catch (error) {
      if (!(error instanceof LanguageFault)) throw error;
      throw new LanguageFault(error.code, `failed to process ${quote(this.#text)}: ${this.#outer(error.message)}`, error.hints);
    }
    this.#endWord();
    return this.#frame.out;
  }

  /** A fault at the very end of the text is told as the outermost construct that is still open. */
  #outer(message: string): string {
    if (this.#at < this.#text.length) return message;
    const open = [...this.#stack, this.#frame].find((frame) => frame.modifier !== undefined);
    if (open === undefined) return message;
    return open.kind === 'pattern' ? "syntax error: missing '/' in ${}" : "syntax error: missing '}'";
  }

  #fail(message: string, hints: readonly string[] = []): never {
    throw new LanguageFault('bad-substitution', message, hints);
  }

  /** One step outside of double quotes. */
  #open(): void {
    const text = this.#text;
    const frame = this.#frame;
    const stop = frame.kind === 'text' ? '' : frame.kind === 'pattern' ? '/' : '}';
    const start = this.#at;
    let at = start;
    for (; at < text.length; at++) {
      const char = text[at] ?? '';
      if (char === stop || char === '$' || char === this.#escape) break;
      if ((char === "'" || char === '"') && !this.#options.ignoreQuotes) break;
    }
    this.#at = at;
    if (at > start) this.#addSplittable(text.slice(start, at));
    if (at >= text.length) return;
    const char = text[at] ?? '';
    if (char === stop) {
      this.#at++;
      this.#close();
    } else if (char === '$') this.#dollar();
    else if (char === "'" && !this.#options.ignoreQuotes) this.#singleQuoted();
    else if (char === '"' && !this.#options.ignoreQuotes) {
      this.#at++;
      this.#push({ kind: 'double', keepEscapes: frame.keepEscapes, out: this.#options.keepQuotes ? '"' : '' });
    } else this.#escaped();
  }

  /** The escape character outside of quotes: the next character stands for itself. */
  #escaped(): void {
    if (this.#frame.keepEscapes) this.#addRaw(this.#escape);
    const next = this.#text[this.#at + 1];
    this.#at += 2;
    if (next !== undefined) this.#addRaw(next);
  }

  #singleQuoted(): void {
    const end = this.#text.indexOf("'", this.#at + 1);
    if (end < 0) {
      this.#at = this.#text.length;
      this.#fail('unexpected end of statement while looking for matching single-quote');
    }
    this.#addRaw(this.#options.keepQuotes ? this.#text.slice(this.#at, end + 1) : this.#text.slice(this.#at + 1, end));
    this.#at = end + 1;
  }

  /** One step inside double quotes: variables are replaced, and the escape character is one only before some. */
  #doubleQuoted(): void {
    const text = this.#text;
    const frame = this.#frame;
    const start = this.#at;
    let at = start;
    for (; at < text.length; at++) {
      const char = text[at];
      if (char === '"' || char === '$' || char === this.#escape) break;
    }
    this.#at = at;
    if (at > start) frame.out += text.slice(start, at);
    if (at >= text.length) return;
    if (text[at] === '"') {
      this.#at++;
      if (this.#options.keepQuotes) frame.out += '"';
      this.#pop();
      this.#addRaw(frame.out);
      return;
    }
    if (text[at] === '$') return this.#dollar();
    this.#at++;
    if (frame.keepEscapes) frame.out += this.#escape;
    const next = text[at + 1];
    if (next === undefined) return;
    if (next === '"' || next === '$' || next === this.#escape) {
      frame.out += next;
      this.#at++;
    } else frame.out += this.#escape;
  }

  /** At a dollar sign: a variable, or the beginning of `${…}`. */
  #dollar(): void {
    const text = this.#text;
    this.#at++;
    if (text[this.#at] !== '{') {
      const name = this.#name();
      if (name === '') return this.#addSplittable('$');
      const value = this.#lookUp(name);
      return this.#addSplittable(value ?? (this.#options.keepUnset ? `$${name}` : ''));
    }
    this.#at++;
    if (this.#at >= text.length) this.#fail("syntax error: missing '}'");
    if ('{}:'.includes(text[this.#at] ?? '')) this.#fail('syntax error: bad substitution');
    const name = this.#name();
    let modifier = this.#take();
    if (modifier === '}') {
      const value = this.#lookUp(name);
      return this.#addSplittable(value ?? (this.#options.keepUnset ? `\${${name}}` : ''));
    }
    if (modifier === '/') {
      if (text[this.#at] === '/') {
        this.#at++;
        modifier = '//';
      }
      return this.#push({ kind: 'pattern', keepEscapes: true, out: '', name, modifier });
    }
    const colon = modifier === ':';
    const operator = colon ? this.#take() : modifier;
    if (colon) modifier += operator;
    const trims = operator === '#' || operator === '%';
    // What stands after a colon is read to its end before it is found wanting, what stands without one is not.
    if ((colon && trims) || (!colon && (operator === '' || !MODIFIERS.includes(operator))))
      this.#fail(`unsupported modifier (${modifier || '\ufffd'}) in substitution`, modifier === '' ? ['The closing } is missing.'] : []);
    this.#push({ kind: 'word', keepEscapes: trims, out: '', name, modifier });
  }

  #take(): string {
    const code = this.#text.codePointAt(this.#at);
    if (code === undefined) return '';
    const char = String.fromCodePoint(code);
    this.#at += char.length;
    return char;
  }

  #name(): string {
    const text = this.#text;
    const start = this.#at;
    const first = text[start];
    if (first === undefined) return '';
    let at = start;
    if (isDigit(first)) {
      while (at < text.length && isDigit(text[at] ?? '')) at++;
    } else if (SPECIAL_NAMES.includes(first)) at++;
    else {
      while (at < text.length) {
        const char = String.fromCodePoint(text.codePointAt(at) ?? 0);
        if (char !== '_' && !isLetter(char) && !isDigit(char)) break;
        at += char.length;
      }
    }
    this.#at = at;
    return text.slice(start, at);
  }

  #lookUp(name: string): string | undefined {
    const value = this.#env.get(name);
    if (value === undefined) (this.#unmatched ??= new Set()).add(name);
    else (this.#used ??= new Set()).add(name);
    return value;
  }

  #push(frame: Frame): void {
    this.#stack.push(this.#frame);
    this.#frame = frame;
  }

  #pop(): void {
    const parent = this.#stack.pop();
    if (parent !== undefined) this.#frame = parent;
  }

  /** At the end of a part of `${…}`. */
  #close(): void {
    const { kind, out, name = '', modifier = '', pattern = '' } = this.#frame;
    this.#pop();
    if (kind === 'pattern') return this.#push({ kind: 'replacement', keepEscapes: true, out: '', name, modifier, pattern: out });
    const value = this.#lookUp(name);
    if (value === undefined && this.#options.keepUnset) {
      return this.#addSplittable(kind === 'replacement' ? `\${${name}${modifier}${pattern}/${out}}` : `\${${name}${modifier}${out}}`);
    }
    if (kind === 'replacement')
      this.#addSplittable(this.#matching(pattern, () => replacePattern(value ?? '', pattern, out, modifier === '//')));
    else this.#addSplittable(this.#modified(name, value, modifier, out));
  }

  #matching(pattern: string, work: () => string): string {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof LanguageFault)) throw error;
      this.#fail(`invalid pattern (${pattern}) in substitution: ${error.message}`);
    }
  }

  #modified(name: string, value: string | undefined, modifier: string, word: string): string {
    const absent = value === undefined || (modifier.startsWith(':') && value === '');
    switch (modifier) {
      case '-':
      case ':-':
        return absent ? word : value;
      case '+':
      case ':+':
        return absent ? '' : word;
      case '?':
      case ':?':
        if (!absent) return value;
        throw new LanguageFault(
          'required-variable',
          `${name}: ${word || `is not allowed to be ${value === undefined ? 'unset' : 'empty'}`}`,
        );
      case '#':
      case '%': {
        const longest = word.startsWith(modifier);
        const pattern = longest ? word.slice(1) : word;
        const remove = modifier === '#' ? removePrefix : removeSuffix;
        return this.#matching(pattern, () => remove(value ?? '', pattern, longest));
      }
      default:
        this.#fail(`unsupported modifier (${modifier}) in substitution`);
    }
  }

  /** Text that is cut at blanks when it stands outside of everything. */
  #addSplittable(text: string): void {
    this.#frame.out += text;
    if (!this.#split || this.#stack.length > 0) return;
    let start = 0;
    for (let at = 0; at < text.length; at++) {
      if (!isSpace(text.charCodeAt(at))) continue;
      this.#word += text.slice(start, at);
      this.#endWord();
      start = at + 1;
    }
    this.#word += text.slice(start);
  }

  #addRaw(text: string): void {
    this.#frame.out += text;
    if (this.#split && this.#stack.length === 0) this.#word += text;
  }

  #endWord(): void {
    if (this.#word !== '') this.words.push(this.#word);
    this.#word = '';
  }
}
