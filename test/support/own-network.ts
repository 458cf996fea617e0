// Tests of containers on networks run in network and mount namespaces of their own, so that the machine's stay as they are.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const INSIDE = 'SLIPWAY_TEST_OWN_NETWORK';

/** True in the namespaces; elsewhere the one test of the file is that all pass in there. Needs root. @param file `import.meta.url` */
export function inOwnNetwork(file: string): boolean {
  if (process.env[INSIDE] !== undefined) return true;
  test('in a network namespace of its own', () => {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const own = spawnSync('unshare', ['-n', '-m', process.execPath, '--test-reporter=tap', fileURLToPath(file)], {
      encoding: 'utf8',
      env: { ...env, [INSIDE]: '1' },
    });
    assert.equal(own.status, 0, own.stdout + own.stderr);
  });
  return false;
}

/** What a machine has that was just started: loopback, and an empty `/run`. */
export function prepareOwnNetwork(): void {
  for (const command of ['ip link set lo up', 'mount -t tmpfs tmpfs /run'])
    assert.equal(spawnSync('sh', ['-c', command], { stdio: 'inherit' }).status, 0);
}
