import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Turns } from './turns.ts';

const never = new AbortController().signal;

/** Turns for one core, on a clock that only the test moves. */
function onFakeClock(t: TestContext): { turns: Turns; clock: () => number; pass: (ms: number) => Promise<void> } {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  const clock = (): number => now;
  const pass = async (ms: number): Promise<void> => {
    // in steps, as time passes: a timer that fires may start the next one
    for (let left = ms; left > 0; left -= 10) {
      now += 10;
      t.mock.timers.tick(10);
      await settle();
    }
  };
  return { turns: new Turns(1, clock), clock, pass };
}

/** Lets every promise that can settle do so. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function begun(turn: Promise<unknown>): () => boolean {
  let done = false;
  void turn.then(() => (done = true));
  return () => done;
}

test('those that use the processor run one after the other', async (t: TestContext) => {
  const { turns, clock, pass } = onFakeClock(t);
  const first = await turns.take(never);
  // as much processor time as passes
  first.watch(clock);
  const second = turns.take(never);
  const secondBegun = begun(second);
  await pass(10_000);
  assert.equal(secondBegun(), false);
  first[Symbol.dispose]();
  (await second)[Symbol.dispose]();
});

test('beside those that only wait, others run', async (t: TestContext) => {
  const { turns, clock, pass } = onFakeClock(t);
  const waiting = Array.from({ length: 20 }, async () => {
    const turn = await turns.take(never);
    turn.watch(() => 0);
    return turn;
  });
  const allBegun = begun(Promise.all(waiting));
  await pass(1000);
  assert.equal(allBegun(), true);
  const busyTurn = turns.take(never);
  await pass(100);
  const busy = await busyTurn;
  busy.watch(clock);
  const next = turns.take(never);
  const nextBegun = begun(next);
  await pass(10_000);
  assert.equal(nextBegun(), false, 'and one of them at a time');
  for (const turn of [...(await Promise.all(waiting)), busy]) turn[Symbol.dispose]();
  (await next)[Symbol.dispose]();
});

test('whoever waits hears of an abort', async (t: TestContext) => {
  const { turns } = onFakeClock(t);
  using _busy = await turns.take(never);
  const controller = new AbortController();
  const waiting = turns.take(controller.signal);
  controller.abort(new Error('enough'));
  await assert.rejects(waiting, /enough/);
});
