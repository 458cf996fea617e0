// The bundle: modules run when something of them is used, and what V8 compiled for a command is used again by the next run of it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { link } from '../scripts/link.ts';
import { writeProgram } from '../scripts/program.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-bundle-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function sources(name: string, files: Readonly<Record<string, string>>): string {
  const at = join(folder, name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(at, path, '..'), { recursive: true });
    writeFileSync(join(at, path), text);
  }
  return at;
}

/** Three modules behind an index, one of which is loaded on request; each one says when it runs. */
const PARTS = {
  'parts/index.ts': `export { one } from './one.ts'; export * from './two.ts'; console.log('index');`,
  'parts/one.ts': `import { two } from './two.ts'; console.log('one'); export const one = (n: number): number => (n === 0 ? 1 : two(n));`,
  'parts/two.ts': `console.log('two'); export function two(n: number): number { return n + 2; } export default class Two {}`,
  'late.ts': `import Two from './parts/two.ts'; console.log('late'); export const late = '\u00b5 ' + new Two().constructor.name;`,
  'main.ts': `import { sep as slash } from 'node:path'; import { one, two } from './parts/index.ts'; const words = process.argv.slice(2);
    console.log('main'); for (const word of words) {
      if (word === 'one') console.log(one(0));
      if (word === 'two') console.log(two(0), slash);
      if (word === 'late') void import('./late.ts').then(({ late }) => console.log(late));
    }`,
};

describe('the bundle', () => {
  const at = sources('program', PARTS);
  const out = join(folder, 'out');
  mkdirSync(out);
  const program = writeProgram(join(at, 'main.ts'), ['one', 'two', 'image late'], out);
  const run = (...words: string[]): string[] =>
    execFileSync(process.execPath, [join(out, 'slipway.cjs'), ...words], { encoding: 'utf8' })
      .trim()
      .split('\n');
  const kept = (): string[] => readdirSync(join(out, '.compiled', program)).toSorted();
  const fileOf = (name: string): string => join(out, '.compiled', program, name);

  it('runs a module when something of it is used, and no index for what it only passes on', () => {
    assert.deepEqual(run(), ['main']);
    assert.deepEqual(run('one'), ['main', 'one', '1']);
    assert.deepEqual(run('two'), ['main', 'two', '2 /']);
    assert.deepEqual(run('image', 'late'), ['main', 'late', 'two', '\u00b5 Two']);
  });

  it('keeps what was compiled for each command, and for all others together', () => {
    run('one');
    run('two');
    run('image', 'late');
    run('nosuch');
    assert.deepEqual(kept(), ['image-late', 'one', 'other', 'two']);
  });

  it('keeps more when other modules run, and nothing new when none do', () => {
    run('one');
    const first = statSync(fileOf('one')).ino;
    run('one');
    assert.equal(statSync(fileOf('one')).ino, first);
    run('one', 'two', 'late');
    const second = statSync(fileOf('one')).ino;
    assert.notEqual(second, first);
    run('one');
    assert.equal(statSync(fileOf('one')).ino, second);
  });

  it('runs the same, and mends the file, when what is kept is damaged or of another Node', () => {
    const good = run('two');
    for (const damage of [
      (bytes: Buffer) => bytes.subarray(0, 0),
      (bytes: Buffer) => bytes.subarray(0, 100),
      (bytes: Buffer) => bytes.fill(0),
      (bytes: Buffer) => bytes.fill(255, 0, 64),
      (bytes: Buffer) => bytes.fill(0, 512, 1024),
    ]) {
      const whole = readFileSync(fileOf('two'));
      const damaged = damage(Buffer.from(whole));
      writeFileSync(fileOf('two'), damaged);
      assert.deepEqual(run('two'), good);
      assert.notDeepEqual(readFileSync(fileOf('two')), damaged);
    }
  });

  it('is plain ASCII, whatever the sources are', () => {
    assert.match(readFileSync(join(out, program), 'latin1'), /^[\0-\x7f]*$/);
  });

  it('refuses an exported variable that may change, and a name that is not exported', () => {
    const changing = sources('changing', { 'a.ts': 'export let a = 1; a++;', 'main.ts': `import { a } from './a.ts'; console.log(a);` });
    assert.throws(() => link(join(changing, 'main.ts'), {}), /a\.ts exports a, which may change/);
    const missing = sources('missing', { 'a.ts': 'export const b = 1;', 'main.ts': `import { a } from './a.ts'; console.log(a);` });
    assert.throws(() => link(join(missing, 'main.ts'), {}), /imports a, which .* does not export/);
  });
});
