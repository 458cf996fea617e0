import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PathPattern } from './pathpattern.ts';

// with a regular expression, one of these paths would take a minute
test('patterns made to take long', () => {
  const deep = 'a/'.repeat(2000);
  const cases: [string, string, boolean][] = [
    ['**/**/**/x', `${deep}y`, false],
    ['**/**/**/x', `${deep}x`, true],
    ['**/a/**/a/**/b', `${deep}c`, false],
    ['**/*a*/**/*a*', `${deep}b`, false],
    ['*a*a*a*a*a*b', 'a'.repeat(4000), false],
    ['*?*?*?*?*?*', 'a'.repeat(4000), true],
    ['a**a**a**b', 'a'.repeat(4000), false],
  ];
  for (const [pattern, path, expected] of cases) assert.equal(new PathPattern(pattern).matches(path), expected, pattern);
});
