// docs/reference and the diagram of ARCHITECTURE.md say what the program is.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkText, EXAMPLES } from '../scripts/check-pages.ts';
import { withDiagram } from '../scripts/diagram.ts';
import { NOTE, referencePages } from '../scripts/reference-pages.ts';

const folder = fileURLToPath(new URL('../docs/reference', import.meta.url));
const hint = 'npm run reference writes the pages again; read the difference';

test('the pages of the reference are those that the program gives', async () => {
  const pages = await referencePages();
  const there = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => statSync(join(folder, name)).isFile() && readFileSync(join(folder, name), 'utf8').startsWith(NOTE),
  );
  assert.deepEqual(there.sort(), [...pages.keys()].sort(), hint);
  for (const [name, text] of pages) assert.equal(readFileSync(join(folder, name), 'utf8'), text, `${name}: ${hint}`);
});

test('the diagram of ARCHITECTURE.md shows what the folders import', () => {
  const page = readFileSync(fileURLToPath(new URL('../ARCHITECTURE.md', import.meta.url)), 'utf8');
  assert.equal(page, withDiagram(page), hint);
});

test('an example of each build check shows that check and no other', () => {
  for (const [name, example] of Object.entries(EXAMPLES)) {
    const found = [...checkText(example.bad, example).matchAll(/^WARNING: (\w+) /gm)].map((m) => m[1]);
    assert.deepEqual(found, [name]);
    assert.equal(checkText(example.good, example), 'Check complete, no warnings found.\n', name);
  }
});

/** Variables that the launcher and this program pass to each other, and not for users. */
const INTERNAL = ['SLIPWAY_LAUNCHER', 'SLIPWAY_OUTER'];

test('the page of environment variables names those that the program reads', () => {
  const src = fileURLToPath(new URL('../src/cli', import.meta.url));
  const read = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .flatMap((name) => [...readFileSync(join(src, name), 'utf8').matchAll(/\benv\??\.?\['([A-Z_]+)'\]/g)].map((m) => m[1] ?? ''));
  const page = readFileSync(join(folder, 'environment.md'), 'utf8');
  const named = [...page.matchAll(/^\| (`[^|]*`) \|/gm)].flatMap(([, cell = '']) => [...cell.matchAll(/`(\w+)`/g)].map((m) => m[1] ?? ''));
  const proxies = named.filter((name) => name.endsWith('_PROXY'));
  assert.deepEqual([...new Set([...read, ...proxies])].filter((name) => !INTERNAL.includes(name)).sort(), named.sort());
});
