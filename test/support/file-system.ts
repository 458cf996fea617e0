// A file system of a test's own, with a disk's semantics and a memory's speed.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { enterPrivateMountNamespace, removeTree } from '../../src/sys/index.ts';

/** Mounts a new ext4 in this process's mount namespace until its tests are over. @param size bytes */
export function ext4(size = 512 << 20): string {
  enterPrivateMountNamespace();
  const folder = mkdtempSync('/dev/shm/slipway-ext4-');
  const [image, root] = [join(folder, 'image'), join(folder, 'root')];
  writeFileSync(image, '');
  truncateSync(image, size);
  mkdirSync(root);
  execFileSync('mkfs.ext4', ['-q', '-F', '-E', 'lazy_itable_init=1', image]);
  execFileSync('mount', ['-o', 'loop', image, root]);
  after(() => {
    execFileSync('umount', ['-l', root]);
    removeTree(folder);
  });
  return root;
}
