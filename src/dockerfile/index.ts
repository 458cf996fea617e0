// The Dockerfile language as a library: text to typed instructions, stages, variable expansion, .dockerignore and checks.
// It reads no file and starts no process.
import type { SlipwayError, SourceExcerpt, SourceRange } from '../model/index.ts';
import type { DockerfileNode, Directive } from './ast.ts';
import type { ArgInstruction, FromInstruction, Instruction, RunInstruction } from './instructions/types.ts';
import type { RunMount } from './instructions/mount.ts';
export type * from './ast.ts';
export type * from './instructions/base.ts';
export type * from './instructions/types.ts';
export type { RunMount, RunMountSpec } from './instructions/mount.ts';

export interface Diagnostic { readonly rule: string; readonly message: string; readonly description: string; readonly url?: string; readonly source: SourceExcerpt }
export interface Stage { readonly index: number; readonly name?: string; readonly from: FromInstruction; readonly commands: readonly Instruction[]; readonly comments: readonly string[]; readonly range: SourceRange }
export interface Dockerfile { readonly name: string; readonly text: string; readonly ast: DockerfileNode; readonly directives: readonly Directive[]; readonly escape: '\\' | '`'; readonly metaArgs: readonly ArgInstruction[]; readonly stages: readonly Stage[]; readonly diagnostics: readonly Diagnostic[] }
export declare function parseDockerfile(text: string | Uint8Array, options?: { name?: string; dialect?: 'buildkit' | 'classic' }): Dockerfile;
/** An instruction out of nowhere (ONBUILD triggers of a base image, `--change`). */
export declare function parseInstruction(line: string, options?: { name?: string; escape?: '\\' | '`'; dialect?: 'buildkit' | 'classic' }): Instruction;
/** For an error of a later stage of the build, so that it points at the instruction. */
export declare function excerptOf(dockerfile: Dockerfile, range: SourceRange): SourceExcerpt;

// expansion
export interface Environment { get(name: string): string | undefined; keys(): Iterable<string> }   // a Map fits
export interface ExpandOptions { readonly escape: '\\' | '`'; readonly keepQuotes?: boolean; readonly keepEscapes?: boolean; readonly dialect?: 'buildkit' | 'classic' }
export interface Expansion { readonly value: string; readonly used: ReadonlySet<string>; readonly unmatched: ReadonlySet<string> }
export declare function expandWord(word: string, env: Environment, options?: ExpandOptions): Expansion;
export declare function expandWords(word: string, env: Environment, options?: ExpandOptions): { readonly words: readonly string[]; readonly used: ReadonlySet<string>; readonly unmatched: ReadonlySet<string> };
/** Replaces variables in exactly those fields where Docker does (ENV, COPY, USER …); others come back as they are. `pairs`/`args` in order see only the environment before the instruction. */
export declare function expandInstruction<T extends Instruction>(instruction: T, env: Environment, options?: ExpandOptions & { source?: Dockerfile }): { readonly instruction: T; readonly used: ReadonlySet<string>; readonly unmatched: ReadonlySet<string> };
export declare function expandRunMounts(run: RunInstruction, env: Environment, options?: ExpandOptions & { source?: Dockerfile }): RunMount[];
export declare function runCommandLine(run: RunInstruction, o: { shell: readonly string[]; os?: string }): { readonly args: readonly string[]; /** A heredoc with a shebang: mount it read-only in the folder of `path` and run it. */ readonly script?: { path: string; content: string }; readonly summary?: string };

// args
export declare const PREDEFINED_ARGS: ReadonlySet<string>;  // proxy variables: usable without ARG, never in history nor in cache keys
export declare function platformArgs(build: { os: string; architecture: string; variant?: string }, target: { os: string; architecture: string; variant?: string }): Map<string, string>;
/** The variables that FROM lines see: platform args, then the ARGs before the first FROM with --build-arg over their defaults. */
export declare function globalArgs(dockerfile: Dockerfile, o: { buildArgs: Readonly<Record<string, string>>; platformArgs?: ReadonlyMap<string, string>; target?: string }): Map<string, string>;

// stages
export declare function resolveStage(dockerfile: Dockerfile, ref: string, before?: number): Stage | undefined;  // name in any case or index; before: only stages before that index
export declare function nearestStage(dockerfile: Dockerfile, ref: string): string | undefined;
export declare function targetStage(dockerfile: Dockerfile, target: string | undefined): Stage;  // throws dockerfile.target-unknown in Docker's words

// .dockerignore and patterns
export interface IgnoreRule { readonly pattern: string; readonly negated: boolean; readonly line: number }
export declare function parseIgnore(text: string | Uint8Array, o?: { name?: string }): IgnoreRule[];
export interface IgnoreMatch { readonly excluded: boolean; readonly pattern?: string; readonly line?: number }
export declare class IgnoreMatcher { constructor(rules: readonly (IgnoreRule | string)[]); readonly hasNegations: boolean; matches(path: string): IgnoreMatch; mayContainIncluded(dir: string): boolean }
/** Go's filepath.Match; throws dockerfile.bad-pattern "syntax error in pattern". */
export declare function globMatch(pattern: string, name: string): boolean;
export declare function hasGlob(pattern: string): boolean;

// checks, outline
export interface CheckInput { readonly basePlatforms?: ReadonlyMap<string, string>; readonly targetPlatform?: string; readonly buildPlatform?: string; readonly buildArgs?: Readonly<Record<string, string>>; readonly ignore?: IgnoreMatcher; readonly baseEnv?: ReadonlyMap<number, Environment>; readonly target?: string }
export declare function checkDockerfile(dockerfile: Dockerfile, input?: CheckInput): Diagnostic[];
export type { SlipwayError };
