// The page of each build check: its bad Dockerfile gives the output shown, and its good one no warning. In one process, for there are many of them.
import assert from 'node:assert/strict';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CommandLine } from '../support/command-line.ts';
import { agrees, partsOf, showsFailure } from '../support/documents.ts';
import { openShop } from '../support/shop.ts';

const FOLDER = fileURLToPath(new URL('../../docs/reference/checks', import.meta.url));
const shop = openShop('check-pages');

before(() => shop.ok('bootstrap', 'busybox'));
after(() => shop.close());

for (const page of globSync('*.md', { cwd: FOLDER }).toSorted()) {
  test(page, async () => {
    const cwd = join(shop.folder, 'pages', basename(page, '.md'));
    const cli = new CommandLine({ env: shop.env, cwd });
    let commands = 0;
    for (const part of partsOf(readFileSync(join(FOLDER, page), 'utf8'))) {
      if (part.kind === 'file') {
        mkdirSync(dirname(join(cwd, part.path)), { recursive: true });
        writeFileSync(join(cwd, part.path), part.text);
        continue;
      }
      const { status, stdout, stderr } = await cli.run(part.text.split(' ').slice(1));
      const output = part.output ?? assert.fail(`${part.text}: no output is shown`);
      assert.ok(agrees(output, stdout.split('\n')), `${part.text}\nshown:\n${output.join('\n')}\nseen:\n${stdout}`);
      assert.equal(status, showsFailure(output) ? 1 : 0);
      assert.equal(stderr, '');
      commands++;
    }
    assert.equal(commands, 2);
  });
}
