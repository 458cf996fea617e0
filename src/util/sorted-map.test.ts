import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sortedMap } from './sorted-map.ts';

test('maps have their keys in order', () => {
  assert.deepEqual(Object.keys(sortedMap({ b: 1, a: 2, __proto: 3 })), ['__proto', 'a', 'b']);
});
