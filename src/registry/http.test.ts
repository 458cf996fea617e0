import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pauseBefore } from './http.ts';

const NOW = Date.parse('2026-11-26T08:00:00Z');

test('how long the next attempt is waited for', () => {
  for (const [headers, attempt, expected] of [
    [{}, 1, 207],
    [{}, 3, 807],
    [{}, 20, 60_000],
    [{ 'retry-after': '1' }, 1, 1000],
    [{ 'retry-after': '0' }, 3, 0],
    [{ 'retry-after': '86400' }, 1, 60_000],
    [{ 'retry-after': 'Thu, 26 Nov 2026 08:00:05 GMT' }, 1, 5000],
    [{ 'retry-after': 'Thu, 26 Nov 2026 07:00:00 GMT' }, 1, 0],
    [{ 'retry-after': 'soon' }, 2, 407],
    [{ 'ratelimit-reset': '3;w=60' }, 1, 3000],
    [{ 'x-ratelimit-reset': String(NOW / 1000 + 7) }, 1, 7000],
    [{ 'ratelimit-reset': 'never' }, 1, 207],
  ] as const)
    assert.equal(pauseBefore(attempt, headers, NOW, 7), expected, JSON.stringify(headers));
});
