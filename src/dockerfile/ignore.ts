// .dockerignore: reading it, and deciding for each path of a context whether it is left out. Rules apply in order, the last
// one that matches counts, `!` takes a path back in, and what holds for a directory holds for all that is in it.
import { trimSpace } from './chars.ts';
import { languageError, LanguageFault, located } from './errors.ts';
import { PathPattern } from './pathpattern.ts';
import { cleanPath } from './paths.ts';
import { decodeText, lineRange } from './source.ts';

export interface IgnoreRule {
  /** Cleaned, without its exclamation mark. */
  readonly pattern: string;
  readonly negated: boolean;
  /** As it stands in the file. */
  readonly written: string;
  readonly line: number;
}

/**
 * Reads an ignore file. Comments begin at the very first column; blanks around patterns do not count.
 * @throws SlipwayError 'dockerfile.bad-pattern' with the line
 */
export function parseIgnore(input: string | Uint8Array, options: { readonly name?: string } = {}): IgnoreRule[] {
  const file = { name: options.name ?? '.dockerignore', text: decodeText(input) };
  const rules: IgnoreRule[] = [];
  file.text.split('\n').forEach((line, index) => {
    if (line.startsWith('#')) return;
    const written = trimSpace(line);
    if (written === '') return;
    const negated = written.startsWith('!');
    let pattern = negated ? trimSpace(written.slice(1)) : written;
    if (pattern !== '') pattern = cleanPath(pattern);
    if (pattern.length > 1 && pattern.startsWith('/')) pattern = pattern.slice(1);
    try {
      if (pattern === '') throw new LanguageFault('bad-pattern', 'illegal exclusion pattern: "!"');
      void new PathPattern(pattern);
    } catch (error) {
      throw located(error, file, lineRange(index + 1, index + 1, line.length));
    }
    rules.push({ pattern, negated, written, line: index + 1 });
  });
  return rules;
}

export interface IgnoreMatch {
  readonly excluded: boolean;
  /** The rule that decided, as written; absent when none matched. */
  readonly pattern?: string;
  readonly line?: number;
}

export interface IgnoreOptions {
  /** The original builder's client looks into excluded directories only when a `!` rule begins with their very name. */
  readonly dialect?: 'buildkit' | 'classic';
  /** The file that the rules stand in. */
  readonly name?: string;
}

interface CompiledRule extends IgnoreRule {
  readonly matcher: PathPattern;
}

/** What was found for a directory: which rules matched it or something above it. */
interface DirectoryState {
  readonly matched: readonly boolean[];
  readonly excluded: boolean;
  /** Index of the rule that decided, or -1. */
  readonly decided: number;
}

/** Decides for paths relative to the context's root, with slashes and no leading one. */
export class IgnoreMatcher {
  /** Whether any rule takes paths back in. */
  readonly hasNegations: boolean;
  /** The file that the rules stand in. */
  readonly name: string | undefined;
  readonly #rules: readonly CompiledRule[];
  readonly #classic: boolean;
  readonly #directories = new Map<string, DirectoryState>();

  /**
   * @param rules of an ignore file, or bare patterns as in `COPY --exclude`
   * @throws SlipwayError 'dockerfile.bad-pattern' for a bare pattern that is none
   */
  constructor(rules: readonly (IgnoreRule | string)[], options: IgnoreOptions = {}) {
    this.#rules = rules.flatMap((rule) => {
      const made = typeof rule === 'string' ? bareRule(rule) : rule;
      return made === undefined ? [] : [{ ...made, matcher: compile(made.pattern) }];
    });
    this.hasNegations = this.#rules.some((rule) => rule.negated);
    this.#classic = options.dialect === 'classic';
    this.name = options.name;
  }

  matches(path: string): IgnoreMatch {
    const { excluded, decided } = this.#evaluate(path, this.#parent(path));
    const rule = this.#rules[decided];
    if (rule === undefined) return { excluded };
    return rule.line === 0 ? { excluded, pattern: rule.written } : { excluded, pattern: rule.written, line: rule.line };
  }

  /** Whether one of the rules is this pattern, as it was cleaned. */
  hasPattern(pattern: string): boolean {
    return this.#rules.some((rule) => rule.pattern === pattern);
  }

  /** Whether a walk must look into `directory`: true unless all that is in it is left out for certain. */
  mayContainIncluded(directory: string): boolean {
    if (directory === '' || directory === '.') return true;
    if (!this.#state(directory).excluded) return true;
    if (!this.hasNegations) return false;
    const inside = `${directory}/`;
    return this.#rules.some(({ negated, pattern, matcher }) => {
      if (!negated) return false;
      if (`${pattern}/`.startsWith(inside)) return true;
      if (this.#classic) return false;
      const prefix = matcher.literalPrefix;
      return prefix.startsWith(inside) || inside.startsWith(prefix);
    });
  }

  #parent(path: string): DirectoryState | undefined {
    const slash = path.lastIndexOf('/');
    return slash < 0 ? undefined : this.#state(path.slice(0, slash));
  }

  #state(directory: string): DirectoryState {
    const known = this.#directories.get(directory);
    if (known !== undefined) return known;
    // From the top down, so that deep paths need no recursion.
    let parent: DirectoryState | undefined;
    for (let at = 0; at >= 0;) {
      const slash = directory.indexOf('/', at);
      const part = slash < 0 ? directory : directory.slice(0, slash);
      let state = this.#directories.get(part);
      if (state === undefined) {
        state = this.#evaluate(part, parent);
        this.#directories.set(part, state);
      }
      parent = state;
      at = slash < 0 ? -1 : slash + 1;
    }
    return parent ?? { matched: [], excluded: false, decided: -1 };
  }

  #evaluate(path: string, parent: DirectoryState | undefined): DirectoryState {
    const matched: boolean[] = [];
    let excluded = false;
    let decided = -1;
    this.#rules.forEach((rule, index) => {
      let match = parent?.matched[index] ?? false;
      // A rule that could change nothing is not asked, and then counts as not matched for what lies below, as in Docker.
      if (!match && rule.negated === excluded) match = rule.matcher.matches(path);
      matched.push(match);
      if (!match) return;
      excluded = !rule.negated;
      decided = index;
    });
    return { matched, excluded, decided };
  }
}

function compile(pattern: string): PathPattern {
  try {
    return new PathPattern(pattern);
  } catch (error) {
    if (!(error instanceof LanguageFault)) throw error;
    throw languageError(error.code, error.message);
  }
}

function bareRule(text: string): IgnoreRule | undefined {
  const trimmed = trimSpace(text);
  if (trimmed === '') return undefined;
  const cleaned = cleanPath(trimmed);
  const negated = cleaned.startsWith('!');
  const pattern = negated ? cleaned.slice(1) : cleaned;
  if (pattern === '') throw languageError('bad-pattern', 'illegal exclusion pattern: "!"');
  return { pattern, negated, written: text, line: 0 };
}
