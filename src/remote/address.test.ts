import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gitSource, percentDecoded, textWithoutCredentials, withoutCredentials } from './address.ts';
import { fileNameOf, openUrl } from './http.ts';

test('what is a repository, and what of it', () => {
  const cases: readonly (readonly [string, object | undefined])[] = [
    ['https://host/a.git', { remote: 'https://host/a.git' }],
    ['https://host/a.git#v1', { remote: 'https://host/a.git', ref: 'v1' }],
    ['https://host/a.git#v1:sub/x', { remote: 'https://host/a.git', ref: 'v1', folder: 'sub/x' }],
    ['https://host/a.git#:sub', { remote: 'https://host/a.git', folder: 'sub' }],
    [
      'https://host/a.git?tag=v1&subdir=/x/&keep-git-dir=1',
      { remote: 'https://host/a.git', ref: 'v1', refKind: 'tag', folder: 'x', keepGitDir: true },
    ],
    ['https://host/a.git?submodules=false&commit=abc', { remote: 'https://host/a.git', checksum: 'abc', submodules: false }],
    ['https://host/a.git?tag=v1#refs/tags/v1', { remote: 'https://host/a.git', ref: 'v1', refKind: 'tag' }],
    ['https://host/a.git?branch=refs/heads/x/y', { remote: 'https://host/a.git', ref: 'x/y', refKind: 'branch' }],
    ['https://host/a.git?submodules&ref=v1#v1', { remote: 'https://host/a.git', ref: 'v1', submodules: true }],
    ['git@host:me/a.git?subdir=/d#v1', { remote: 'git@host:me/a.git', ref: 'v1', folder: 'd' }],
    ['git@host:me/a.git#main', { remote: 'git@host:me/a.git', ref: 'main' }],
    ['git@host:me/a', { remote: 'git@host:me/a' }],
    ['ssh://git@host:22/a', { remote: 'ssh://git@host:22/a' }],
    ['github.com/me/a', { remote: 'https://github.com/me/a' }],
    ['https://host/a.tar', undefined],
    ['https://host/a?x=.git', undefined],
    ['a.git', undefined],
    ['./user@host:x', undefined],
    ['dir/with@at', undefined],
  ];
  for (const [text, expected] of cases) assert.deepEqual(gitSource(text), expected, text);
});

test('addresses that contradict themselves or lead outside are refused', () => {
  const bad = ['?tag=x&branch=x', '?tag=x#x', '?ref=', '?ref=a&ref=a', '?subdir=a#:b', '?ref=a&tag=b'].map(
    (tail) => `https://h/a.git${tail}`,
  );
  for (const text of [
    ...bad,
    'https://h/a.git?tag=x#y',
    'https://h/a.git#x:../y',
    'https://h/a.git?what=1',
    'https://h/a.git?submodules=maybe',
  ]) {
    assert.throws(() => gitSource(text), { code: 'git.address' }, text);
  }
});

test('secrets are not shown', () => {
  assert.equal(withoutCredentials('https://me:s3cret@host/x'), 'https://me:xxxxx@host/x');
  assert.equal(withoutCredentials('https://host/x:y@z'), 'https://host/x:y@z');
  assert.equal(
    textWithoutCredentials('ADD --link http://a:b@h/x https://:c%20d@h/y https://e@h "ftp://f:g@h" /z:1@2'),
    'ADD --link http://a:xxxxx@h/x https://:xxxxx@h/y https://e@h "ftp://f:xxxxx@h" /z:1@2',
  );
});

test('names of files', () => {
  const cases = [
    ['http://h/a/b.txt?x#y', 'b.txt'],
    ['http://h/a%20b', 'a b'],
    ['http://h/dir/', 'dir'],
    ['http://h/', undefined],
    ['http://h/a%2Fb', undefined],
    ['http://h/%2e%2e', undefined],
  ] as const;
  for (const [url, name] of cases) assert.equal(fileNameOf(url), name, url);
});

test('a percent sign in a name or a password that encodes nothing', async () => {
  assert.deepEqual(['%', 'a%20b', '%zz'].map(percentDecoded), ['%', 'a b', '%zz']);
  const stopped = AbortSignal.abort(new Error('not asked'));
  await assert.rejects(openUrl('http://%:%zz@host.invalid/f', stopped), /not asked/);
});
