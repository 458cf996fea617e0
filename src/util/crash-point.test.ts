import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CRASH_POINTS } from './crash-point.ts';

test('ARCHITECTURE.md lists every crash point, in their order', () => {
  const text = readFileSync(new URL('../../ARCHITECTURE.md', import.meta.url), 'utf8');
  const section = /^## Crash points$(.*?)^## /ms.exec(text)?.[1] ?? '';
  const listed = [...section.matchAll(/^- `([^`]+)`$/gm)].map((m) => m[1]);
  assert.deepEqual(listed, [...CRASH_POINTS]);
});
