import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Healthcheck } from '../model/index.ts';
import { beginHealth, mergedHealthcheck, nextProbeAt, probeArguments, recordResult } from './health.ts';
import type { Container, ContainerRequest } from './types.ts';

const container = (healthcheck: Healthcheck, startedAt = 1000): Container => {
  const c = { healthcheck, state: { status: 'running', pid: 1, exitCode: 0, error: '', startedAt } } as unknown as Container;
  beginHealth(c);
  return c;
};
const asked = (o: Partial<ContainerRequest>): ContainerRequest => o as ContainerRequest;
const result = (exitCode: number, start: number): Parameters<typeof recordResult>[1] => ({ start, end: start + 10, exitCode, output: '' });

test('the request replaces what the image has, value by value', () => {
  const image: Healthcheck = { Test: ['CMD', 'true'], Interval: 5e9, Retries: 7 };
  assert.equal(mergedHealthcheck(image, asked({})), image);
  assert.deepEqual(mergedHealthcheck(image, asked({ health: { Test: ['CMD-SHELL', 'x'], Retries: 0, Timeout: 1e9 } })), {
    Test: ['CMD-SHELL', 'x'],
    Interval: 5e9,
    Retries: 7,
    Timeout: 1e9,
  });
  assert.deepEqual(mergedHealthcheck(image, asked({ noHealthcheck: true })), { ...image, Test: ['NONE'] });
  assert.equal(mergedHealthcheck(undefined, asked({})), undefined);
  assert.throws(
    () => mergedHealthcheck(image, asked({ health: { StartPeriod: 5 } })),
    /StartPeriod in Healthcheck cannot be less than 1ms/,
  );
});

test('what is run', () => {
  assert.deepEqual(probeArguments({ healthcheck: { Test: ['CMD', 'a', 'b'] } }), ['a', 'b']);
  assert.deepEqual(probeArguments({ healthcheck: { Test: ['CMD-SHELL', 'a b'] } }), ['/bin/sh', '-c', 'a b']);
  assert.deepEqual(probeArguments({ healthcheck: { Test: ['CMD-SHELL', 'a'] }, shell: ['/bin/bash', '-ec'] }), ['/bin/bash', '-ec', 'a']);
  for (const healthcheck of [undefined, {}, { Test: [] }, { Test: ['NONE'] }, { Test: ['CMD'] }])
    assert.equal(probeArguments({ ...(healthcheck && { healthcheck }) }), undefined);
});

test('when a check is due: intervals begin at the end of the one before, and are others while it starts', () => {
  const c = container({ Test: ['CMD', 'x'] });
  assert.equal(nextProbeAt(c), 31_000);
  recordResult(c, result(1, 31_000));
  assert.equal(nextProbeAt(c), 61_010);
  const slow = container({ Test: ['CMD', 'x'], Interval: 60e9, StartPeriod: 4e9, StartInterval: 2e9 });
  assert.equal(nextProbeAt(slow), 3000);
  recordResult(slow, result(1, 4000));
  assert.equal(nextProbeAt(slow), 6010);
  recordResult(slow, result(1, 6010));
  assert.equal(nextProbeAt(slow), 66_020, 'its start is over');
  assert.equal(nextProbeAt(container({ Test: ['CMD', 'x'], StartPeriod: 10e9 })), 6000);
});

test('what results make of it', () => {
  const c = container({ Test: ['CMD', 'x'], Retries: 2, StartPeriod: 1e9 });
  const after = (exitCode: number, start: number): unknown[] => [
    recordResult(c, result(exitCode, start)),
    c.state.health?.status,
    c.state.health?.failingStreak,
  ];
  assert.deepEqual(after(1, 1500), [false, 'starting', 0]);
  assert.deepEqual(after(1, 2500), [false, 'starting', 1]);
  assert.deepEqual(after(-1, 3500), [true, 'unhealthy', 2]);
  assert.deepEqual(after(1, 4500), [false, 'unhealthy', 3]);
  assert.deepEqual(after(0, 5500), [true, 'healthy', 0]);
  assert.deepEqual(after(1, 6500), [false, 'healthy', 1]);
  assert.deepEqual(
    c.state.health?.log.map((r) => r.start),
    [2500, 3500, 4500, 5500, 6500],
    'the last five',
  );
  c.state.startedAt = 10_000;
  beginHealth(c);
  assert.deepEqual([c.state.health.status, c.state.health.failingStreak, c.state.health.log.length], ['starting', 0, 5]);
  assert.equal(nextProbeAt(c), 15_000);
});
