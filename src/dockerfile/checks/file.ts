// The checks that need the text of the Dockerfile alone: names, letters, and what stands in FROM.
import { isSlipwayError, parsePlatform } from '../../model/index.ts';
import { quote } from '../chars.ts';
import { LanguageFault } from '../errors.ts';
import { expandText, type Expansion } from '../expand/shell.ts';
import type { ArgInstruction, FromInstruction } from '../instructions/types.ts';
import type { Dockerfile } from '../stages.ts';
import { suggest } from '../suggest.ts';
import { didYouMean, type Reporter } from './reporter.ts';

export interface FileFacts {
  /** Platform arguments, which need no declaration. */
  readonly platformArgs: ReadonlyMap<string, string>;
  /** Whether a text can name an image. */
  isImageName(text: string): boolean;
}

const RESERVED: ReadonlySet<string> = new Set(['scratch', 'context']);

/** Checks of single instructions, made while they are read: a file that ends in a mistake has these for what stands before it. */
export function checkForm(dockerfile: Dockerfile, to: Reporter): void {
  for (const i of dockerfile.inclusions) to.for(i).report('NonPortableSyntax', i.range, `INCLUDE ${i.path} is understood by Slipway alone`);
  for (const i of dockerfile.metaArgs) checkDescription('ARG', i, to);
  for (const { from, commands } of dockerfile.stages) {
    checkFromWords(from, to.for(from));
    checkDescription('FROM', from, to);
    for (const i of commands) {
      if (i.kind === 'MAINTAINER')
        to.for(i).report('MaintainerDeprecated', i.range, 'Maintainer instruction is deprecated in favor of using label');
      if (i.kind === 'ARG') checkDescription('ARG', i, to);
    }
  }
}

/** Checks of the whole file. */
export function checkFile(dockerfile: Dockerfile, facts: FileFacts, globals: ReadonlyMap<string, string>, to: Reporter): void {
  checkNames(dockerfile, to);
  checkCasing(dockerfile, to);
  checkDefaultBases(dockerfile, facts, to);
  for (const { from } of dockerfile.stages) checkFrom(dockerfile, from, facts, globals, to.for(from));
}

function checkFromWords(from: FromInstruction, to: Reporter): void {
  const { keyword, words } = from.node;
  const as = words[1]?.value;
  if (as === undefined) return;
  const written = from.writtenName ?? '';
  if (written !== written.toLowerCase()) to.report('StageNameCasing', from.range, `Stage name '${written}' should be lowercase`);
  // of a keyword in both letters ConsistentInstructionCasing has said enough
  const fits = isLower(keyword) ? isLower(as) : isUpper(keyword) ? isUpper(as) : true;
  if (!fits) to.report('FromAsCasing', from.range, `'${as}' and '${keyword}' keywords' casing do not match`);
}

function checkNames(dockerfile: Dockerfile, to: Reporter): void {
  const seen = new Set<string>();
  for (const { from, name } of dockerfile.stages) {
    if (name === undefined) continue;
    if (RESERVED.has(name))
      to.in(from).report('ReservedStageName', from.range, `Stage name should not use the same name as reserved stage ${quote(name)}`);
    if (seen.has(name))
      to.in(from).report('DuplicateStageName', from.range, `Duplicate stage name ${quote(name)}, stage names should be unique`);
    seen.add(name);
  }
}

const isLower = (text: string): boolean => text === text.toLowerCase();
const isUpper = (text: string): boolean => text === text.toUpperCase();

/** An ARG before the first FROM counts for nothing here, nor does a keyword in both letters for the majority. */
function checkCasing(dockerfile: Dockerfile, to: Reporter): void {
  const all = dockerfile.stages.flatMap(({ from, commands }) => [from, ...commands]);
  const lower = all.filter((i) => isLower(i.node.keyword)).length;
  const upper = all.filter((i) => isUpper(i.node.keyword)).length;
  const [fits, name] = lower > upper ? [isLower, 'lowercase'] : [isUpper, 'uppercase'];
  for (const i of all) {
    if (!fits(i.node.keyword))
      to.in(i).report(
        'ConsistentInstructionCasing',
        i.range,
        `Command '${i.node.keyword}' should match the case of the command majority (${name})`,
      );
  }
}

/** The bases as they are when no argument is given. */
function checkDefaultBases(dockerfile: Dockerfile, facts: FileFacts, to: Reporter): void {
  const { escape } = dockerfile;
  const defaults = new Map(facts.platformArgs);
  try {
    for (const { args } of dockerfile.metaArgs)
      for (const { key, value } of args) if (value !== undefined) defaults.set(key, expandText(value, defaults, { escape }).value);
    for (const { from } of dockerfile.stages) {
      if (!facts.isImageName(expandText(from.base, defaults, { escape }).value))
        to.in(from).report(
          'InvalidDefaultArgInFrom',
          from.range,
          `Default value for ARG ${from.base} results in empty or invalid base image name`,
        );
    }
  } catch (error) {
    // the build itself says what is wrong
    if (!(error instanceof LanguageFault)) throw error;
  }
}

function checkFrom(
  dockerfile: Dockerfile,
  from: FromInstruction,
  { platformArgs }: FileFacts,
  globals: ReadonlyMap<string, string>,
  to: Reporter,
): void {
  const { escape } = dockerfile;
  const declared = new Set([...platformArgs.keys(), ...dockerfile.metaArgs.flatMap(({ args }) => args.map(({ key }) => key))]);
  const known = new Map([...platformArgs, ...globals]);
  const expanded = (text: string): Expansion | undefined => {
    const found = attempt(() => expandText(text, known, { escape }));
    for (const name of found?.unmatched ?? []) {
      if (!declared.has(name))
        to.report(
          'UndefinedArgInFrom',
          from.range,
          `FROM argument '${name}' is not declared${didYouMean(suggest(name, [...declared], true))}`,
        );
    }
    return found;
  };
  expanded(from.base);
  if (from.platform === undefined) return;
  const platform = expanded(from.platform);
  if (platform === undefined) return;
  if (platform.used.size === 0 && platform.unmatched.size === 0) checkConstant(from, platform.value, to);
  // nothing but the target platform, whatever its form: $TARGETPLATFORM, ${TARGETPLATFORM:-x}
  const alone = platform.used.size === 1 && platform.unmatched.size === 0 && platform.used.has('TARGETPLATFORM');
  if (alone && platform.value === known.get('TARGETPLATFORM')) {
    to.report(
      'RedundantTargetPlatform',
      from.range,
      `Setting platform to predefined ${from.platform} in FROM is redundant as this is the default behavior`,
    );
  }
}

function checkConstant(from: FromInstruction, platform: string, to: Reporter): void {
  const parts = attempt(() => parsePlatform(platform));
  const name = from.name ?? '';
  // a name that tells the platform shows that it is meant
  if (parts === undefined || name.includes(parts.os) || name.includes(parts.architecture)) return;
  to.report('FromPlatformFlagConstDisallowed', from.range, `FROM --platform flag should not use constant value ${quote(platform)}`);
}

/** A comment right above describes what is defined when it begins with its name. */
function checkDescription(instruction: 'ARG' | 'FROM', i: FromInstruction | ArgInstruction, to: Reporter): void {
  const comment = i.node.comments.at(-1);
  const names = i.kind === 'ARG' ? i.args.map(({ key }) => key) : i.name === undefined ? [] : [i.name];
  const [first] = names;
  if (comment === undefined || first === undefined || names.includes(comment.split(' ')[0] ?? '')) return;
  const example = names.length > 1 ? '<arg_key>' : first;
  to.for(i).report(
    'InvalidDefinitionDescription',
    i.range,
    `Comment for ${instruction} should follow the format: \`# ${example} <description>\``,
  );
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof LanguageFault || isSlipwayError(error)) return undefined;
    throw error;
  }
}
