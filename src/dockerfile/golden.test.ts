// Golden files: what the parser, the warnings and the formatter make of the Dockerfiles in testdata/, and what is said of
// those in testdata/errors/. `SLIPWAY_UPDATE=1 node --test src/dockerfile/golden.test.ts` writes them anew, to be read in review.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isSlipwayError } from '../model/index.ts';
import { type Dialect, formatDockerfile, parseDockerfile, plainTree } from './index.ts';

const folder = join(import.meta.dirname, 'testdata');

function golden(path: string, actual: string): void {
  if (process.env['SLIPWAY_UPDATE']) writeFileSync(path, actual);
  assert.equal(actual, readFileSync(path, 'utf8'), path);
}

const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name !== 'errors');
for (const { name } of names) {
  const text = readFileSync(join(folder, name, 'Dockerfile'));

  test(`the tree of ${name}`, () => {
    const tree = JSON.stringify(plainTree(parseDockerfile(text)), null, 1);
    golden(
      join(folder, name, 'ast.json'),
      `${tree.replace(/\[\n\s+(\d+),\n\s+(\d+),\n\s+(\d+),\n\s+(\d+)\n\s+\]/g, '[$1, $2, $3, $4]')}\n`,
    );
  });

  test(`${name}, formatted`, () => {
    const formatted = formatDockerfile(text);
    golden(join(folder, name, 'formatted'), formatted);
    assert.equal(formatDockerfile(formatted), formatted, 'once is enough');
  });
}

/** The place, the code, the message and the hints of a rejection. */
function rejection(text: string, dialect: Dialect): string {
  try {
    parseDockerfile(text, { dialect });
  } catch (e) {
    if (!isSlipwayError(e)) throw e;
    const range = e.source?.range;
    const place = range && `${range.start.line}:${range.start.column}-${range.end.line}:${range.end.column}`;
    return [`${dialect}: ${place ?? 'the file'}: ${e.code}`, e.message, ...e.hints.map((hint) => `hint: ${hint}`)].join('\n  ');
  }
  return `${dialect}: accepted`;
}

for (const file of readdirSync(join(folder, 'errors')).filter((name) => name.endsWith('.Dockerfile'))) {
  test(`the error of ${file}`, () => {
    const path = join(folder, 'errors', file);
    const text = readFileSync(path, 'utf8');
    golden(path.replace(/Dockerfile$/, 'txt'), `${rejection(text, 'buildkit')}\n${rejection(text, 'classic')}\n`);
  });
}

test('a line may have 65,535 bytes, whichever characters they are, and no more', () => {
  for (const dialect of ['buildkit', 'classic'] as const)
    for (const [text, fits] of [
      ['x'.repeat(65_530), true],
      ['x'.repeat(65_531), false],
      [`${'ä'.repeat(32_765)}`, true],
      [`${'ä'.repeat(32_766)}`, false],
      [`a \\\n${'x'.repeat(65_534)}`, true],
    ] as const) {
      const read = (): unknown => parseDockerfile(`FROM x\nRUN ${text} \n`, { dialect });
      if (fits) read();
      else assert.throws(read, { code: 'dockerfile.line-too-long', message: /dockerfile line greater than max allowed size of 65535$/ });
    }
});
