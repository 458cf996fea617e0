// Which files of the repository are pages, under which addresses, and what stands beside them.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Pages outside of `docs/` and `samples/`. */
const OTHERS: Readonly<Record<string, string>> = {
  'README.md': 'index.md',
  'docs/README.md': 'contents.md',
  'ARCHITECTURE.md': 'architecture.md',
  'CONTRIBUTING.md': 'contributing.md',
  'CHANGELOG.md': 'changelog.md',
};

/** From the path of a file to that of its page, which its address is made of. */
export const pageOf = (file: string): string => OTHERS[file] ?? file.replace(/^docs\//, '').replace(/(^|\/)README\.md$/, '$1index.md');

/** What is no page. */
export const EXCLUDED = ['**/node_modules/**', 'site/**', 'src/**', 'test/**', 'bench/**', 'scripts/**', 'dist/**', 'bin/**', '.*/**'];

/** Files that pages link to and that are no pages; the site has copies of them. */
export const LINKED = new Set<string>();

/** The address that a link leads to. @param from the file it stands in, from the root */
export function addressOf(from: string, link: string): string {
  const [path = '', anchor] = link.split('#');
  const after = anchor === undefined ? '' : `#${anchor}`;
  let file = path === '' ? from : posix.normalize(posix.join(posix.dirname(from), path));
  const there = join(ROOT, file);
  if (!existsSync(there)) throw new Error(`${from} links to ${link}, which does not exist`);
  if (statSync(there).isDirectory()) file = posix.join(file, 'README.md');
  if (!existsSync(join(ROOT, file))) throw new Error(`${from} links to ${link}, a folder without a README`);
  if (!file.endsWith('.md')) {
    LINKED.add(file);
    return `/files/${file}`;
  }
  return `/${pageOf(file)
    .replace(/(^|\/)index\.md$/, '$1')
    .replace(/\.md$/, '.html')}${after}`;
}

interface Item {
  readonly text: string;
  readonly link?: string;
  readonly collapsed?: boolean;
  readonly items?: readonly Item[];
}

/** The heading of a page. */
function titleOf(file: string): string {
  const title = /^# (.+)$/m.exec(readFileSync(join(ROOT, file), 'utf8'))?.[1] ?? file;
  return title.replaceAll('`', '');
}

const item = (file: string, text = titleOf(file)): Item => ({ text, link: addressOf(file, '') });

/** The pages of a folder by their names, without its README. */
const folder = (name: string): Item[] =>
  readdirSync(join(ROOT, name))
    .filter((file) => file.endsWith('.md') && file !== 'README.md')
    .toSorted()
    .map((file) => item(`${name}/${file}`));

/** The pages that a README lists, in its order. */
function listed(readme: string, pattern: RegExp): Item[] {
  const text = readFileSync(join(ROOT, readme), 'utf8');
  const files = [...text.matchAll(pattern)].map(([, to = '']) => relative(ROOT, join(ROOT, dirname(readme), to)));
  return [...new Set(files)].map((file) => item(file));
}

/** Subjects in the order of docs/README.md; a subject that stands there and is unknown here fails. */
const SUBJECTS: Readonly<Record<string, () => Item>> = {
  'guide/README.md': () => ({
    ...item('docs/guide/README.md'),
    collapsed: false,
    items: listed('docs/guide/README.md', /^\d+\. \[[^\]]*\]\(([^)]+)\)/gm),
  }),
  lab: () => ({ ...item('docs/lab/README.md'), collapsed: true, items: folder('docs/lab') }),
  '../samples': () => ({ ...item('samples/README.md', 'Samples'), collapsed: true, items: samples() }),
  'reference/README.md': () => ({
    ...item('docs/reference/README.md'),
    collapsed: true,
    items: [
      { ...item('docs/reference/dockerfile/README.md'), collapsed: true, items: folder('docs/reference/dockerfile') },
      {
        text: 'Commands',
        link: addressOf('docs/reference/README.md', ''),
        collapsed: true,
        items: folder('docs/reference/commands').map((i) => ({ ...i, text: i.text.replace(/^slipway /, '') })),
      },
      { ...item('docs/reference/checks.md'), collapsed: true, items: folder('docs/reference/checks') },
      ...folder('docs/reference').filter(({ link }) => !link?.endsWith('/checks.html')),
    ],
  }),
  'growth.md': () => item('docs/growth.md'),
  'glossary.md': () => item('docs/glossary.md'),
  decisions: () => ({ ...item('docs/decisions/README.md'), collapsed: true, items: folder('docs/decisions') }),
};

const samples = (): Item[] =>
  readdirSync(join(ROOT, 'samples'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => item(`samples/${entry.name}/README.md`));

export function sidebar(): Item[] {
  const text = readFileSync(join(ROOT, 'docs/README.md'), 'utf8');
  const subjects = [...text.matchAll(/^- \[[^\]]*\]\(([^)]+)\)/gm)].map(([, to = '']) => {
    const subject = SUBJECTS[to];
    if (subject === undefined) throw new Error(`docs/README.md lists ${to}: give it a place in site/pages.ts`);
    return subject();
  });
  const developing = ['ARCHITECTURE.md', 'CHANGELOG.md'].map((file) => item(file));
  return [item('README.md', 'What Slipway is'), ...subjects, { ...item('CONTRIBUTING.md'), collapsed: true, items: developing }];
}
