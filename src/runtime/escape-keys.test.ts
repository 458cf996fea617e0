import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EscapeKeys } from './escape-keys.ts';

/** Feeds each text by itself; what was passed on, and whether the keys were found. */
function typed(keys: string | undefined, ...texts: string[]): [pass: string, escaped: boolean] {
  const escape = new EscapeKeys(keys === undefined ? undefined : [...Buffer.from(keys)]);
  let pass = '';
  for (const text of texts) {
    const found = escape.feed(Buffer.from(text));
    pass += found.pass.toString();
    if (found.escaped) return [pass, true];
  }
  return [pass, false];
}

for (const [keys, texts, expected] of [
  [undefined, ['abc'], ['abc', false]],
  [undefined, ['a\x10\x11b'], ['a', true]],
  [undefined, ['a\x10', '\x11'], ['a', true]],
  [undefined, ['\x10'], ['', false]],
  [undefined, ['\x10', 'x'], ['\x10x', false]],
  [undefined, ['\x10\x10\x11'], ['\x10', true]],
  [undefined, ['\x11'], ['\x11', false]],
  ['q', ['abq'], ['ab', true]],
  ['aab', ['aaab'], ['a', true]],
  ['aab', ['aac', 'aab'], ['aac', true]],
  ['abab', ['ababa'], ['', true]],
  ['abac', ['ababac'], ['ab', true]],
] as const)
  test(`${JSON.stringify(texts)} with ${JSON.stringify(keys)}`, () => assert.deepEqual(typed(keys, ...texts), expected));
