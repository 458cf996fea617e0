import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkFrontend } from './frontend.ts';

const check = (text: string, override?: string) => checkFrontend({ name: 'Dockerfile', text }, override)?.rule;

test('Docker’s own frontends are spoken, newer ones with a warning', () => {
  for (const name of [
    'docker/dockerfile',
    'docker/dockerfile:1',
    'docker.io/docker/dockerfile:1.7-labs',
    'docker/dockerfile-upstream:master',
  ])
    assert.equal(check(`# syntax=${name}\nFROM a\n`), undefined, name);
  assert.equal(check('# syntax=docker/dockerfile:1.99\nFROM a\n'), 'SyntaxVersion');
  assert.equal(check('# syntax=docker/dockerfile:2\nFROM a\n'), 'SyntaxVersion');
  assert.equal(check('FROM a\n# syntax=other/language\n'), undefined);
});

test('other frontends are refused', () => {
  const refused = { code: 'dockerfile.frontend', message: /^frontend other\/language:1 cannot be run/ };
  assert.throws(() => check('# syntax=other/language:1\nkey: value\n'), refused);
  assert.throws(() => check('// syntax=other/language:1\nkey: value\n'), refused);
  assert.throws(() => check('FROM a\n', 'other/language:1'), refused);
  assert.throws(() => check('# syntax=docker/dockerfile-not:1\nFROM a\n'), { code: 'dockerfile.frontend' });
});
