import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duration, list, quotedList, quotedRune } from './go.ts';

test('strings are quoted as Go does', () => {
  assert.equal(quotedList(['a "b"\t\\ é\x01\x07\u200b']), '["a \\"b\\"\\t\\\\ é\\x01\\a\\u200b"]');
  assert.equal(quotedList(['/bin/sh', '-c', 'x']), '["/bin/sh" "-c" "x"]');
  assert.equal(list(['a', 'b c']), '[a b c]');
});

test('durations are written as Go does', () => {
  const cases: [number, string][] = [
    [0, '0s'],
    [5e9, '5s'],
    [90e9, '1m30s'],
    [300e9, '5m0s'],
    [500e6, '500ms'],
    [1500, '1.5µs'],
    [12, '12ns'],
    [3600e9, '1h0m0s'],
    [1.5e9, '1.5s'],
  ];
  for (const [ns, text] of cases) assert.equal(duration(ns), text);
});

test('numbers are quoted as the characters of their codes', () => {
  assert.deepEqual([0, 3, 10, 20, 34, 39, 65, 92, 233].map(quotedRune), [
    "'\\x00'",
    "'\\x03'",
    "'\\n'",
    "'\\x14'",
    `'"'`,
    "'\\''",
    "'A'",
    "'\\\\'",
    "'é'",
  ]);
});
