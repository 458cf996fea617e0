import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duration, list, quoted, quotedList } from './go.ts';

test('strings are quoted as Go does', () => {
  assert.equal(quoted('a "b"\t\\ é\x01'), '"a \\"b\\"\\t\\\\ é\\x01"');
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
