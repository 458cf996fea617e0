// Layers upon others: deletions, links into what is below, and a disk that is full.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { isSlipwayError } from '../../src/model/index.ts';
import { LayerApplier } from '../../src/snapshot/layer/index.ts';
import { getXattr, setXattr } from '../../src/sys/index.ts';
import { isWhiteout } from '../../src/snapshot/layer/overlay.ts';
import { room, refused, read } from './layer-fixture.ts';

test('overlay: deletions become whiteouts and opaque directories, whatever the order', (t) => {
  const { root, apply } = room(t);
  apply([
    { path: '.wh.gone' },
    { path: 'd/.wh.gone' },
    { path: 'o/.wh..wh..opq' },
    { path: 'o/kept', content: 'k' },
    { path: 'p/' },
    { path: 'p/x', content: 'x' },
    { path: '.wh.p' },
    { path: '.wh.q' },
    { path: 'q/' },
    { path: 'q/y', content: 'y' },
    { path: 'f', content: 'f' },
    { path: '.wh.f' },
    { path: '.wh.r' },
    { path: 'r/s', content: 's' },
    { path: '.wh..wh.plnk/' },
  ]);
  assert.ok(isWhiteout(fs.lstatSync(path.join(root, 'gone'))) && isWhiteout(fs.lstatSync(path.join(root, 'd/gone'))));
  const opaque = (name: string): string | undefined => getXattr(path.join(root, name), 'trusted.overlay.opaque')?.toString();
  assert.deepEqual(['o', 'p', 'q', 'r', 'd'].map(opaque), ['y', 'y', 'y', 'y', undefined]);
  assert.deepEqual(
    ['o/kept', 'p/x', 'q/y', 'f', 'r/s'].map((name) => read(root, name)),
    ['k', 'x', 'y', 'f', 's'],
  );
  assert.ok(!fs.existsSync(path.join(root, '.wh..wh.plnk')));
});

test('flat: deletions take away what was below, and spare what the layer brings', (t) => {
  const { root, apply } = room(t);
  apply(
    [
      { path: 'a', content: '' },
      { path: 'd/e/f', content: '' },
      { path: 'd/g', content: '' },
      { path: 'o/1', content: '' },
      { path: 'o/s/2', content: '' },
      { path: 'keep', content: '' },
    ],
    { overlay: false },
  );
  apply(
    [
      { path: '.wh.a' },
      { path: 'd/new', content: '' },
      { path: '.wh.d' },
      { path: 'o/s/3', content: '' },
      { path: 'o/.wh..wh..opq' },
      { path: '.wh.never' },
    ],
    { overlay: false },
  );
  assert.deepEqual((fs.readdirSync(root, { recursive: true }) as string[]).sort(), ['d', 'd/new', 'keep', 'o', 'o/s', 'o/s/3']);
});

test('lower layers: hard links into them, directories passed through, and a hidden root', (t) => {
  const { root, apply } = room(t);
  const lower = path.join(root, '../lower');
  const upperLower = path.join(root, '../lower2');
  fs.mkdirSync(path.join(lower, 'bin'), { recursive: true });
  fs.mkdirSync(path.join(lower, 'tmp'));
  fs.chmodSync(path.join(lower, 'tmp'), 0o1777);
  fs.chownSync(path.join(lower, 'tmp'), 7, 8);
  fs.writeFileSync(path.join(lower, 'bin/tool'), 'tool', { mode: 0o755 });
  setXattr(path.join(lower, 'bin/tool'), 'trusted.note', Buffer.from('n'));
  fs.mkdirSync(upperLower);
  apply(
    [
      { path: 'tmp/x', content: '' },
      { path: 'bin/alias', type: 'link', link: 'bin/tool' },
    ],
    { lowers: [upperLower, lower] },
  );
  const tmp = fs.statSync(path.join(root, 'tmp'));
  assert.deepEqual([tmp.mode & 0o7777, tmp.uid, tmp.gid], [0o1777, 7, 8]);
  assert.equal(read(root, 'bin/alias'), 'tool');
  assert.equal(fs.statSync(path.join(root, 'bin/alias')).ino, fs.statSync(path.join(root, 'bin/tool')).ino);
  assert.equal(fs.statSync(path.join(lower, 'bin/tool')).nlink, 1);
  assert.equal(getXattr(path.join(root, 'bin/tool'), 'trusted.note')?.toString(), 'n');
  apply([{ path: '.wh..wh..opq' }], { lowers: [upperLower, lower] });
  assert.equal(getXattr(path.join(root, 'bin'), 'trusted.overlay.opaque')?.toString(), 'y');

  fs.mkdirSync(path.join(upperLower, 'bin'));
  setXattr(path.join(upperLower, 'bin'), 'trusted.overlay.opaque', Buffer.from('y'));
  fs.rmSync(path.join(root, 'bin'), { recursive: true });
  assert.throws(() => apply([{ path: 'h', type: 'link', link: 'bin/tool' }], { lowers: [upperLower, lower] }), refused('layer.invalid'));
});

test('a full disk is said to be one', (t) => {
  const { root } = room(t);
  const applier = new LayerApplier(root, { overlay: true });
  t.after(() => applier.abort());
  applier.entry({ path: 'f', type: 'file', mode: 0o644, uid: 0, gid: 0, size: 1, mtimeNs: 0n });
  t.mock.method(fs, 'writeSync', () => {
    throw Object.assign(new Error('write'), { code: 'ENOSPC' });
  });
  assert.throws(
    () => applier.data(Buffer.from('x')),
    (error) => isSlipwayError(error) && error.kind === 'no-space',
  );
});
