// What a container sees of the machine's file systems and devices, as Docker 28 has it, with both runtimes.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { findExecutable, removeTree } from '../../src/sys/index.ts';
import { TestStore, scratch } from '../support/store.ts';

const store = new TestStore(scratch());
after(() => removeTree(store.folder));

before(async () => {
  const context = join(store.folder, 'context');
  mkdirSync(context, { recursive: true });
  copyFileSync(findExecutable('busybox')!, join(context, 'busybox'));
  writeFileSync(
    join(context, 'Dockerfile'),
    'FROM scratch\nCOPY busybox /bin/sh\nCOPY busybox /bin/\nRUN busybox cat /proc/mounts && ! busybox test -s /proc/keys\n',
  );
  for (const runtime of ['crun', 'runc']) {
    const args = ['build', '--network', 'none', '--no-cache', '--progress', 'plain', '-t', 'image', context];
    const built = await store.slipway(args, { env: { SLIPWAY_RUNTIME: runtime } });
    assert.equal(built.exitCode, 0, built.stderr);
    checkMounts(built.stderr.replaceAll(/^#\d+ [\d.]+ /gm, ''), true);
  }
});

function checkMounts(text: string, build: boolean): void {
  const lines = text.split('\n').map((line) => line.split(' '));
  const options = (path: string): string[] => lines.findLast((line) => line[1] === path)?.[3]?.split(',') ?? [];
  const has = (path: string, ...wanted: string[]): void =>
    assert.deepEqual(
      wanted.filter((option) => !options(path).includes(option)),
      [],
      `${path}: ${options(path).join(',')}`,
    );
  for (const path of ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/sys']) has(path, 'ro', 'nosuid', 'nodev', 'noexec');
  for (const path of ['/proc', '/dev/shm', '/dev/mqueue']) has(path, 'rw', 'nosuid', 'nodev', 'noexec');
  has('/dev/pts', 'rw', 'nosuid', 'noexec');
  has('/dev', 'rw', 'nosuid');
  if (build) for (const path of ['/etc/hosts', '/etc/resolv.conf']) has(path, 'ro', 'nosuid', 'nodev', 'noexec');
}

for (const runtime of ['crun', 'runc']) {
  const env = { SLIPWAY_RUNTIME: runtime };

  test(`mounts of a container (${runtime})`, async () => {
    checkMounts(await store.ok(['run', '--rm', '--network', 'none', 'image', 'busybox', 'cat', '/proc/mounts'], { env }), false);
  });

  test(`a container has a session keyring of its own (${runtime})`, async () => {
    const name = `keys-${runtime}`;
    const args = [
      'run',
      '--rm',
      '--name',
      name,
      '--privileged',
      '--network',
      'none',
      'image',
      'busybox',
      'cat',
      '/proc/keys',
      '/etc/hostname',
    ];
    const lines = (await store.ok(args, { env })).trim().split('\n');
    const keyrings = lines.filter((line) => line.includes(lines.at(-1)!));
    assert.equal(keyrings.length >= 2, true, lines.join('\n'));
  });

  test(`exec leaves the machine's /dev/null alone (${runtime})`, async () => {
    const name = `null-${runtime}`;
    const was = statSync('/dev/null');
    await store.ok(['run', '-d', '--name', name, '--network', 'none', 'image', 'busybox', 'sleep', '100'], { env });
    try {
      for (const user of ['0', '7']) await store.slipway(['exec', '-u', user, name, 'busybox', 'chmod', '600', '/proc/self/fd/0'], { env });
      assert.equal(await store.ok(['exec', '-u', '7', name, 'busybox', 'cat'], { env }), '');
      await store.ok(['exec', '-d', '-u', '7', name, 'busybox', 'true'], { env });
    } finally {
      await store.ok(['rm', '-f', name], { env });
    }
    const now = statSync('/dev/null');
    assert.deepEqual([now.uid, now.gid, now.mode], [was.uid, was.gid, was.mode]);
  });
}
