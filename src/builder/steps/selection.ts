// Which entries of a source are taken: what the context's own list leaves out, and what --exclude leaves out.
import { IgnoreMatcher } from '../../dockerfile/index.ts';
import { isSlipwayError, SlipwayError } from '../../model/index.ts';
import type { PathFilter } from './types.ts';

/** Reads the patterns that COPY names. Throws invalid-argument 'copy.bad-pattern' in Docker's words. */
export function matcher(kind: 'include' | 'exclude', patterns: readonly string[]): IgnoreMatcher {
  try {
    return new IgnoreMatcher(patterns);
  } catch (e) {
    throw badPattern(kind, patterns, e);
  }
}

export function badPattern(kind: 'include' | 'exclude', patterns: readonly string[], e: unknown): unknown {
  if (!isSlipwayError(e)) return e;
  const message = `invalid ${kind}patterns: [${patterns.join(' ')}]: ${e.message}`;
  return new SlipwayError('invalid-argument', 'copy.bad-pattern', message, { cause: e });
}

/** yes: taken. no: left out with all below. below: left out itself, but something below may be taken. */
export type Verdict = 'yes' | 'no' | 'below';

export class Selection {
  /** True when nothing is left out, so that nobody need ask. */
  readonly everything: boolean;
  readonly #ignore: PathFilter | undefined;
  readonly #excludes: PathFilter | undefined;

  constructor(ignore: PathFilter | undefined, excludes: readonly string[] | undefined) {
    this.#ignore = ignore;
    this.#excludes = excludes && excludes.length > 0 ? matcher('exclude', excludes) : undefined;
    this.everything = !this.#ignore && !this.#excludes;
  }

  /**
   * `inRoot` is the path from the root of the source, for the context's list; `inSource` the one from what COPY names,
   * for --exclude, which never touches the source itself ('').
   */
  verdict(inRoot: string, inSource: string, directory: boolean): Verdict {
    let verdict: Verdict = 'yes';
    if (this.#ignore && inRoot !== '' && this.#ignore.matches(inRoot).excluded) {
      if (!directory || !this.#ignore.mayContainIncluded(inRoot)) return 'no';
      verdict = 'below';
    }
    if (this.#excludes && inSource !== '' && this.#excludes.matches(inSource).excluded) {
      if (!directory || !this.#excludes.mayContainIncluded(inSource)) return 'no';
      verdict = 'below';
    }
    return verdict;
  }
}
