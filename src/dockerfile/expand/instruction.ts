// Which fields of which instruction take variables, and their replacement. Everything else stays as it is written: commands
// belong to their shell, and HEALTHCHECK, SHELL, ONBUILD, CMD and ENTRYPOINT are taken literally.
import type { SourceRange } from '../../model/index.ts';
import { LanguageFault, located, widen } from '../errors.ts';
import type { KeyValue } from '../instructions/base.ts';
import { expandMountSpec } from '../instructions/mount.ts';
import type { RunMount } from '../instructions/mount.ts';
import type {
  AddInstruction,
  ArgDeclaration,
  ArgInstruction,
  CopyInstruction,
  Instruction,
  RunInstruction,
} from '../instructions/types.ts';
import { expandText, expandTextToWords, isPlain, NO_NAMES } from './shell.ts';
import type { Environment, ExpandOptions } from './shell.ts';

export interface InstructionExpansion<T extends Instruction> {
  readonly instruction: T;
  readonly used: ReadonlySet<string>;
  readonly unmatched: ReadonlySet<string>;
}

/** Expands the texts of one instruction: keeps the books on names, and gives every fault its place. */
export class FieldExpander {
  used: ReadonlySet<string> = NO_NAMES;
  unmatched: ReadonlySet<string> = NO_NAMES;
  readonly #instruction: Instruction;
  readonly #env: Environment;
  readonly #options: ExpandOptions;

  constructor(instruction: Instruction, env: Environment, options: ExpandOptions) {
    this.#instruction = instruction;
    this.#env = env;
    this.#options = options;
  }

  word(text: string, range?: SourceRange, options: ExpandOptions = this.#options): string {
    if (isPlain(text, options.escape ?? '\\')) return text;
    const result = this.#at(range, () => expandText(text, this.#env, options));
    this.#note(result);
    return result.value;
  }

  /** A word whose faults are told as part of something. */
  prefixed(prefix: string, text: string): string {
    try {
      const result = expandText(text, this.#env, this.#options);
      this.#note(result);
      return result.value;
    } catch (error) {
      if (!(error instanceof LanguageFault)) throw error;
      return this.fail(error.code, `${prefix}: ${error.message}`);
    }
  }

  /** Variables may not stand here, whether or not they are set; the original builder takes them literally. */
  refuseVariables(code: string, message: string, text: string): void {
    if (this.#options.dialect !== 'classic' && this.word(text) !== text) this.fail(code, message);
  }

  fail(code: string, message: string, range?: SourceRange): never {
    return this.#at(range, () => {
      throw new LanguageFault(code, message);
    });
  }

  /** A word that must not come out empty. */
  filled(code: string, message: string, text: string, range?: SourceRange): string {
    const value = this.word(text, range);
    return value === '' ? this.fail(code, message, range) : value;
  }

  words(text: string, range?: SourceRange): readonly string[] {
    const result = this.#at(range, () => expandTextToWords(text, this.#env, this.#options));
    this.#note(result);
    return result.words;
  }

  mount(run: RunInstruction, index: number): RunMount | undefined {
    const spec = run.mounts[index];
    return spec === undefined ? undefined : this.#at(spec.range, () => expandMountSpec(spec, (text) => this.word(text, spec.range)));
  }

  #at<T>(range: SourceRange | undefined, work: () => T): T {
    try {
      return work();
    } catch (error) {
      const { file, range: whole } = this.#instruction;
      throw located(error, file, widen(range ?? whole, whole));
    }
  }

  #note({ used, unmatched }: { used: ReadonlySet<string>; unmatched: ReadonlySet<string> }): void {
    if (used.size > 0) this.used = this.used.size === 0 ? used : this.used.union(used);
    if (unmatched.size > 0) this.unmatched = this.unmatched.size === 0 ? unmatched : this.unmatched.union(unmatched);
  }
}

/**
 * Replaces variables in those fields of `instruction` where Docker does. All values of one instruction see the environment
 * as it is before it; see `declareArgs` for ARG in stages and `expandRunMounts` for mounts.
 * @throws SlipwayError 'dockerfile.bad-substitution', 'dockerfile.required-variable' with the place
 */
export function expandInstruction<T extends Instruction>(
  instruction: T,
  env: Environment,
  options: ExpandOptions = {},
): InstructionExpansion<T> {
  if (isLiteral(instruction, options)) return { instruction, used: NO_NAMES, unmatched: NO_NAMES };
  const expander = new FieldExpander(instruction, env, options);
  // The narrowed kinds come back as the kind that went in.
  const expanded = expandFields(instruction, expander) as T;
  return { instruction: expanded, used: expander.used, unmatched: expander.unmatched };
}

/** Most instructions have nothing in them that could change. */
function isLiteral({ kind, original, node }: Instruction, { escape = '\\' }: ExpandOptions): boolean {
  return kind !== 'EXPOSE' && node.heredocs.length === 0 && !node.json && isPlain(original, escape);
}

function expandFields(instruction: Instruction, expander: FieldExpander): Instruction {
  const { words } = instruction.node;
  switch (instruction.kind) {
    case 'FROM':
      return {
        ...instruction,
        base: expander.filled('base-blank', `base name (${instruction.base}) should not be blank`, instruction.base, words[0]?.range),
        ...(instruction.platform === undefined
          ? {}
          : { platform: expander.prefixed('failed to process arguments for platform ', instruction.platform) }),
      };
    case 'ENV':
    case 'LABEL':
      return {
        ...instruction,
        pairs: instruction.pairs.map((pair, index) => expandPair(pair, instruction.node.pairs[index]?.range, expander)),
      };
    case 'ARG':
      return { ...instruction, args: instruction.args.map((arg, index) => expandArg(arg, words[index]?.range, expander)) };
    case 'COPY':
    case 'ADD':
      return expandCopy(instruction, expander);
    case 'EXPOSE':
      return { ...instruction, ports: instruction.ports.flatMap((port) => expander.words(port)) };
    case 'VOLUME':
      return {
        ...instruction,
        paths: instruction.paths.map((path, index) =>
          expander.filled('volume-empty', 'VOLUME specified can not be an empty string', path, words[index]?.range),
        ),
      };
    case 'USER':
      return { ...instruction, user: expander.word(instruction.user, words[0]?.range) };
    case 'WORKDIR':
      return { ...instruction, path: expander.word(instruction.path, words[0]?.range) };
    case 'STOPSIGNAL':
      return { ...instruction, signal: expander.word(instruction.signal, words[0]?.range) };
    case 'RUN':
    case 'CMD':
    case 'ENTRYPOINT':
    case 'SHELL':
    case 'HEALTHCHECK':
    case 'ONBUILD':
    case 'MAINTAINER':
      return instruction;
    default:
      return instruction satisfies never;
  }
}

function expandPair(pair: KeyValue, range: SourceRange | undefined, expander: FieldExpander): KeyValue {
  return { ...pair, key: expander.word(pair.key, range), value: expander.word(pair.value, range) };
}

function expandArg(arg: ArgDeclaration, range: SourceRange | undefined, expander: FieldExpander): ArgDeclaration {
  const key = expander.word(arg.key, range);
  return arg.value === undefined ? { key } : { key, value: expander.word(arg.value, range) };
}

/** Bodies of heredocs know no quotes, and their escape character is always the backslash. */
const HEREDOC: ExpandOptions = { escape: '\\', ignoreQuotes: true };

function expandCopy<T extends CopyInstruction | AddInstruction>(instruction: T, expander: FieldExpander): T {
  const { words } = instruction.node;
  const variables = instruction.file.features?.has('variables') === true;
  const from = instruction.kind === 'COPY' ? instruction.from : undefined;
  if (from !== undefined && !variables) {
    expander.refuseVariables(
      'from-variable',
      'variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround',
      from,
    );
  }
  const optional: { chown?: string; chmod?: string; checksum?: string; from?: string } = {};
  if (from !== undefined && variables) optional.from = expander.word(from);
  if (instruction.chown !== undefined) optional.chown = expander.word(instruction.chown);
  if (instruction.chmod !== undefined) optional.chmod = expander.word(instruction.chmod);
  if (instruction.kind === 'ADD' && instruction.checksum !== undefined) optional.checksum = expander.word(instruction.checksum);
  return {
    ...instruction,
    ...optional,
    sources: instruction.sources.map((source) => expander.word(source)),
    files: instruction.files.map((file) => (file.expand ? { ...file, data: expander.word(file.data, undefined, HEREDOC) } : file)),
    dest: expander.word(instruction.dest, words.at(-1)?.range),
  };
}

/**
 * The mounts of a RUN with variables replaced and defaults filled in.
 * @throws SlipwayError 'dockerfile.run-mount' and those of `expandInstruction`, pointing at the flag
 */
export function expandRunMounts(run: RunInstruction, env: Environment, options: ExpandOptions = {}): RunMount[] {
  const expander = new FieldExpander(run, env, options);
  return run.mounts.flatMap((_, index) => expander.mount(run, index) ?? []);
}

/** The variables that the mounts of a RUN use and that are not set. Throws as `expandRunMounts`. */
export function undefinedInMounts(run: RunInstruction, env: Environment, options: ExpandOptions = {}): ReadonlySet<string> {
  const expander = new FieldExpander(run, env, options);
  for (const index of run.mounts.keys()) expander.mount(run, index);
  return expander.unmatched;
}

/** What one ARG instruction declares. */
export interface ArgScope {
  /** Values given from outside, which go before defaults. */
  readonly buildArgs: Readonly<Record<string, string>>;
  /** What an ARG without a default takes its value from: see `globalArgs`. */
  readonly globals?: ReadonlyMap<string, string>;
}

export interface DeclaredArgs {
  /** With their values; without one where there is none. */
  readonly args: readonly ArgDeclaration[];
  readonly used: ReadonlySet<string>;
  readonly unmatched: ReadonlySet<string>;
}

/**
 * The values that an ARG of a stage declares, as the graph engine does it: each argument sees those before it, a value from
 * outside goes before the default, and without either the value of a global argument of that name is taken.
 * @param env the variables of the stage before the instruction; not changed
 */
export function declareArgs(arg: ArgInstruction, env: Environment, scope: ArgScope, options: ExpandOptions = {}): DeclaredArgs {
  const declared = new Map<string, string>();
  const view: Environment = { get: (name) => declared.get(name) ?? env.get(name) };
  const expander = new FieldExpander(arg, view, options);
  const args = arg.args.map(({ key, value }, index): ArgDeclaration => {
    const given = Object.hasOwn(scope.buildArgs, key) ? scope.buildArgs[key] : undefined;
    const found = given ?? (value === undefined ? scope.globals?.get(key) : expander.word(value, arg.node.words[index]?.range));
    if (found === undefined) return { key };
    declared.set(key, found);
    return { key, value: found };
  });
  return { args, used: expander.used, unmatched: expander.unmatched };
}
