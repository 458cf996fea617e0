// `INCLUDE path` under `# slipway:features=include`: the instructions of other files in the place of the line. Reading them is the caller's.
import { isSlipwayError, type SourceRange } from '../model/index.ts';
import type { DockerfileNode, InstructionNode } from './ast.ts';
import { LanguageFault, located } from './errors.ts';
import type { SourceFile } from './errors.ts';
import { type ParsedText, parseText } from './parser.ts';

/** A file that an INCLUDE names. */
export interface Part {
  /** As messages call it: its path from the folder of the Dockerfile. */
  readonly name: string;
  /** The same for the same file, however it was named. */
  readonly id: string;
  readonly text: string;
}

/**
 * Reads what an INCLUDE names, relative to the file that it stands in: to the Dockerfile when `from` is left out.
 * @throws SlipwayError
 */
export type PartReader = (path: string, from: Part | undefined) => Part;

/** An INCLUDE and what came in its place. */
export interface Inclusion {
  /** The one whose part it stands in; none in the Dockerfile itself. */
  readonly within: Inclusion | undefined;
  readonly file: SourceFile;
  readonly node: InstructionNode;
  readonly range: SourceRange;
  readonly path: string;
  readonly part: SourceFile;
}

/** An instruction and the file that it stands in. */
export interface PlacedNode {
  readonly file: SourceFile;
  readonly node: InstructionNode;
  /** Where that file is included: `Dockerfile:3`, the innermost first. */
  readonly through: readonly string[];
}

const DEEPEST = 16;
const MOST_PARTS = 256;
/** Characters of all parts. */
const MOST_TEXT = 16 << 20;

interface Level {
  readonly file: SourceFile;
  readonly part: Part | undefined;
  readonly inclusion: Inclusion | undefined;
  readonly through: readonly string[];
}

/** The instructions of a file with those of its parts; each part is read when it is reached. */
export class Includer {
  readonly inclusions: Inclusion[] = [];
  /** Of the parts: see `ParsedText`. */
  readonly emptyContinuations: { readonly file: SourceFile; readonly range: SourceRange }[] = [];
  readonly #read: PartReader | undefined;
  readonly #escape: DockerfileNode['escape'];
  #text = 0;

  constructor(escape: DockerfileNode['escape'], read: PartReader | undefined) {
    this.#escape = escape;
    this.#read = read;
  }

  /** @throws SlipwayError `dockerfile.include…` with the place of the INCLUDE, and what parsing a part throws */
  *nodes(file: SourceFile, instructions: readonly InstructionNode[]): Generator<PlacedNode> {
    if (file.features?.has('include') === true)
      yield* this.#level({ file, part: undefined, inclusion: undefined, through: [] }, instructions, []);
    else for (const node of instructions) yield { file, node, through: [] };
  }

  *#level(level: Level, instructions: readonly InstructionNode[], open: readonly Part[]): Generator<PlacedNode> {
    const { file, through } = level;
    for (const node of instructions) {
      if (node.name !== 'INCLUDE') {
        yield { file, node, through };
        continue;
      }
      const part = this.#part(level, node, open);
      const { name, text } = part;
      const included: SourceFile = { name, text, ...(file.features && { features: file.features }) };
      const way = [`${file.name}:${node.range.start.line}`, ...through];
      const { ast, emptyContinuations } = withWay(way, () => this.#parse(included));
      for (const range of emptyContinuations) this.emptyContinuations.push({ file: included, range });
      const inclusion: Inclusion = { within: level.inclusion, file, node, range: node.range, path: pathOf(node), part: included };
      this.inclusions.push(inclusion);
      // what stands above the INCLUDE stands above the first instruction of the part
      const [first, ...rest] = ast.instructions;
      if (first === undefined) continue;
      const commented = node.comments.length === 0 ? first : { ...first, comments: [...node.comments, ...first.comments] };
      yield* this.#level({ file: included, part, inclusion, through: way }, [commented, ...rest], [...open, part]);
    }
  }

  #part({ file, part: from }: Level, node: InstructionNode, open: readonly Part[]): Part {
    const fail = (code: string, message: string, hints: readonly string[] = []): never => {
      throw located(new LanguageFault(code, message, hints), file, node.range);
    };
    const path = pathOf(node);
    const [flag] = node.flags;
    if (flag !== undefined) fail('include', `INCLUDE has no flags: ${flag.text}`);
    if (path === '') fail('include', 'INCLUDE requires exactly one argument');
    if (path.includes('$'))
      fail('include', 'INCLUDE takes no variables: it is read before any is known', [
        'a stage that is chosen by an argument can be named in FROM',
      ]);
    if (path.startsWith('/')) fail('include', 'INCLUDE takes a path that is relative to the file that it stands in');
    if (open.length >= DEEPEST) fail('include-depth', `INCLUDE goes deeper than ${DEEPEST} files`);
    if (this.inclusions.length >= MOST_PARTS) fail('include-many', `more than ${MOST_PARTS} files are included`);
    if (this.#read === undefined) return fail('include-unread', 'INCLUDE cannot be followed: nothing is known of where this file lies');
    let part: Part;
    try {
      part = this.#read(path, from);
    } catch (e) {
      throw isSlipwayError(e) ? located(new LanguageFault('include', e.message, e.hints), file, node.range) : e;
    }
    const again = open.findIndex(({ id }) => id === part.id);
    if (again >= 0) {
      const way = [...open.slice(again).map(({ name }) => name), part.name];
      fail('include-cycle', `${part.name} includes itself`, [way.join(' → ')]);
    }
    this.#text += part.text.length;
    if (this.#text > MOST_TEXT) fail('include-many', 'the files that are included are too large together');
    return part;
  }

  #parse(file: SourceFile): ParsedText {
    const parsed = parseText(file, { escape: this.#escape });
    if (parsed.ast.escape === this.#escape) return parsed;
    const directive = parsed.ast.directives.find(({ name }) => name === 'escape');
    const message = `the escape character of ${file.name} is not that of the file that includes it`;
    throw located(new LanguageFault('include-escape', message), file, directive?.range ?? parsed.ast.instructions[0]!.range);
  }
}

const pathOf = (node: InstructionNode): string => node.words[0]?.value ?? '';

/** Says with an error of a part how it came in. */
function withWay<T>(through: readonly string[], work: () => T): T {
  try {
    return work();
  } catch (e) {
    throw isSlipwayError(e) ? included(e, through) : e;
  }
}

export const included = <E extends { readonly hints: readonly string[]; withContext(o: { hints: readonly string[] }): E }>(
  e: E,
  through: readonly string[],
): E => (through.length === 0 ? e : e.withContext({ hints: [...e.hints, `included by ${through.join(', included by ')}`] }));
