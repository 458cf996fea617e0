import assert from 'node:assert/strict';
import { test } from 'node:test';
import { paced } from './paced.ts';

/** Bytes that a sender takes and that a reader takes ms for, by a clock that only they move. */
async function read(chunks: readonly { readonly bytes: number; readonly after: number }[], reading = 0): Promise<number> {
  let clock = 0;
  async function* sender(): AsyncGenerator<Buffer> {
    for (const { bytes, after } of chunks) {
      clock += after;
      yield await Promise.resolve(Buffer.alloc(bytes));
    }
  }
  let total = 0;
  const stream = paced(
    sender(),
    () => new Error('too slow'),
    { window: 1000, least: 100 },
    () => clock,
  );
  for await (const chunk of stream) {
    total += chunk.length;
    clock += reading;
  }
  return total;
}

const times = (n: number, bytes: number, after: number): { bytes: number; after: number }[] =>
  Array.from({ length: n }, () => ({ bytes, after }));

test('a sender that trickles is cut off, one that keeps the pace is not', async () => {
  await assert.rejects(read(times(100, 1, 50)), /too slow/);
  assert.equal(await read(times(100, 5, 50)), 500);
  await assert.rejects(read([...times(20, 100, 50), ...times(30, 1, 50)]), /too slow/, 'later on as well');
});

test('a reader may take its time, and a short answer its own', async () => {
  assert.equal(await read(times(100, 1, 5), 10_000), 100);
  assert.equal(await read(times(10, 1, 50)), 10);
});
