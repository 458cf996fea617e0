// The checks that need the text of the Dockerfile alone: names, letters, and what stands in FROM.
import type { Environment } from '../expand/shell.ts';
import { expandWord } from '../expand/words.ts';
import type { FromInstruction, Instruction } from '../instructions/types.ts';
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

export function checkFile(dockerfile: Dockerfile, facts: FileFacts, to: Reporter): void {
  checkNames(dockerfile, to);
  checkCasing(dockerfile, to);
  for (const { from, commands } of dockerfile.stages) {
    checkFrom(dockerfile, from, facts, to);
    for (const i of commands)
      if (i.kind === 'MAINTAINER') to.tell('MaintainerDeprecated', i.range, 'Maintainer instruction is deprecated in favor of using label');
  }
  checkDescriptions(dockerfile, to);
}

function checkNames(dockerfile: Dockerfile, to: Reporter): void {
  const seen = new Set<string>();
  for (const { from, name } of dockerfile.stages) {
    if (name === undefined || from.writtenName === undefined) continue;
    if (from.writtenName !== name) to.tell('StageNameCasing', from.range, `Stage name '${from.writtenName}' should be lowercase`);
    if (seen.has(name))
      to.tell('DuplicateStageName', from.range, `Duplicate stage name ${JSON.stringify(name)}, stage names should be unique`);
    if (RESERVED.has(name)) {
      to.tell('ReservedStageName', from.range, `Stage name should not use the same name as reserved stage ${JSON.stringify(name)}`);
    }
    seen.add(name);
    const { keyword } = from.node;
    const as = from.node.words[1]?.value ?? '';
    if (isLower(as) !== isLower(keyword) && as !== '')
      to.tell('FromAsCasing', from.range, `'${as}' and '${keyword}' keywords' casing do not match`);
  }
}

const isLower = (text: string): boolean => text === text.toLowerCase();
const isUpper = (text: string): boolean => text === text.toUpperCase();

function checkCasing(dockerfile: Dockerfile, to: Reporter): void {
  const all = dockerfile.ast.instructions;
  const lower = all.filter((i) => isLower(i.keyword)).length;
  const upper = all.filter((i) => isUpper(i.keyword)).length;
  const [fits, name] = lower > upper ? [isLower, 'lowercase'] : [isUpper, 'uppercase'];
  for (const { keyword, range } of all) {
    if (!fits(keyword)) {
      to.tell('ConsistentInstructionCasing', range, `Command '${keyword}' should match the case of the command majority (${name})`);
    }
  }
}

function checkFrom(dockerfile: Dockerfile, from: FromInstruction, facts: FileFacts, to: Reporter): void {
  const { escape } = dockerfile;
  const defaults = new Map(facts.platformArgs);
  const declared = new Set(facts.platformArgs.keys());
  for (const { args } of dockerfile.metaArgs) {
    for (const { key, value } of args) {
      declared.add(key);
      if (value !== undefined) defaults.set(key, quiet(value, defaults, escape));
    }
  }
  const known = new Map([...declared].map((key) => [key, 'x']));
  for (const text of [from.base, from.platform ?? '']) {
    for (const name of unmatched(text, known, escape)) {
      to.tell('UndefinedArgInFrom', from.range, `FROM argument '${name}' is not declared${didYouMean(suggest(name, [...declared], true))}`);
    }
  }
  const base = quiet(from.base, defaults, escape);
  const isStage = dockerfile.stages.some((stage) => stage.name === base);
  const usesDeclared = from.base.includes('$') && unmatched(from.base, known, escape).length === 0;
  if (usesDeclared && !isStage && (base === '' || !facts.isImageName(base))) {
    to.tell('InvalidDefaultArgInFrom', from.range, `Default value for ARG ${from.base} results in empty or invalid base image name`);
  }
  checkPlatform(from, to);
}

function checkPlatform({ platform, range, name }: FromInstruction, to: Reporter): void {
  if (platform === undefined) return;
  if (/^\$(TARGETPLATFORM|\{TARGETPLATFORM\})$/.test(platform)) {
    to.tell(
      'RedundantTargetPlatform',
      range,
      `Setting platform to predefined ${platform} in FROM is redundant as this is the default behavior`,
    );
  } else if (!platform.includes('$')) {
    // A name that tells the platform shows that it is meant.
    const parts = platform.toLowerCase().split('/');
    if (!parts.some((part) => name?.includes(part))) {
      to.tell('FromPlatformFlagConstDisallowed', range, `FROM --platform flag should not use constant value ${JSON.stringify(platform)}`);
    }
  }
}

function checkDescriptions(dockerfile: Dockerfile, to: Reporter): void {
  const check = (i: Instruction, what: string, name: string | undefined): void => {
    const comment = i.node.comments.at(-1);
    if (comment === undefined || name === undefined || comment.trim().split(/\s/)[0] === name) return;
    to.tell('InvalidDefinitionDescription', i.range, `Comment for ${what} should follow the format: \`# ${name} <description>\``);
  };
  const args = [...dockerfile.metaArgs, ...dockerfile.stages.flatMap((stage) => stage.commands.filter((i) => i.kind === 'ARG'))];
  for (const i of args) check(i, 'argument', i.args[0]?.key);
  for (const { from } of dockerfile.stages) check(from, 'build stage', from.writtenName);
}

/** A value expanded as far as it can be; what is faulty is the parser's and the build's to tell. */
function quiet(text: string, env: Environment, escape: Dockerfile['escape']): string {
  try {
    return expandWord(text, env, { escape }).value;
  } catch {
    return '';
  }
}

function unmatched(text: string, env: Environment, escape: Dockerfile['escape']): string[] {
  try {
    return [...expandWord(text, env, { escape }).unmatched];
  } catch {
    return [];
  }
}
