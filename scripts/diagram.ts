// The diagram of ARCHITECTURE.md: the folders of src/ and what they import, read from the code.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SRC = fileURLToPath(new URL('../src', import.meta.url));
/** Between these lines of ARCHITECTURE.md stands the diagram. */
const BEGIN = '<!-- diagram: written by npm run reference -->\n';
const END = '<!-- end of the diagram -->\n';
/** Nearly every folder imports these; their edges would hide the others. */
const COMMON = new Set(['util', 'sys', 'model']);

/** For each folder, the ones that it imports. */
function importsOfFolders(): Map<string, Set<string>> {
  const folders = readdirSync(SRC).filter((name) => !COMMON.has(name));
  return new Map(
    folders.map((folder) => {
      const found = new Set<string>();
      for (const file of readdirSync(join(SRC, folder), { recursive: true, encoding: 'utf8' })) {
        if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
        for (const [, target = ''] of readFileSync(join(SRC, folder, file), 'utf8').matchAll(/'(?:\.\.\/)+(\w+)\/index\.ts'/g))
          if (target !== folder && folders.includes(target)) found.add(target);
      }
      return [folder, found];
    }),
  );
}

/** Without the edges that a longer path already tells of. */
function reduced(edges: ReadonlyMap<string, ReadonlySet<string>>): [string, string][] {
  const reaches = (from: string, to: string): boolean => [...(edges.get(from) ?? [])].some((via) => via === to || reaches(via, to));
  return [...edges].flatMap(([from, targets]) =>
    [...targets].filter((to) => ![...targets].some((via) => via !== to && reaches(via, to))).map((to): [string, string] => [from, to]),
  );
}

/** The text of ARCHITECTURE.md with the diagram of the code as it is. */
export function withDiagram(page: string): string {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < from) throw new Error('ARCHITECTURE.md lacks the two lines between which the diagram stands');
  const lines = reduced(importsOfFolders())
    .map(([a, b]) => `  ${a} --> ${b}\n`)
    .toSorted();
  return `${page.slice(0, from)}${BEGIN}\n\`\`\`mermaid\nflowchart TD\n${lines.join('')}\`\`\`\n\n${page.slice(to)}`;
}
