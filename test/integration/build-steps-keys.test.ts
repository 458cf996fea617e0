// Content keys of what COPY and ADD read, and the digests of files that are remembered for them.
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { removeXattr, setXattr } from '../../src/sys/index.ts';
import { IgnoreMatcher } from '../../src/dockerfile/index.ts';
import { contentDigest } from '../../src/builder/steps/content.ts';
import { FileDigests } from '../../src/builder/steps/digests.ts';
import { base, context, put } from './copy-fixture.ts';

test('a content key tells all that differs in the image, and no times', () => {
  const key = (patterns: string[] = ['.'], o: { kind?: 'context' | 'stage'; ignore?: string[] } = {}): string =>
    contentDigest(context, patterns, {
      kind: o.kind ?? 'context',
      style: 'graph',
      ...(o.ignore ? { ignore: new IgnoreMatcher(o.ignore) } : {}),
    });
  put(join(context, 'd/a'), 'a');
  put(join(context, 'd/b'), 'b');
  const seen = new Set<string>([key()]);
  const differs = (change: () => void): void => {
    change();
    const next = key();
    assert.ok(!seen.has(next));
    seen.add(next);
  };
  const before = key();
  utimesSync(join(context, 'd/a'), 1, 1);
  chownSync(join(context, 'd/a'), 9, 9);
  assert.equal(key(), before);
  assert.notEqual(key(['.'], { kind: 'stage' }), before);
  differs(() => put(join(context, 'd/a'), 'A'));
  differs(() => chmodSync(join(context, 'd/a'), 0o755));
  differs(() => put(join(context, 'd/c'), ''));
  differs(() => symlinkSync('a', join(context, 'd/l')));
  differs(() => {
    rmSync(join(context, 'd/l'));
    symlinkSync('b', join(context, 'd/l'));
  });
  differs(() => mkdirSync(join(context, 'd/e')));
  differs(() => {
    rmSync(join(context, 'd/b'));
    linkSync(join(context, 'd/a'), join(context, 'd/b'));
  });
  const without = key(['d'], { ignore: ['d/z'] });
  put(join(context, 'd/z'), 'z');
  assert.equal(key(['d'], { ignore: ['d/z'] }), without);
  assert.throws(() => key(['nope']), { message: '"/nope": not found' });
});

test('remembered digests: an unchanged file is not read again, a fresh one is not trusted', () => {
  const file = join(base, 'digests');
  const old = Date.now() / 1000 - 100;
  put(join(context, 'a'), 'one');
  utimesSync(join(context, 'a'), old, old);
  const stat = (): Stats => lstatSync(join(context, 'a'));
  const first = new FileDigests(file);
  const fresh = first.digest(join(context, 'a'), stat());
  first.save();
  assert.throws(() => lstatSync(file), { code: 'ENOENT' }, 'its change time is of now: nothing may be remembered');
  const settled = Object.assign(stat(), { ctimeMs: old * 1000 });
  const second = new FileDigests(file);
  assert.equal(second.known(settled), undefined);
  assert.deepEqual(second.digest(join(context, 'a'), settled), fresh);
  second.save();
  const third = new FileDigests(file);
  assert.deepEqual(third.known(settled), fresh);
  assert.equal(third.known(Object.assign(stat(), { ctimeMs: old * 1000, size: 4 })), undefined);
  assert.equal(third.known(stat()), undefined, 'an attribute that changes changes the change time');
  writeFileSync(file, Buffer.concat([readFileSync(file).subarray(0, 60), Buffer.alloc(100)]));
  assert.equal(new FileDigests(file).known(settled), undefined, 'a damaged file counts for nothing');
});

test('a file with capabilities is not remembered, and keeps them', async () => {
  const path = join(context, 'marked');
  put(path, 'one');
  setXattr(path, 'security.capability', Buffer.from('0100000200040000000000000000000000000000', 'hex'));
  const old = Date.now() / 1000 - 100;
  utimesSync(path, old, old);
  const digests = new FileDigests(undefined);
  const options = { kind: 'context', style: 'graph', cache: digests } as const;
  const marked = contentDigest(context, ['marked'], options);
  assert.equal(digests.known(lstatSync(path)), undefined);
  removeXattr(path, 'security.capability');
  assert.notEqual(contentDigest(context, ['marked'], options), marked);
});
