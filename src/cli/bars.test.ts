import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bar, barsFor, span } from './bars.ts';

test('a bar is as long as its share, in eighths', () => {
  assert.equal(bar(1, 4), '████');
  assert.equal(bar(0.5, 4), '██  ');
  assert.equal(bar(0.28, 4), '█▏  ');
  assert.equal(bar(0.0001, 4), '▏   ');
  assert.equal(bar(0, 4), '    ');
});

test('a span stands where it was, in halves', () => {
  assert.equal(span(0, 1, 4), '████');
  assert.equal(span(0.25, 0.5, 4), ' █  ');
  assert.equal(span(0.125, 0.5, 4), '▐█  ');
  assert.equal(span(0.5, 0.5, 4), '  ▌ ');
  assert.equal(span(1, 1, 4), '   ▐');
});

test('bars are for terminals, and colours for those who want them', () => {
  const stdout = { write: () => true, isTTY: true, columns: 40 };
  assert.equal(barsFor({ env: {}, stdout: { ...stdout, isTTY: false } }), undefined);
  assert.equal(barsFor({ env: {}, stdout })?.(1), `\u001b[32m${'█'.repeat(10)}\u001b[0m`);
  assert.equal(barsFor({ env: { NO_COLOR: '1' }, stdout })?.(1), '█'.repeat(10));
});
