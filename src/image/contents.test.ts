import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeTar, type Member } from '../archive/testing.ts';
import type { Digest } from '../model/index.ts';
import { type ImageContents, readContents } from './contents.ts';

/** Contents of an image with these layers, lowest first. */
function contentsOf(layers: readonly (readonly Member[])[], o: { maxEntries?: number } = {}): Promise<ImageContents> {
  const tars = new Map(layers.map((members, n) => [`sha256:${n}` as Digest, makeTar(members)]));
  return readContents(
    { readTar: async (diffId, take) => take(tars.get(diffId) ?? Buffer.alloc(0)) },
    { layers: [...tars.keys()].map((diffId) => ({ diffId })) },
    o,
  );
}

const paths = (c: ImageContents): string[] => c.files.map((f) => `${f.path} ${f.size} ${f.layer}`).sort();
const hidden = (c: ImageContents): string[] => c.hidden.map((h) => `${h.path} ${h.layer} ${h.how} by ${h.by}`).sort();

test('a file of a later layer replaces one of an earlier, and a whiteout deletes all below', async () => {
  const c = await contentsOf([
    [
      { path: 'a/b/one', content: 'xx' },
      { path: 'a/b/two', content: 'x' },
      { path: 'c', content: 'xxx' },
    ],
    [{ path: 'c', content: 'xxxxx' }, { path: 'a/.wh.b' }, { path: 'a/new', content: 'x' }],
  ]);
  assert.deepEqual(paths(c), ['/a/new 1 1', '/c 5 1']);
  assert.deepEqual(hidden(c), ['/a/b/one 0 deleted by 1', '/a/b/two 0 deleted by 1', '/c 0 replaced by 1']);
  assert.deepEqual(c.layers, [
    { files: 3, size: 6, hides: 0 },
    { files: 2, size: 6, hides: 6 },
  ]);
});

test('a whiteout counts for lower layers only, wherever it stands in its own', async () => {
  const c = await contentsOf([
    [
      { path: 'd/old', content: 'x' },
      { path: 'e', content: 'x' },
    ],
    [{ path: 'd/new', content: 'x' }, { path: 'e', content: 'yy' }, { path: 'd/.wh..wh..opq' }, { path: '.wh.e' }],
  ]);
  assert.deepEqual(paths(c), ['/d/new 1 1', '/e 2 1']);
  assert.deepEqual(hidden(c), ['/d/old 0 deleted by 1', '/e 0 deleted by 1']);
});

test('a file where a folder was hides what the folder held, and the other way round', async () => {
  const c = await contentsOf([
    [
      { path: 'x/y', content: '1' },
      { path: 'z', content: '2' },
    ],
    [
      { path: 'x', content: '3' },
      { path: 'z/w', content: '4' },
    ],
  ]);
  assert.deepEqual(paths(c), ['/x 1 1', '/z/w 1 1']);
  assert.deepEqual(hidden(c), ['/x/y 0 replaced by 1', '/z 0 replaced by 1']);
});

test('folders have the sizes of all below, and equal files the same digest', async () => {
  const body = 'x'.repeat(2000);
  const c = await contentsOf([
    [
      { path: 'a/b/one', content: body },
      { path: 'a/two', content: body },
      { path: 'a/small', content: 'x' },
    ],
  ]);
  assert.deepEqual(
    c.folders.map((f) => [f.path, f.size, f.largest]),
    [
      ['/a/b', 2000, 0],
      ['/a', 4001, 2000],
      ['/', 4001, 4001],
    ],
  );
  assert.deepEqual(new Set(c.files.map((f) => f.digest?.length)), new Set([64, undefined]));
  assert.equal(new Set(c.files.map((f) => f.digest)).size, 2);
});

test('ways out of the root are no files, and the number of entries is limited', async () => {
  assert.deepEqual(paths(await contentsOf([[{ path: '../out' }, { path: './in' }, { path: '/' }]])), ['/in 0 0']);
  await assert.rejects(contentsOf([[{ path: 'a/b/c/d/e/f' }]], { maxEntries: 5 }), { code: 'image.too-many-files' });
});
