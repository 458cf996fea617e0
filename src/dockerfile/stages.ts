// Instructions grouped into stages, and finding stages by name or number.
import { isSlipwayError, type SlipwayError, type SourceRange } from '../model/index.ts';
import type { Directive, DockerfileNode } from './ast.ts';
import type { Diagnostic } from './diagnostic.ts';
import { excerptOf, languageError } from './errors.ts';
import type { SourceFile } from './errors.ts';
import { toInstruction } from './instructions/parse.ts';
import type { ArgInstruction, FromInstruction, Instruction } from './instructions/types.ts';
import { emptyContinuation } from './diagnostic.ts';
import { readFeatures } from './features.ts';
import { included, Includer, type Inclusion, type PartReader } from './include.ts';
import { parseSingle, parseText } from './parser.ts';
import type { Escape } from './parser.ts';
import { decodeText, joinRanges, lineRange } from './source.ts';
import { suggest } from './suggest.ts';

/** One stage: a FROM and what follows it. */
export interface Stage {
  readonly index: number;
  /** In lower case. */
  readonly name?: string;
  readonly from: FromInstruction;
  /** Without the FROM. */
  readonly commands: readonly Instruction[];
  /** The comments right above the FROM. */
  readonly comments: readonly string[];
  readonly range: SourceRange;
}

/** A Dockerfile that was parsed. */
export interface Dockerfile extends SourceFile {
  readonly ast: DockerfileNode;
  readonly directives: readonly Directive[];
  readonly escape: Escape;
  /** The ARGs before the first FROM. */
  readonly metaArgs: readonly ArgInstruction[];
  readonly stages: readonly Stage[];
  /** The INCLUDEs that were followed. */
  readonly inclusions: readonly Inclusion[];
  /** What the parser itself warns of; `checkDockerfile` finds the rest. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Which builder's words the errors use. */
export type Dialect = 'buildkit' | 'classic';

/** How a text is read, and what errors call it. */
export interface DockerfileOptions {
  /** Shown in errors. Default: Dockerfile. */
  readonly name?: string;
  readonly dialect?: Dialect;
  /** How INCLUDE is followed, where `# slipway:features` allows it. */
  readonly include?: PartReader;
}

/**
 * Parses a Dockerfile and groups its instructions into stages.
 * @throws SlipwayError 'invalid-argument' with a code 'dockerfile.…' and the place of the fault
 */
export function parseDockerfile(input: string | Uint8Array, options: DockerfileOptions = {}): Dockerfile {
  const { dockerfile, error } = parseBeginning(input, options);
  if (error !== undefined) throw error;
  return dockerfile;
}

/** The same up to the first instruction that is wrong: what stands before it, and the error. Throws for text without instructions. */
export function parseBeginning(
  input: string | Uint8Array,
  options: DockerfileOptions = {},
): { readonly dockerfile: Dockerfile; readonly error: SlipwayError | undefined } {
  const plain: SourceFile = { name: options.name ?? 'Dockerfile', text: decodeText(input) };
  const classic = options.dialect === 'classic';
  const features = classic ? undefined : readFeatures(plain);
  const file: SourceFile = features === undefined ? plain : { ...plain, features };
  if (file.text === '')
    throw languageError('empty', classic ? `the Dockerfile (${file.name}) cannot be empty` : 'the Dockerfile cannot be empty');
  const { ast, emptyContinuations } = parseText(file, classic ? { errorPrefix: 'failed to parse Dockerfile: ' } : {});
  if (ast.instructions.length === 0) throw noInstructions(file, classic);
  const metaArgs: ArgInstruction[] = [];
  const stages: { from: FromInstruction; commands: Instruction[] }[] = [];
  let error: SlipwayError | undefined;
  const includer = new Includer(ast.escape, options.include);
  let way: readonly string[] = [];
  try {
    for (const { file: of, node, through } of includer.nodes(file, ast.instructions)) {
      way = through;
      const instruction = toInstruction(of, node);
      way = [];
      const stage = stages.at(-1);
      if (instruction.kind === 'FROM') stages.push({ from: instruction, commands: [] });
      else if (stage !== undefined) stage.commands.push(instruction);
      else if (instruction.kind === 'ARG') metaArgs.push(instruction);
      else throw languageError('no-stage', 'no build stage in current context', excerptOf(of, instruction.range));
    }
  } catch (e) {
    if (!isSlipwayError(e)) throw e;
    error = included(e, way);
  }
  const dockerfile: Dockerfile = {
    ...file,
    ast,
    directives: ast.directives,
    escape: ast.escape,
    metaArgs,
    stages: stages.map(({ from, commands }, index) => ({
      index,
      ...(from.name === undefined ? {} : { name: from.name }),
      from,
      commands,
      comments: from.node.comments,
      range: joinRanges(from.range, (commands.at(-1) ?? from).range),
    })),
    inclusions: includer.inclusions,
    diagnostics: [...emptyContinuations.map((range) => ({ file, range })), ...includer.emptyContinuations].map((at) =>
      emptyContinuation(at.file, at.range),
    ),
  };
  return { dockerfile, error };
}

/** BuildKit points at the last line. */
function noInstructions(file: SourceFile, classic: boolean): SlipwayError {
  const lines = file.text.replace(/\n$/, '').split('\n');
  const source = excerptOf(file, lineRange(lines.length, lines.length, lines.at(-1)?.length ?? 0));
  const message = `${classic ? 'failed to parse Dockerfile: ' : ''}file with no instructions`;
  return languageError('no-instructions', message, classic ? undefined : source);
}

/** `escape` is the character that continues a line. */
export interface InstructionOptions extends DockerfileOptions {
  readonly escape?: Escape;
}

/**
 * Parses one instruction out of nowhere: an ONBUILD trigger of a base image, a `--change` of an import.
 * @throws SlipwayError as `parseDockerfile` does
 */
export function parseInstruction(line: string, options: InstructionOptions = {}): Instruction {
  const file: SourceFile = { name: options.name ?? 'instruction', text: line };
  const node = parseSingle(
    file,
    options.escape ?? '\\',
    options.dialect === 'classic' ? { errorPrefix: 'failed to parse Dockerfile: ' } : {},
  );
  if (node === undefined) throw languageError('no-instructions', 'file with no instructions');
  return toInstruction(file, node);
}

/**
 * The stage that `ref` means: by name, whatever the case, or by number. The last stage of a name counts.
 * @param before only stages with a smaller index
 */
export function resolveStage(dockerfile: Pick<Dockerfile, 'stages'>, ref: string, before = dockerfile.stages.length): Stage | undefined {
  const name = ref.toLowerCase();
  const named = dockerfile.stages.slice(0, before).findLast((stage) => stage.name === name);
  if (named !== undefined) return named;
  if (!/^[+]?[0-9]+$/.test(ref)) return undefined;
  const index = Number(ref);
  return index < before ? dockerfile.stages[index] : undefined;
}

/** The name of a stage that `ref` may have been meant for. */
export function nearestStage(dockerfile: Pick<Dockerfile, 'stages'>, ref: string): string | undefined {
  const names = dockerfile.stages.flatMap((stage) => (stage.name === undefined ? [] : [stage.name]));
  return suggest(ref, names, false);
}

/**
 * The stage to build: the last one, or the one named `target` (numbers are not names here).
 * @throws SlipwayError 'dockerfile.target-unknown'
 */
export function targetStage(dockerfile: Dockerfile, target: string | undefined): Stage {
  const last = dockerfile.stages.at(-1);
  if (last === undefined) throw languageError('no-stage', 'dockerfile contains no stages to build');
  if (target === undefined || target === '') return last;
  const name = target.toLowerCase();
  const found = dockerfile.stages.findLast((stage) => stage.name === name);
  if (found !== undefined) return found;
  const near = nearestStage(dockerfile, target);
  const names = dockerfile.stages.flatMap((stage) => (stage.name === undefined ? [] : [stage.name]));
  const known = names.length === 0 ? 'No stage of this file has a name.' : `Stages of this file: ${[...new Set(names)].join(', ')}.`;
  const message = `target stage "${target}" could not be found${near === undefined ? '' : ` (did you mean ${near}?)`}`;
  throw languageError('target-unknown', message, undefined, [known]);
}
