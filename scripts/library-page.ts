// The page of the library `slipway/dockerfile`: what it exports, read from its types by TypeScript's compiler.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ClassDeclaration, type Node, SyntaxKind } from 'typescript/unstable/ast';
import {
  isClassDeclaration,
  isFunctionDeclaration,
  isIdentifier,
  isTypeAliasDeclaration,
  isVariableDeclaration,
} from 'typescript/unstable/ast/is';
import { API, NodeBuilderFlags, type Project, type Symbol, SymbolFlags } from 'typescript/unstable/sync';
import { EXAMPLE } from './library-example.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** A union of names as these. */
const FULLY = NodeBuilderFlags.NoTruncation | NodeBuilderFlags.InTypeAlias;
const LIBRARY = 'src/dockerfile/';

/** Titles, and the files and folders below `src/dockerfile/` whose exports stand under them. */
const SECTIONS: readonly (readonly [title: string, about: string, files: readonly string[]])[] = [
  ['Parsing', 'From text to stages of typed instructions.', ['stages.ts', 'include.ts', 'directives.ts', 'frontend.ts']],
  ['Checks', 'What `slipway build --check` reports; [a page for each](checks.md).', ['checks/', 'diagnostic.ts']],
  ['Formatting', 'What `slipway dockerfile format` and `flatten` do.', ['format.ts', 'portable.ts']],
  ['Variables', 'Which values there are, and where they are replaced.', ['expand/', 'args.ts', 'predefined.ts']],
  ['Ignore files and patterns', '', ['ignore.ts', 'patterns.ts', 'glob.ts']],
  ['The configuration of an image', 'What instructions change in it.', ['config/']],
  ['Instructions', 'A union: `switch` on `kind`.', ['instructions/', 'describe.ts']],
  ['The tree', 'Words, flags and places as written, before any instruction is understood.', ['ast.ts', 'tree.ts']],
  ['Messages', 'Excerpts and suggestions, as Slipway prints them.', ['errors.ts', 'suggest.ts', 'chars.ts']],
];

interface Entry {
  readonly name: string;
  readonly symbol: Symbol;
  readonly node: Node;
  /** From the folder of the project. */
  readonly file: string;
}

export function libraryPage(): string {
  // a project of the library alone: that of the whole repository takes long to load
  const config = join(ROOT, 'tsconfig.library.json');
  const text = JSON.stringify({ extends: './tsconfig.json', include: [], files: [`${LIBRARY}index.ts`] });
  const api = new API({
    cwd: ROOT,
    fs: { readFile: (path) => (path === config ? text : undefined), fileExists: (path) => (path === config ? true : undefined) },
  });
  try {
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
    if (project === undefined) throw new Error('the compiler did not load the library');
    return pageOf(project);
  } finally {
    api.close();
  }
}

function pageOf(project: Project): string {
  const { checker, program } = project;
  const index = program.getSourceFile(join(ROOT, LIBRARY, 'index.ts'));
  const library = index && checker.getSymbolAtLocation(index);
  if (library === undefined) throw new Error('the library has no index');
  const exported = checker.getExportsOfModule(library).map((s) => entryOf(project, s));
  const sections = SECTIONS.map(([title, about, files]) => {
    const found = files.flatMap((f) =>
      exported.filter(({ file }) => file === LIBRARY + f || (f.endsWith('/') && file.startsWith(LIBRARY + f))),
    );
    return { title, about, found: found.toSorted(byUse) };
  });
  const placed = new Set(sections.flatMap(({ found }) => found));
  const lost = exported.filter((e) => !placed.has(e));
  if (lost.length > 0)
    throw new Error(`scripts/library-page.ts has no section for ${lost.map((e) => `${e.name} of ${e.file}`).join(', ')}`);
  const others = namedBy(project, exported);
  return [
    '# The library\n',
    'The language of Dockerfiles for programs of your own: parse, check, format, expand. It reads no file and starts no process. The package has its types.\n',
    `\`\`\`js\n${EXAMPLE.code}\`\`\`\n`,
    `prints\n\n\`\`\`text\n${EXAMPLE.output}\`\`\`\n`,
    'What cannot be parsed is thrown as a [`SlipwayError`](#slipwayerror) with a stable `code` and the place in the file.\n',
    ...sections.map(
      ({ title, about, found }) =>
        `## ${title}\n\n${about === '' ? '' : `${about}\n\n`}${found.map((e) => entryText(project, e)).join('\n')}`,
    ),
    `## Types that these name\n\nThey are not exported by name; TypeScript knows them from the declarations.\n\n${others.map((e) => entryText(project, e)).join('\n')}`,
  ].join('\n');
}

/** What can be called, then the types; both as they stand in their files. */
function byUse(a: Entry, b: Entry): number {
  const isType = ({ symbol }: Entry): number => Number((symbol.flags & SymbolFlags.Value) === 0);
  return isType(a) - isType(b) || (a.file === b.file ? a.node.pos - b.node.pos : 0);
}

function entryOf(project: Project, symbol: Symbol): Entry {
  const { checker } = project;
  const target = symbol.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const node = target.declarations[0]?.resolve(project);
  if (node === undefined) throw new Error(`${symbol.name} has no declaration`);
  return { name: symbol.name, symbol: target, node, file: node.getSourceFile().fileName.slice(ROOT.length) };
}

/** Types of this project that declarations name and the library does not export, and those that these name. */
function namedBy(project: Project, exported: readonly Entry[]): Entry[] {
  const known = new Set(exported.map((e) => e.symbol.id));
  const found: Entry[] = [];
  const visit = (node: Node): undefined => {
    if (isIdentifier(node)) consider(project.checker.getSymbolAtLocation(node));
    if (!isBody(node) && !isPrivate(node)) node.forEachChild(visit);
    return undefined;
  };
  const consider = (symbol: Symbol | undefined): void => {
    if (symbol === undefined) return;
    const target = symbol.flags & SymbolFlags.Alias ? project.checker.getAliasedSymbol(symbol) : symbol;
    if (known.has(target.id) || !(target.flags & (SymbolFlags.Interface | SymbolFlags.TypeAlias | SymbolFlags.Class))) return;
    if (!target.declarations[0]?.path.startsWith(join(ROOT, 'src/'))) return;
    known.add(target.id);
    const entry = entryOf(project, target);
    found.push(entry);
    visit(entry.node);
  };
  for (const { node } of exported) visit(node);
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function isBody(node: Node): boolean {
  const { parent } = node;
  return parent !== undefined && (('body' in parent && parent.body === node) || ('initializer' in parent && parent.initializer === node));
}

const isPrivate = (node: Node): boolean => 'name' in node && (node.name as Node | undefined)?.kind === SyntaxKind.PrivateIdentifier;

function entryText(project: Project, { name, symbol, node }: Entry): string {
  const about = symbol.getDocumentationComment(project.checker).trim();
  const tags = symbol.getJsDocTags(project.checker).map(({ name: tag, text }) => {
    const said = plain(text).trim();
    return tag === 'throws' ? `Throws ${said}.` : tag === 'param' ? `- ${said.replace(/^(\S+)\s*/, '`$1`: ')}` : `${tag}: ${said}`;
  });
  const text = [about, ...tags].filter((t) => t !== '').map((t) => `${t}\n\n`);
  return `### ${name}\n\n${text.join('')}\`\`\`ts\n${declaration(project, name, symbol, node)}\n\`\`\`\n`;
}

const plain = (text: unknown): string =>
  typeof text === 'string' ? text : Array.isArray(text) ? text.map((part: { readonly text?: string }) => part.text ?? '').join('') : '';

/** As it is written, without bodies. */
function declaration(project: Project, name: string, symbol: Symbol, node: Node): string {
  const { text } = node.getSourceFile();
  const between = (from: number, to: number): string => text.slice(from, to).trim();
  const start = node.getStart();
  if (isFunctionDeclaration(node)) return between(start, node.body?.pos ?? node.end).replace(/^export /, '');
  if (isClassDeclaration(node)) return classText(node, between);
  if (isVariableDeclaration(node)) {
    if (node.type !== undefined) return `const ${name}: ${between(node.type.pos, node.type.end)}`;
    const type = project.checker.getTypeOfSymbol(symbol);
    const said = type === undefined ? '' : project.checker.typeToString(type, node);
    // a type that the compiler cuts short says less than the value
    return said === '' || said.includes('...;') ? `const ${between(node.getStart(), node.end)}` : `const ${name}: ${said}`;
  }
  if (isTypeAliasDeclaration(node) && node.type.kind === SyntaxKind.TypeOperator) {
    const names = project.checker.typeToString(project.checker.getDeclaredTypeOfSymbol(symbol), node, FULLY);
    return `type ${name} =${names
      .split(' | ')
      .map((one) => `\n  | ${one}`)
      .join('')};`;
  }
  return between(start, node.end).replace(/^export /, '');
}

/** What can be reached from outside. */
function classText(node: ClassDeclaration, between: (from: number, to: number) => string): string {
  const first = node.members[0];
  const head = between(node.getStart(), first?.pos ?? node.end).replace(/^export /, '');
  const members = node.members.flatMap((member) => {
    const body = 'body' in member && member.body !== undefined ? (member.body as Node).pos : undefined;
    const value = 'initializer' in member && member.initializer !== undefined ? (member.initializer as Node).pos : undefined;
    // with its comment
    const text = between(member.pos, body ?? member.end);
    if (isPrivate(member)) return [];
    return [`  ${value === undefined ? text : between(member.pos, value).replace(/ =$/, '')}`.replace(/;$/, '')];
  });
  return `${head}\n${members.map((m) => `${m};\n`).join('')}}`;
}
