import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deferred, formatBytes, humanDuration, nearest, once, parseBytes, parseDuration, randomId, randomInt } from './index.ts';

for (const [bytes, three, four] of [
  [0, '0B', '0B'],
  [999, '999B', '999B'],
  [1000, '1kB', '1kB'],
  [4_261_550, '4.26MB', '4.262MB'],
  [630_000_000, '630MB', '630MB'],
  [1_234_567_890, '1.23GB', '1.235GB'],
  [100_400_000, '100MB', '100.4MB'],
] as const) {
  test(`${bytes} bytes`, () => {
    assert.equal(formatBytes(bytes, 3), three);
    assert.equal(formatBytes(bytes), four);
  });
}

for (const [text, bytes] of [
  ['100', 100],
  ['512m', 2 ** 29],
  ['1g', 2 ** 30],
  ['1.5GiB', 1.5 * 2 ** 30],
  ['64 KB', 65536],
  ['5B', 5],
  ['', undefined],
  ['x', undefined],
  ['-1m', undefined],
  ['1mm', undefined],
] as const) {
  test(`${JSON.stringify(text)} as a size`, () => assert.equal(parseBytes(text), bytes));
}

for (const [text, ns] of [
  ['1h2m3.5s', 3723.5e9],
  ['300ms', 3e8],
  ['-1.5h', -5400e9],
  ['0', 0],
  ['1us', 1000],
  ['.5s', 5e8],
  ['', undefined],
  ['5', undefined],
  ['1x', undefined],
  ['s', undefined],
] as const) {
  test(`${JSON.stringify(text)} as a duration`, () => assert.equal(parseDuration(text), ns));
}

for (const [seconds, words] of [
  [0.5, 'Less than a second'],
  [1, '1 second'],
  [59, '59 seconds'],
  [60, 'About a minute'],
  [119, 'About a minute'],
  [120, '2 minutes'],
  [3599, '59 minutes'],
  [3600, 'About an hour'],
  [5399, 'About an hour'],
  [5400, '2 hours'],
  [47 * 3600, '47 hours'],
  [49 * 3600, '2 days'],
  [13 * 86400, '13 days'],
  [14 * 86400, '2 weeks'],
  [61 * 86400, '2 months'],
  [800 * 86400, '2 years'],
] as const) {
  test(`${seconds} s in words`, () => assert.equal(humanDuration(seconds * 1000), words));
}

for (const [word, candidates, expected] of [
  ['biuld', ['build', 'run', 'pull'], 'build'],
  ['imges', ['image', 'images'], 'images'],
  ['xyz', ['build', 'run'], undefined],
  ['a', ['b'], undefined],
  ['--tagg', ['--tag', '--target'], '--tag'],
] as const) {
  test(`nearest to ${word}`, () => assert.equal(nearest(word, candidates), expected));
}

test('small helpers', async () => {
  const d = deferred<number>();
  d.resolve(1);
  assert.equal(await d.promise, 1);
  let calls = 0;
  const f = once(() => ++calls);
  assert.deepEqual([f(), f()], [1, 1]);
  assert.match(randomId(), /^[0-9a-f]{64}$/);
  assert.equal(randomId(4).length, 8);
  for (let i = 0; i < 50; i++) assert.ok(randomInt(3) < 3);
});
