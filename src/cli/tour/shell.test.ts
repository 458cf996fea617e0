import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wrapped } from './shell.ts';

test('prose is broken between words, at the width of the screen or at 100', () => {
  assert.equal(wrapped('one two three four five six', 22, '  '), '  one two three four\n  five six');
  assert.equal(wrapped('first\nsecond', 80, ''), 'first\nsecond');
  assert.equal(wrapped('a-word-that-is-longer-than-a-line b', 22, '  '), '  a-word-that-is-longer-than-a-line\n  b');
  assert.ok(
    wrapped('word '.repeat(100), 500, '  ')
      .split('\n')
      .every((line) => line.length <= 100),
  );
});
