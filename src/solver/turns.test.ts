import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Turns } from './turns.ts';

const never = new AbortController().signal;
const clock = (): number => performance.now();

async function begins(turn: Promise<unknown>, within: number): Promise<boolean> {
  let begun = false;
  void turn.then(() => (begun = true));
  await sleep(within);
  return begun;
}

test('those that use the processor run one after the other', async () => {
  const turns = new Turns(1, clock);
  const first = await turns.take(never);
  // as much processor time as goes by
  first.watch(() => clock());
  const second = turns.take(never);
  assert.equal(await begins(second, 300), false);
  first[Symbol.dispose]();
  (await second)[Symbol.dispose]();
});

test('beside those that only wait, others run', async () => {
  const turns = new Turns(1, clock);
  const waiting = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const turn = await turns.take(never);
      turn.watch(() => 0);
      return turn;
    }),
  );
  const busy = await turns.take(never);
  busy.watch(() => clock());
  assert.equal(await begins(turns.take(never), 300), false, 'and one of them at a time');
  for (const turn of [...waiting, busy]) turn[Symbol.dispose]();
});

test('whoever waits hears of an abort', async () => {
  const turns = new Turns(1, clock);
  using _busy = await turns.take(never);
  const controller = new AbortController();
  const waiting = turns.take(controller.signal);
  controller.abort(new Error('enough'));
  await assert.rejects(waiting, /enough/);
});
