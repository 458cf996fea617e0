import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SettledDirectories } from './settled-directories.ts';

test('directories come after what is below them; replaced ones do not come', () => {
  const settled = new SettledDirectories<number>();
  for (const [i, path] of ['', 'a/b', 'a', 'a/b/c', 'ab', 'a/d'].entries()) settled.set(path, i);
  settled.set('a', 9);
  assert.deepEqual(
    [...settled],
    [
      ['a/b/c', 3],
      ['a/b', 1],
      ['a/d', 5],
      ['a', 9],
      ['ab', 4],
      ['', 0],
    ],
  );
  settled.remove('a/b');
  settled.remove('missing/below');
  settled.set('a/b/new', 7);
  assert.deepEqual(
    [...settled].map(([path]) => path),
    ['a/d', 'a/b/new', 'a', 'ab', ''],
  );
  settled.remove('a');
  assert.deepEqual(
    [...settled],
    [
      ['ab', 4],
      ['', 0],
    ],
  );
});

test('as many replacements as entries, and paths as deep as they get', () => {
  const settled = new SettledDirectories<number>();
  const many = 100_000;
  for (let i = 0; i < many; i++) settled.set(`d${i}`, i);
  for (let i = 0; i < many; i++) settled.remove(`d${i}`);
  settled.set(Array.from({ length: 50_000 }, () => 'd').join('/'), 1);
  assert.equal([...settled].length, 1);
});
