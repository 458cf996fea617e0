import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { resolveInside } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'slipway-inside-'));
after(() => rmSync(root, { recursive: true }));
mkdirSync(join(root, 'usr/lib'), { recursive: true });
writeFileSync(join(root, 'file'), '');
symlinkSync('/usr/lib', join(root, 'lib'));
symlinkSync('../../../../../../etc', join(root, 'usr/up'));
symlinkSync('loop', join(root, 'loop'));
symlinkSync('lib/../up', join(root, 'usr/chain'));

for (const [path, expected] of [
  ['/', ''],
  ['usr/lib', 'usr/lib'],
  ['/lib/x', 'usr/lib/x'],
  ['/usr/up/passwd', 'etc/passwd'],
  ['/../../usr/./lib//y', 'usr/lib/y'],
  ['/usr/chain', 'etc'],
  ['/missing/../lib', 'usr/lib'],
  ['/file/x', 'file/x'],
] as const) {
  test(`${path} stays inside`, () => assert.equal(resolveInside(root, path), join(root, expected)));
}

test('links in a circle', () => assert.throws(() => resolveInside(root, '/loop/x'), { code: 'ELOOP' }));
