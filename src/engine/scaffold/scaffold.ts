// Recognises what a folder's project is written in, and writes a Dockerfile with several stages and a .dockerignore for it. Pure:
// the folder is given, and nothing is written to it.
import { SlipwayError } from '../../model/index.ts';
import { cpp } from './languages/cpp.ts';
import { dotnet } from './languages/dotnet.ts';
import { go } from './languages/go.ts';
import { java } from './languages/java.ts';
import { node } from './languages/node.ts';
import { php } from './languages/php.ts';
import { python } from './languages/python.ts';
import { rust } from './languages/rust.ts';
import { site } from './languages/static.ts';
import type { IgnoreBlock, Language, ProjectFolder } from './types.ts';

/** In the order in which they are looked for: a folder with package.json and index.html is one of Node.js. */
const LANGUAGES: readonly Language[] = [go, rust, java, dotnet, cpp, php, node, python, site];

/** The names that `--language` takes. */
export const LANGUAGE_NAMES: readonly string[] = LANGUAGES.map((l) => l.name);

export interface Recognised {
  readonly name: string;
  readonly title: string;
  /** The file that told it. */
  readonly by: string;
}

export interface Scaffold {
  readonly language: Recognised;
  /** What else the folder could be. */
  readonly others: readonly Recognised[];
  readonly dockerfile: string;
  readonly dockerignore: string;
}

const ANY: readonly IgnoreBlock[] = [
  { why: 'The history of the project: a commit changes it, and would change what COPY . . copies.', patterns: ['.git', '.gitignore'] },
  { why: 'Files about the build: editing them must not run it again.', patterns: ['Dockerfile*', '.dockerignore', 'README.md'] },
  { why: 'Secrets and settings of this machine do not belong into an image.', patterns: ['.env', '.env.*', '*.pem', '*.key', '.vscode'] },
];

/**
 * @param language one of LANGUAGE_NAMES, whatever the folder looks like
 * @throws SlipwayError `init.language` for one that is none, `init.not-recognised` for a folder of none
 */
export function scaffold(folder: ProjectFolder, language?: string): Scaffold {
  const found = LANGUAGES.flatMap((l) => {
    const by = l.recognise(folder);
    return by === undefined ? [] : [{ l, by }];
  });
  const chosen = language === undefined ? found[0] : named(language, found);
  if (chosen === undefined)
    throw new SlipwayError('not-found', 'init.not-recognised', 'no language was recognised in this folder', {
      hints: [
        `looked for go.mod, Cargo.toml, pom.xml, *.csproj, CMakeLists.txt, composer.json, package.json, *.py and index.html`,
        languageHint,
      ],
    });
  const { blocks, ignore } = chosen.l.write(folder);
  const shown = ({ l, by }: (typeof found)[number]): Recognised => ({ name: l.name, title: l.title, by });
  return {
    language: shown(chosen),
    others: found.filter(({ l }) => l !== chosen.l).map(shown),
    dockerfile: blocks.map((b) => `# ${b.why}\n${b.lines.join('\n')}\n`).join('\n'),
    dockerignore: [...ANY, ...ignore].map((b) => `# ${b.why}\n${b.patterns.join('\n')}\n`).join('\n'),
  };
}

const languageHint = `--language takes ${LANGUAGE_NAMES.join(', ')}`;

function named<F extends { readonly l: Language; readonly by: string }>(name: string, found: readonly F[]): { l: Language; by: string } {
  const l = LANGUAGES.find((x) => x.name === name);
  if (l === undefined)
    throw new SlipwayError('invalid-argument', 'init.language', `there is no language ${name}`, { hints: [languageHint], exitCode: 125 });
  return found.find((f) => f.l === l) ?? { l, by: '--language' };
}
