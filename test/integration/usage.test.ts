// `system df` counts what is really there: what containers wrote and what volumes hold.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { removeTree } from '../../src/sys/index.ts';
import { CommandLine } from '../support/command-line.ts';

const folder = mkdtempSync('/dev/shm/slipway-usage-');
const bin = fileURLToPath(new URL('../../bin/slipway', import.meta.url));
const env = {
  ...process.env,
  SLIPWAY_ROOT: join(folder, 'root'),
  SLIPWAY_RUN: join(folder, 'run'),
  SLIPWAY_SOURCES: process.env['SLIPWAY_SOURCES'] ?? '1',
};

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

test('the sum and the whole agree with du, and the store of the tour is told apart', async () => {
  const line = new CommandLine({ env, cwd: folder });
  await line.ok('volume', 'create', 'large');
  writeFileSync(join(env.SLIPWAY_ROOT, 'volumes', 'large', '_data', 'file'), Buffer.alloc(240e6, 1));
  mkdirSync(join(env.SLIPWAY_ROOT, 'tour'));
  writeFileSync(join(env.SLIPWAY_ROOT, 'tour', 'file'), Buffer.alloc(20e6, 1));
  const { stdout, stderr } = await line.run(['system', 'df']);
  const taken = (...args: string[]): number =>
    Number(spawnSync('du', ['-s', '--block-size=1', ...args], { encoding: 'utf8' }).stdout.split('\t')[0]);
  const du = taken('--exclude=tour', env.SLIPWAY_ROOT);
  const near = (text: string | undefined, wanted: number): void =>
    assert.ok(Math.abs(Number(text) * 1e6 - wanted) < wanted * 0.03, `${text} MB, and du has ${wanted}`);
  near(/^On the disk, .*: ([\d.]+)MB in /m.exec(stderr)?.[1], du);
  near(/^The tour's own store takes ([\d.]+)MB more\. /m.exec(stderr)?.[1], taken(join(env.SLIPWAY_ROOT, 'tour')));
  assert.match(stderr, new RegExp(`SLIPWAY_ROOT=${env.SLIPWAY_ROOT}/tour SLIPWAY_RUN=${env.SLIPWAY_RUN}/tour slipway system prune -af`));
  const sizes = [...stdout.matchAll(/^\S+(?: \S+)? +\d+ +\d+ +([\d.]+)(B|kB|MB)/gm)].map(
    (m) => Number(m[1]) * { B: 1, kB: 1e3, MB: 1e6 }[m[2] ?? '']!,
  );
  assert.equal(sizes.length, 4);
  near(String(sizes.reduce((a, b) => a + b) / 1e6), du);
});

test('df -v shows each image, container, volume and cache entry', async () => {
  const line = new CommandLine({ env, cwd: folder });
  await line.ok('create', '--name', 'idle', '-v', 'large:/large', 'busybox');
  const { stdout } = await line.run(['system', 'df', '-v']);
  assert.match(
    stdout,
    /^Images space usage:\n\nREPOSITORY +TAG +IMAGE ID +CREATED +SIZE +SHARED SIZE +UNIQUE SIZE +CONTAINERS\nbusybox +latest +[0-9a-f]{12} .* 0B +\S+ +1\n/,
  );
  assert.match(stdout, /\nContainers space usage:\n\nCONTAINER ID .* NAMES\n[0-9a-f]{12} +busybox .* 0B .* Created +idle\n/);
  assert.match(stdout, /\nLocal Volumes space usage:\n\nVOLUME NAME +LINKS +SIZE\nlarge +1 +240MB\n/);
  assert.match(stdout, /\nBuild cache usage: 0B\n\nCACHE ID +CACHE TYPE +SIZE +CREATED +LAST USED +USAGE +SHARED\n/);
  const lists = JSON.parse(await line.ok('system', 'df', '-v', '--format', 'json')) as Record<string, Record<string, unknown>[]>;
  assert.deepEqual(Object.keys(lists), ['Images', 'Containers', 'Volumes', 'BuildCache']);
  assert.equal(await line.ok('system', 'df', '-v', '--format', '{{range .Volumes}}{{.Name}} {{.Size}}{{end}}'), 'large 240MB\n');
});
