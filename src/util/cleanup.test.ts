import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstError, withCleanup, withCleanupSync } from './cleanup.ts';

const fails = (text: string) => (): never => {
  throw new Error(text);
};

test('every cleanup runs, and the first error is thrown', async () => {
  const ran: string[] = [];
  const noting = (name: string) => () => void ran.push(name);
  assert.equal(await withCleanup(async () => 1, noting('a'), noting('b')), 1);
  await assert.rejects(
    withCleanup(async () => fails('work')(), fails('cleanup'), noting('c')),
    /^Error: work$/,
  );
  await assert.rejects(
    withCleanup(
      async () => 1,
      async () => fails('first')(),
      fails('second'),
      noting('d'),
    ),
    /^Error: first$/,
  );
  await assert.rejects(
    withCleanup(() => Promise.reject(undefined), noting('e')),
    (e) => e === undefined,
  );
  assert.equal(
    withCleanupSync(() => 2, noting('f')),
    2,
  );
  assert.throws(() => withCleanupSync(fails('work'), fails('cleanup'), noting('g')), /^Error: work$/);
  assert.throws(() => withCleanupSync(() => 1, fails('cleanup'), noting('h')), /^Error: cleanup$/);
  assert.equal(ran.join(''), 'abcdefgh');
});

test('of errors while disposing, the one that came first', () => {
  try {
    using _a = { [Symbol.dispose]: fails('a') };
    using _b = { [Symbol.dispose]: fails('b') };
    fails('work')();
  } catch (e) {
    assert.equal((firstError(e) as Error).message, 'work');
  }
  assert.equal(firstError(3), 3);
});
