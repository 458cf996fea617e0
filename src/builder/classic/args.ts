// Build arguments as the original engine keeps them: what the command line gave, what is declared in this stage, and what was
// declared before the first FROM. A declaration counts from its line on, and only in its stage.
import { PREDEFINED_ARGS } from '../../dockerfile/index.ts';

export class BuildArgs {
  readonly #given: Readonly<Record<string, string>>;
  readonly #meta: ReadonlyMap<string, string>;
  /** Of this stage; undefined is a declaration without a default. */
  readonly #declared = new Map<string, string | undefined>();
  /** Names that any stage declared; shared by all stages. */
  readonly #referenced: Set<string>;

  constructor(given: Readonly<Record<string, string>>, meta: ReadonlyMap<string, string>, referenced: Set<string> = new Set(meta.keys())) {
    this.#given = given;
    this.#meta = meta;
    this.#referenced = referenced;
  }

  /** For the next stage: nothing is declared yet. */
  forStage(): BuildArgs {
    return new BuildArgs(this.#given, this.#meta, this.#referenced);
  }

  declare(name: string, value: string | undefined): void {
    this.#declared.set(name, value);
    this.#referenced.add(name);
  }

  #value(name: string): string | undefined {
    return (
      (Object.hasOwn(this.#given, name) ? this.#given[name] : undefined) ??
      (this.#declared.has(name) ? (this.#declared.get(name) ?? this.#meta.get(name)) : undefined)
    );
  }

  /** The arguments in force that `env` (`NAME=value`) does not set, sorted. */
  active(env: readonly string[]): { readonly name: string; readonly value: string }[] {
    const set = new Set(env.map((e) => e.split('=', 1)[0]));
    const names = new Set([...this.#declared.keys(), ...PREDEFINED_ARGS]);
    return [...names].sort().flatMap((name) => {
      const value = set.has(name) ? undefined : this.#value(name);
      return value === undefined ? [] : [{ name, value }];
    });
  }

  /** Whether an argument is part of a command's identity: predefined ones are not, unless they were declared. */
  counts(name: string): boolean {
    return this.#referenced.has(name) || !PREDEFINED_ARGS.has(name);
  }

  /** What the command line gave and nobody declared. */
  unused(): string[] {
    return Object.keys(this.#given)
      .filter((name) => !this.#referenced.has(name) && !PREDEFINED_ARGS.has(name))
      .sort();
  }
}
