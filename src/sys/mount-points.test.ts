import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isMounted, mountPoints } from './mount-points.ts';
import { leaveMounts, mount } from './mount.ts';

test('mounts are seen under their names, and let go of with all below them', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway mounts-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mount('tmpfs', folder, 'tmpfs', 0);
  const inside = join(folder, 'a b');
  mkdirSync(inside);
  mount('tmpfs', inside, 'tmpfs', 0);
  assert.ok(isMounted(folder) && isMounted(inside), mountPoints().join('\n'));
  assert.equal(isMounted(join(folder, 'a')), false);
  leaveMounts(folder);
  assert.ok(!isMounted(folder) && !isMounted(inside));
  assert.equal(isMounted('/', 2 ** 22 + 1), false);
});
