// COPY on real files: flags, patterns, ignored files, and what each engine says of mistakes.
import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { context, image, put, copy, tree } from './copy-fixture.ts';

test('--link replaces links on the way instead', async () => {
  put(join(context, 'a'), 'a');
  mkdirSync(join(image, 'real'));
  symlinkSync('real', join(image, 'alias'));
  await copy('a', '/alias/a', { link: true });
  assert.deepEqual(tree(), ['/alias d755 0:0', '/alias/a -644 0:0 a', '/real d755 0:0']);
});

test('--chown by name and number, for what is copied and for directories made for it', async () => {
  put(join(image, 'etc/passwd'), 'root:x:0:0::/:\napp:x:1500:1600::/:\n');
  put(join(image, 'etc/group'), 'team:x:1700:\n');
  put(join(context, 'a'), 'a');
  const owner = async (chown: string): Promise<string> => {
    await copy('a', '/made/a', { chown });
    const s = lstatSync(join(image, 'made/a'));
    const d = lstatSync(join(image, 'made'));
    rmSync(join(image, 'made'), { recursive: true });
    assert.equal(`${s.uid}:${s.gid}`, `${d.uid}:${d.gid}`);
    return `${s.uid}:${s.gid}`;
  };
  assert.equal(await owner('app:team'), '1500:1700');
  assert.equal(await owner('app'), '1500:1600');
  assert.equal(await owner('7'), '7:7');
  assert.equal(await owner('9:team'), '9:1700');
  assert.equal(await owner('nosuch'), '0:0');
  await assert.rejects(copy('a', '/a', { chown: 'nosuch', style: 'classic' }), {
    code: 'copy.unknown-owner',
    message: /can't find uid for user nosuch/,
  });
  await assert.rejects(copy('a', '/a', { chown: 'app', style: 'classic' }), { message: /can't find gid for group app/ });
});

test('patterns match as filepath.Match does; one without a match is nothing to the graph engine and an error to the original', async () => {
  for (const n of ['a1.md', 'a9.md', 'ab.md', '.hidden', 'd/deep']) put(join(context, n), n);
  await copy('a[1-3].md', '/set/');
  await copy('*', '/all/');
  await copy('*/deep', '/deep/');
  await copy('*.none', '/none/');
  assert.deepEqual(
    tree()
      .filter((l) => l.includes(' -'))
      .map((l) => l.split(' ')[0]),
    ['/all/.hidden', '/all/a1.md', '/all/a9.md', '/all/ab.md', '/all/deep', '/deep/deep', '/set/a1.md'],
  );
  await assert.rejects(copy('*.none', '/none/', { style: 'classic' }), { message: 'COPY failed: no source files were specified' });
});

test('what is not there, or left out, is told in the words of each engine', async () => {
  put(join(context, 'secret'));
  await assert.rejects(copy('../secret', '/', { ignore: ['secret'] }), { code: 'copy.source-not-found', message: '"/secret": not found' });
  await assert.rejects(copy('nope', '/', { style: 'classic' }), {
    message: 'COPY failed: file not found in build context or excluded by .dockerignore: stat nope: file does not exist',
  });
  await assert.rejects(copy('nope', '/', { style: 'classic', kind: 'stage' }), { message: 'COPY failed: stat nope: file does not exist' });
  await assert.rejects(copy('../secret', '/', { style: 'classic' }), {
    message: 'COPY failed: forbidden path outside the build context: ../secret ()',
  });
  put(join(image, 'file'));
  mkdirSync(join(context, 'd'));
  await assert.rejects(copy('d', '/file'), { message: 'cannot copy to non-directory: /file' });
  await assert.rejects(copy(['secret', 'd'], '/two', { style: 'classic' }), { message: /more than one source file/ });
});

test('ignored files stay out, and directories come with what is taken again', async () => {
  for (const n of ['docs/keep/b', 'docs/other', 'x.md', 'README.md']) put(join(context, n), n);
  await copy('.', '/', { ignore: ['*.md', '!README*.md', 'docs', '!docs/keep'] });
  assert.deepEqual(
    tree().map((l) => l.split(' ')[0]),
    ['/README.md', '/docs', '/docs/keep', '/docs/keep/b'],
  );
});

test('--exclude is about what lies below a source, --parents keeps the directories above it', async () => {
  for (const n of ['d/e/x', 'd/y.md', 'd/z', 'b.md']) put(join(context, n), n);
  await copy(['d', 'b.md'], '/one/', { excludes: ['*.md'] });
  await copy(['d/e/x', './d/./e'], '/two', { parents: true });
  await copy('**/x', '/three', { parents: true });
  assert.deepEqual(
    tree()
      .filter((l) => l.includes(' -'))
      .map((l) => l.split(' ')[0]),
    ['/one/b.md', '/one/e/x', '/one/z', '/three/d/e/x', '/two/d/e/x', '/two/e/x'],
  );
});

test('--chmod', async () => {
  put(join(context, 'd/f'), 'f');
  await copy('d', '/n', { chmod: '0600' });
  await copy('d/f', '/new/f', { chmod: '4711' });
  await copy('d', '/s', { chmod: 'u=rwX,go=' });
  assert.deepEqual(tree(), ['/n d600 0:0', '/n/f -600 0:0 f', '/new d711 0:0', '/new/f -4711 0:0 f', '/s d755 0:0', '/s/f -600 0:0 f']);
});

test('--parents with a pattern before the pivot', async () => {
  put(join(context, 'x/b1/c/f'));
  put(join(context, 'x/b2/c/g'));
  await copy(['x/b*/./c'], '/o/', { parents: true });
  assert.deepEqual(tree(), ['/o d755 0:0', '/o/c d755 0:0', '/o/c/f -644 0:0 x', '/o/c/g -644 0:0 x']);
  await assert.rejects(copy(['none/./**'], '/p/', { parents: true }), { message: '"/none": not found' });
});

test('patterns that are none, and owners that nobody can know', async () => {
  put(join(context, 'f'));
  await assert.rejects(copy('a[', '/x/'), { message: 'invalid includepatterns: [a[]: syntax error in pattern' });
  await assert.rejects(copy('a[', '/x/', { style: 'classic' }), { code: 'copy.no-sources' });
  await assert.rejects(copy('f', '/x/', { chown: 'daemon' }), { code: 'copy.unknown-owner' });
});

test('numbers of --chown are read as each engine reads them', async () => {
  put(join(image, 'etc/passwd'), 'root:x:70:71:::\nme:x:72:73:::\n');
  put(join(context, 'a'));
  const owner = async (chown: string, style: 'graph' | 'classic'): Promise<string> => {
    await copy('a', '/a', { chown, style });
    const { uid, gid } = lstatSync(join(image, 'a'));
    return `${uid}:${gid}`;
  };
  // 32 bits with a sign; what does not fit is a name, and one that nobody knows is root
  for (const [chown, is] of [
    ['+5', '5:5'],
    ['root', '0:0'],
    [':root', '0:0'],
    ['me:root', '72:0'],
    ['-1', '0:0'],
    ['-2', '4294967294:4294967294'],
    ['2147483648', '0:0'],
    ['99999999999', '0:0'],
  ] as const)
    assert.equal(await owner(chown, 'graph'), is, chown);
  for (const [chown, is] of [
    ['+5', '5:5'],
    ['-1:7', '0:7'],
    ['4294967294', '4294967294:4294967294'],
    ['4294967296', '0:0'],
    ['99999999999', '1215752191:1215752191'],
    ['root:3', '70:3'],
  ] as const)
    assert.equal(await owner(chown, 'classic'), is, chown);
  const refused = (chown: string, message: RegExp): Promise<void> => assert.rejects(owner(chown, 'classic'), { message });
  await refused('a:b:c', /: invalid chown string format: a:b:c$/);
  await refused('me', /: can't find gid for group me: open \/etc\/group: no such file or directory$/);
  rmSync(join(image, 'etc'), { recursive: true });
  rmSync(join(image, 'a'));
  assert.equal(await owner('root', 'graph'), '0:0', 'root needs no accounts');
});

test('links that lead in a circle, and patterns that are none, are mistakes of the user', async () => {
  put(join(context, 'a'));
  symlinkSync('l2', join(context, 'l1'));
  symlinkSync('l1', join(context, 'l2'));
  symlinkSync('/l', join(image, 'l'));
  for (const style of ['graph', 'classic'] as const) {
    await assert.rejects(copy('a', '/l/x', { style }), { code: 'path.too-many-links', message: /too many links/ });
    await assert.rejects(copy('l1', '/x', { style }), { code: 'path.too-many-links' });
  }
  await assert.rejects(copy('a', '/x', { excludes: ['['] }), { message: 'invalid excludepatterns: [[]: syntax error in pattern' });
  await assert.rejects(copy('a', '/x', { chmod: 'u+q' }), { message: /invalid syntax$/ });
});
