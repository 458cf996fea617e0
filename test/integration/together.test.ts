// A few of many commands at once; test/stress/together.ts does it with hundreds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryStore } from '../support/store.ts';
import { together } from '../stress/commands.ts';

test('runs, equal builds, prunes, removals, pulls, pushes, saves and loads at once', async (t) => {
  assert.deepEqual(await together(temporaryStore(t), { runs: 6, builds: 4, prunes: 2, transfers: 2 }), []);
});
