// Flags of instructions: what an instruction declares is checked against what stands in the text, with Docker's errors.
import type { SourceRange } from '../model/index.ts';
import type { InstructionNode } from './ast.ts';
import { LanguageFault } from './errors.ts';
import { FLAG_FEATURES } from './features.ts';
import { didYouMean } from './suggest.ts';

export type FlagType = 'boolean' | 'string' | 'strings';

/** One use of a flag. */
export interface FlagUse {
  readonly value: string;
  readonly range: SourceRange;
}

/** The flags of one instruction, by name. */
export class Flags {
  readonly #uses: ReadonlyMap<string, readonly FlagUse[]>;

  constructor(uses: ReadonlyMap<string, readonly FlagUse[]>) {
    this.#uses = uses;
  }

  all(name: string): readonly FlagUse[] {
    return this.#uses.get(name) ?? [];
  }

  string(name: string): string | undefined {
    return this.#uses.get(name)?.[0]?.value;
  }

  boolean(name: string): boolean | undefined {
    const value = this.string(name);
    return value === undefined ? undefined : value === 'true';
  }

  range(name: string): SourceRange | undefined {
    return this.#uses.get(name)?.[0]?.range;
  }
}

const NO_FLAGS = new Flags(new Map());

/**
 * Checks the flags of `node`.
 * @param at runs a piece of work whose faults belong to a range
 */
export function parseFlags(
  node: InstructionNode,
  declared: Readonly<Record<string, FlagType>>,
  at: (range: SourceRange, work: () => void) => void,
): Flags {
  if (node.flags.length === 0) return NO_FLAGS;
  const uses = new Map<string, FlagUse[]>();
  for (const flag of node.flags) {
    at(flag.range, () => {
      const equals = flag.text.indexOf('=');
      const name = equals < 0 ? flag.text.slice(2) : flag.text.slice(2, equals);
      const value = equals < 0 ? undefined : flag.text.slice(equals + 1);
      const type = Object.hasOwn(declared, name) ? declared[name] : undefined;
      if (type === undefined) {
        const feature = node.name === 'RUN' && Object.hasOwn(FLAG_FEATURES, name) ? FLAG_FEATURES[name] : undefined;
        const hints = feature === undefined ? [] : [`Slipway has it behind a line at the head of the file: # slipway:features=${feature}`];
        throw new LanguageFault('unknown-flag', `unknown flag: --${name}${didYouMean(name, Object.keys(declared), true)}`, hints);
      }
      const earlier = uses.get(name);
      if (earlier !== undefined && type !== 'strings') throw new LanguageFault('duplicate-flag', `duplicate flag specified: --${name}`);
      const use = { value: checkedValue(name, type, value), range: flag.range };
      if (earlier === undefined) uses.set(name, [use]);
      else earlier.push(use);
    });
  }
  return new Flags(uses);
}

function checkedValue(name: string, type: FlagType, value: string | undefined): string {
  if (type !== 'boolean') {
    if (value === undefined) throw new LanguageFault('flag-value', `missing a value on flag: --${name}`);
    return value;
  }
  if (value === undefined) return 'true';
  if (value === '') throw new LanguageFault('flag-value', `missing a value on flag: --${name}`);
  const lower = value.toLowerCase();
  if (lower !== 'true' && lower !== 'false')
    throw new LanguageFault('flag-value', `expecting boolean value for flag --${name}, not: ${value}`);
  return lower;
}
