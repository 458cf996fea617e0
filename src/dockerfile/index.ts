// The Dockerfile language as a library: text to typed instructions, stages, variable expansion, .dockerignore and checks.
// It reads no file and starts no process.
export type * from './ast.ts';
export type { Command, InlineFile, InstructionBase, KeyValue } from './instructions/base.ts';
export type * from './instructions/types.ts';
export type { RunMount, RunMountSpec } from './instructions/mount.ts';
export type { RunCommandLine } from './instructions/run.ts';
export type { Diagnostic } from './diagnostic.ts';
export { quote } from './chars.ts';
export { didYouMean } from './suggest.ts';
export { excerptOf } from './errors.ts';
export type { SourceFile } from './errors.ts';

export { nearestStage, parseBeginning, parseDockerfile, parseInstruction, resolveStage, targetStage } from './stages.ts';
export type { Dialect, Dockerfile, DockerfileOptions, InstructionOptions, Stage } from './stages.ts';
export type { Part, PartReader } from './include.ts';
export { findDirective } from './directives.ts';
export { checkFrontend } from './frontend.ts';
export { INSTRUCTION_NAMES } from './instructions/parse.ts';
export { INSTRUCTION_FLAGS } from './instructions/declared.ts';
export { MOUNT_KEYS } from './instructions/mount.ts';
export { runCommandLine } from './instructions/run.ts';
export { describeInstruction } from './describe.ts';
export { applyToConfig, commandWords, type ConfigInstruction } from './config/apply.ts';
export { exposedPorts } from './config/exposed-ports.ts';
export { plainTree } from './tree.ts';
export type { PlainInstruction, PlainRange, PlainTree } from './tree.ts';
export { formatDockerfile } from './format.ts';
export { flattenDockerfile } from './portable.ts';

export { expandWord, expandWords } from './expand/words.ts';
export type { Environment, Expansion, ExpandOptions, WordsExpansion } from './expand/shell.ts';
export { declareArgs, expandInstruction, expandRunMounts } from './expand/instruction.ts';
export type { ArgScope, DeclaredArgs, InstructionExpansion } from './expand/instruction.ts';
export { givenPredefinedArgs, globalArgs, platformArgs } from './args.ts';
export type { GlobalArgsOptions, PlatformParts } from './args.ts';
export { PREDEFINED_ARGS } from './predefined.ts';

export { checkBeginning, checkDockerfile, ruleSlug, ruleUrl } from './checks/index.ts';
export type { CheckOptions, CheckResult, RuleName } from './checks/index.ts';

export { IgnoreMatcher, parseIgnore } from './ignore.ts';
export type { IgnoreMatch, IgnoreOptions, IgnoreRule } from './ignore.ts';
export { compileGlob, globMatch, hasGlob } from './patterns.ts';
