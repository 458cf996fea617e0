// `system df` counts what is really there: what containers wrote and what volumes hold.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { removeTree } from '../../src/sys/index.ts';

const folder = mkdtempSync('/dev/shm/slipway-usage-');
const bin = fileURLToPath(new URL('../../bin/slipway', import.meta.url));
const env = { ...process.env, SLIPWAY_ROOT: join(folder, 'root'), SLIPWAY_RUN: join(folder, 'run'), SLIPWAY_SOURCES: '1' };

function slipway(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(bin, args, { env, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout;
}

const usage = (): Record<string, string> =>
  Object.fromEntries(
    slipway('system', 'df', '--format', '{{.Type}}: {{.Active}} of {{.TotalCount}}, {{.Size}}, {{.Reclaimable}}')
      .trim()
      .split('\n')
      .map((line) => line.split(': ') as [string, string]),
  );

before(() => void slipway('bootstrap', 'busybox'));
after(() => removeTree(folder));

test('containers and volumes have the sizes of what was written to them', () => {
  slipway('volume', 'create', 'data');
  const script = 'head -c 3000 /dev/zero > /written; ln /written /again; head -c 2000 /dev/zero > /data/kept';
  slipway('run', '--name', 'writer', '--network', 'none', '-v', 'data:/data', 'busybox', 'sh', '-c', script);
  assert.equal(usage()['Containers'], '0 of 1, 3kB, 3kB (100%)');
  assert.equal(usage()['Local Volumes'], '1 of 1, 2kB, 0B (0%)');
  slipway('rm', 'writer');
  assert.equal(usage()['Containers'], '0 of 0, 0B, 0B');
  assert.equal(usage()['Local Volumes'], '0 of 1, 2kB, 2kB (100%)');
  slipway('volume', 'rm', 'data');
  assert.equal(usage()['Local Volumes'], '0 of 0, 0B, 0B');
});
