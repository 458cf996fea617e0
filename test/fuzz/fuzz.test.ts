// A short run of every fuzzing target, and the inputs that once failed. A failure prints its seed and its input.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadTarget, TARGETS, tryTarget } from './campaign.ts';
import { Random } from './grammar.ts';
import { KEPT } from './kept.ts';

const SEED = Number(process.env['SLIPWAY_FUZZ_SEED'] ?? Math.trunc(Math.random() * 2 ** 31));
const DURATION = Number(process.env['SLIPWAY_FUZZ_MS'] ?? 1_000);

for (const name of TARGETS) {
  test(`${name}, seed ${SEED}`, async () => {
    const { tried, failure } = await tryTarget(name, SEED, DURATION);
    if (failure !== undefined) assert.fail(failure);
    assert.ok(tried > 0);
  });
}

test('inputs that once failed', async () => {
  for (const [name, input] of KEPT) await (await loadTarget(name)).attempt(Buffer.from(input, 'base64'), new Random(0));
});

for (const name of ['after', 'meanwhile']) {
  test(`buffers outside the heap count: seen ${name}`, async () => {
    const { failure } = await tryTarget(`../hoarders/${name}`, 0, DURATION);
    assert.match(failure ?? '', /^\S+: input of seed \d+: \d+ MB of buffers$/m);
  });
}
