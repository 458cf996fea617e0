import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wordsOf } from './words.ts';

const CASES: readonly (readonly [line: string, words: readonly string[]])[] = [
  ['slipway ', ['']],
  ['slipway im', ['im']],
  ['slipway run -it bus', ['run', '-it', 'bus']],
  ['slipway run busybox:', ['run', 'busybox:']],
  [`slipway build -t "my app" 'x y`, ['build', '-t', 'my app', 'x y']],
  ['slipway build a\\ b ', ['build', 'a b', '']],
  ['cd x && slipway ps ', ['ps', '']],
  ['slipway ps -q | slipway r', ['r']],
];

for (const [line, words] of CASES) test(line, () => assert.deepEqual(wordsOf(line), words));
