import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { CpuSlots } from './cpu-slots.ts';

const never = new AbortController().signal;

/** CpuSlots for one core, on a clock that only the test moves. */
function onFakeClock(t: TestContext): { slots: CpuSlots; clock: () => number; pass: (ms: number) => Promise<void> } {
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
  return { slots: new CpuSlots(1, clock), clock, pass };
}

/** Lets every promise that can settle do so. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function begun(slot: Promise<unknown>): () => boolean {
  let done = false;
  void slot.then(() => (done = true));
  return () => done;
}

test('those that use the processor run one after the other', async (t: TestContext) => {
  const { slots, clock, pass } = onFakeClock(t);
  const first = await slots.take(never);
  // as much processor time as passes
  first.watch(clock);
  const second = slots.take(never);
  const secondBegun = begun(second);
  await pass(10_000);
  assert.equal(secondBegun(), false);
  first[Symbol.dispose]();
  (await second)[Symbol.dispose]();
});

test('beside those that only wait, others run', async (t: TestContext) => {
  const { slots, clock, pass } = onFakeClock(t);
  const waiting = Array.from({ length: 20 }, async () => {
    const slot = await slots.take(never);
    slot.watch(() => 0);
    return slot;
  });
  const allBegun = begun(Promise.all(waiting));
  await pass(1000);
  assert.equal(allBegun(), true);
  const busySlot = slots.take(never);
  await pass(100);
  const busy = await busySlot;
  busy.watch(clock);
  const next = slots.take(never);
  const nextBegun = begun(next);
  await pass(10_000);
  assert.equal(nextBegun(), false, 'and one of them at a time');
  for (const slot of [...(await Promise.all(waiting)), busy]) slot[Symbol.dispose]();
  (await next)[Symbol.dispose]();
});

test('whoever waits hears of an abort', async (t: TestContext) => {
  const { slots } = onFakeClock(t);
  using _busy = await slots.take(never);
  const controller = new AbortController();
  const waiting = slots.take(controller.signal);
  controller.abort(new Error('enough'));
  await assert.rejects(waiting, /enough/);
});
