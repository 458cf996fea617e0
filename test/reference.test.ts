// docs/reference says what the program is.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkText, EXAMPLES } from '../scripts/check-pages.ts';
import { referencePages } from '../scripts/reference-pages.ts';

const folder = fileURLToPath(new URL('../docs/reference', import.meta.url));
const hint = 'npm run reference writes the pages again; read the difference';

test('the pages of the reference are those that the program gives', async () => {
  const pages = await referencePages();
  const there = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(folder, name)).isFile());
  assert.deepEqual(there.sort(), [...pages.keys()].sort(), hint);
  for (const [name, text] of pages) assert.equal(readFileSync(join(folder, name), 'utf8'), text, `${name}: ${hint}`);
});

test('an example of each build check shows that check and no other', () => {
  for (const [name, example] of Object.entries(EXAMPLES)) {
    const found = [...checkText(example.bad, example).matchAll(/^WARNING: (\w+) /gm)].map((m) => m[1]);
    assert.deepEqual(found, [name]);
    assert.equal(checkText(example.good, example), 'Check complete, no warnings found.\n', name);
  }
});
