import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { RootedTree } from '../sys/index.ts';
import { placeMounts } from './mount-points.ts';
import type { SpecMount } from './spec/oci.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-mounts-'));
mkdirSync(join(folder, 'proc'));
symlinkSync('/proc', join(folder, 'link'));
after(() => rmSync(folder, { recursive: true }));

const bind = (source: string, destination: string): SpecMount => ({ destination, type: 'bind', source });
const tmpfs = (destination: string): SpecMount => ({ destination, type: 'tmpfs', source: 'tmpfs' });

function place(mount: SpecMount): string {
  using tree = new RootedTree(folder);
  return placeMounts(tree, [{ destination: '/proc', type: 'proc', source: 'proc' }, mount], () => {})[1]!.destination;
}

test("nothing is mounted in place of the kernel's /proc", () => {
  const refused: [SpecMount, string][] = [
    [bind('/tmp', '/proc'), 'it is not of type proc'],
    [tmpfs('/proc'), 'it is not of type proc'],
    [bind('/tmp', '/link'), 'it is not of type proc'],
    [bind('/proc', '/proc/sys'), 'it is inside /proc'],
    [bind('/tmp', '/link/self/attr'), 'it is inside /proc'],
    [tmpfs('/proc/acpi'), 'it is inside /proc'],
  ];
  for (const [mount, why] of refused)
    assert.throws(() => place(mount), { code: 'container.mount-point', message: new RegExp(`cannot be mounted because ${why}$`) });
  assert.deepEqual([bind('/proc', '/proc'), bind('/etc/hostname', '/proc/uptime'), tmpfs('/process')].map(place), [
    '/proc',
    '/proc/uptime',
    '/process',
  ]);
});
