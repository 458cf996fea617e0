import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

const folder = mkdtempSync(join(tmpdir(), 'slipway-streams-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Writes 5,000 lines of text and one as bytes, and ends as main.ts does. */
const program = join(folder, 'program.ts');
writeFileSync(
  program,
  `import { StandardStream } from ${JSON.stringify(join(import.meta.dirname, 'standard-stream.ts'))};
  const out = new StandardStream('stdout', (code) => process.exit(code + 10));
  for (let i = 0; i < 5000; i++) out.write(\`line \${i} \\u00e9 ${'x'.repeat(40)}\\n\`);
  out.write(Buffer.from('bytes \\x1b[2J\\n'));
  out.ended(() => process.exit(0));`,
);
const EXPECTED = `${Array.from({ length: 5000 }, (_, i) => `line ${i} \u00e9 ${'x'.repeat(40)}\n`).join('')}bytes \x1b[2J\n`;

const shell = (script: string): { status: number | null; stdout: string } =>
  spawnSync('sh', ['-c', script, 'sh', process.execPath, program, join(folder, 'out')], { encoding: 'utf8', maxBuffer: 1 << 24 });

describe('StandardStream', () => {
  it('writes everything to a file, a pipe, and a pipe that does not block', () => {
    assert.equal(shell('"$1" --no-warnings "$2" > "$3"').status, 0);
    assert.equal(readFileSync(join(folder, 'out'), 'utf8'), EXPECTED);
    assert.equal(shell('"$1" --no-warnings "$2" | cat').stdout, EXPECTED);
    // O_NONBLOCK, and room for one page: it is full at once
    const nonBlocking = `perl -e 'fcntl(STDOUT, 4, 04000 | fcntl(STDOUT, 3, 0)); fcntl(STDOUT, 1031, 4096); exec @ARGV'`;
    assert.equal(shell(`${nonBlocking} "$1" --no-warnings "$2" | cat`).stdout, EXPECTED);
  });

  it('ends quietly when nobody reads any more', () => {
    assert.equal(shell('{ "$1" --no-warnings "$2"; echo $? > "$3"; } | true').status, 0);
    assert.equal(readFileSync(join(folder, 'out'), 'utf8'), '10\n');
  });

  it('reports that the disk is full', () => {
    assert.equal(shell('{ "$1" --no-warnings "$2"; echo $? > "$3"; } > /dev/full 2>&1').status, 0);
    assert.match(readFileSync(join(folder, 'out'), 'utf8'), /^11\n$/);
  });
});
