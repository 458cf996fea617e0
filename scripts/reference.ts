// npm run reference: writes docs/reference, and the diagram of ARCHITECTURE.md, from the program.
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withDiagram } from './diagram.ts';
import { NOTE, referencePages } from './reference-pages.ts';

const folder = fileURLToPath(new URL('../docs/reference', import.meta.url));
const pages = await referencePages();
// pages without the note are written by hand
for (const name of globSync('**/*.md', { cwd: folder }))
  if (readFileSync(join(folder, name), 'utf8').startsWith(NOTE)) rmSync(join(folder, name));
for (const [name, text] of pages) {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}
const architecture = fileURLToPath(new URL('../ARCHITECTURE.md', import.meta.url));
writeFileSync(architecture, withDiagram(readFileSync(architecture, 'utf8')));
process.stdout.write(`${pages.size} pages\n`);
