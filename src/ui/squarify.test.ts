import assert from 'node:assert/strict';
import { test } from 'node:test';
import { squarify } from './page/squarify.ts';

const AREA = { x: 10, y: 20, width: 600, height: 400 };

test('each rectangle is as large as its size asks, and all fill the area without touching', () => {
  for (const sizes of [[1], [6, 6, 4, 3, 2, 2, 1], [1000, 1, 1, 1], Array.from({ length: 500 }, (_, i) => 500 - i)]) {
    const placed = squarify(sizes, AREA);
    const total = sizes.reduce((a, b) => a + b, 0);
    assert.equal(placed.length, sizes.length);
    placed.forEach(({ x, y, width, height }, i) => {
      assert.ok(Math.abs(width * height - (240_000 * (sizes[i] ?? 0)) / total) < 0.01);
      assert.ok(x >= 10 - 1e-6 && y >= 20 - 1e-6 && x + width <= 610 + 1e-6 && y + height <= 420 + 1e-6);
    });
    for (const a of placed.slice(0, 20))
      for (const b of placed.slice(0, 20)) {
        if (a === b) continue;
        const apart =
          a.x + a.width <= b.x + 1e-6 || b.x + b.width <= a.x + 1e-6 || a.y + a.height <= b.y + 1e-6 || b.y + b.height <= a.y + 1e-6;
        assert.ok(apart);
      }
  }
});

test('nothing, and nothing but emptiness, are no trouble', () => {
  assert.deepEqual(squarify([], AREA), []);
  assert.equal(squarify([0, 0], AREA).length, 2);
  assert.equal(squarify([5, 3], { x: 0, y: 0, width: 0, height: 10 }).length, 2);
});
