// Directories kept open: each resolved once, inside the root, and none left open at the end.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { OpenDirectories, RootedTree } from './index.ts';

const base = mkdtempSync(join(tmpdir(), 'slipway-open-'));
const root = join(base, 'root');
after(() => rmSync(base, { recursive: true }));
beforeEach(() => {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(join(root, 'a/b'), { recursive: true });
});

/** Directories below `root`; those that were created are noted, and files make way. */
function open(tree: RootedTree, made: string[] = []): OpenDirectories {
  return new OpenDirectories(tree, (parent, name, there) => {
    made.push(join(parent.inside, name));
    if (there !== undefined) unlinkSync(parent.at(name));
    mkdirSync(parent.at(name));
  });
}

test('links lead to a directory inside, and what is missing is created there', () => {
  symlinkSync('/a', join(root, 'l'));
  symlinkSync('../../../..', join(root, 'a/up'));
  symlinkSync(join(base, 'outside/deep'), join(root, 'out'));
  symlinkSync('loop', join(root, 'loop'));
  writeFileSync(join(root, 'a/file'), '');
  const made: string[] = [];
  using tree = new RootedTree(root);
  using directories = open(tree, made);
  assert.equal(directories.directory('').inside, '');
  assert.equal(directories.directory('l/b').inside, 'a/b');
  assert.equal(directories.directory('a/up/a/up/l/b').inside, 'a/b');
  assert.equal(directories.directory('l/file/x').inside, 'a/file/x');
  assert.deepEqual(made.splice(0), ['a/file', 'a/file/x']);
  const outside = join(base, 'outside/deep').slice(1);
  assert.equal(directories.directory('out').inside, outside);
  assert.equal(made.at(-1), outside);
  assert.ok(existsSync(join(root, outside)) && !existsSync(join(base, 'outside')));
  assert.throws(() => directories.directory('loop/x'), { code: 'ELOOP' });
});

test('what was handed out stays open until trim, and what was replaced is resolved again', () => {
  using tree = new RootedTree(root);
  using directories = open(tree);
  const before = directories.directory('a/b');
  assert.equal(directories.directory('a/b'), before);
  renameSync(join(root, 'a'), join(root, 'c'));
  directories.forget();
  writeFileSync(before.at('f'), '');
  assert.ok(existsSync(join(root, 'c/b/f')));
  directories.trim();
  writeFileSync(directories.directory('a/b').at('g'), '');
  assert.ok(existsSync(join(root, 'a/b/g')));
});

test('no descriptor stays open, and never many', () => {
  const count = (): number => readdirSync('/proc/self/fd').length;
  const before = count();
  symlinkSync('a/b', join(root, 'same'));
  {
    using tree = new RootedTree(root);
    using directories = open(tree);
    for (let n = 0; n < 1000; n++) {
      directories.trim();
      directories.directory(`d${n}/e`);
      directories.directory('same');
      assert.ok(count() - before < 200);
    }
  }
  assert.equal(count(), before);
});
