// Words of Docker that are missing are named as such; help, versions and the ends of commands that print little.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ENTRIES, findCommand } from '../../src/cli/commands/index.ts';
import { commandHelp, programHelp } from '../../src/cli/help.ts';
import { removeTree } from '../../src/sys/index.ts';
import { type Answer, CommandLine } from '../support/command-line.ts';
import { SLIPWAY } from '../support/store.ts';

const folder = mkdtempSync('/dev/shm/slipway-words-');
const env = {
  ...process.env,
  SLIPWAY_ROOT: join(folder, 'root'),
  SLIPWAY_RUN: join(folder, 'run'),
  SLIPWAY_SOURCES: process.env['SLIPWAY_SOURCES'] ?? '1',
};
const line = new CommandLine({ env, cwd: folder });
const slipway = (args: readonly string[], input = ''): Promise<Answer> => line.run(args, { input });
after(() => removeTree(folder));

test('a monitor that ends after its store was removed does not bring it back', async () => {
  const root = join(folder, 'removed');
  const { status, stderr } = await line.run(['container', 'cleanup', '0'.repeat(64)], { env: { SLIPWAY_ROOT: root } });
  assert.deepEqual([status, stderr, existsSync(root)], [0, '', false]);
});

test('help of the program and of groups is no failure', () => {
  for (const words of [[], ['--help'], ['image'], ['volume'], ['network', '--help']])
    assert.equal((findCommand(words) as { exitCode: number }).exitCode, 0);
});

test('help is as wide as the terminal: only a word that is longer than the column crosses it', async () => {
  const columns = 72;
  const pages: string[] = [];
  for (const entry of ENTRIES) {
    const page = commandHelp(entry.path, { ...(await entry.load()), examples: [] }, columns);
    pages.push(page.slice(page.indexOf('\nOptions:\n') + 1).split('\nExample:')[0] ?? '');
  }
  const tooWide = pages.flatMap((page) => page.split('\n')).filter((line) => line.length > columns && /^ {2}(?:-|  )/.test(line));
  assert.ok(tooWide.length > 0);
  assert.deepEqual(
    tooWide.filter((line) => line.slice(37).trim().includes(' ')),
    [],
  );
  assert.deepEqual(
    programHelp('image', columns)
      .split('\n')
      .filter((line) => line.length > columns),
    [],
  );
});

test('versions', async () => {
  assert.equal((await slipway(['version', '--format', '{{.Client.Os}} {{.Server.Os}}'])).stdout, 'linux linux\n');
  assert.equal(
    (await slipway(['version', '--format', '{{.Client.Version}}'])).stdout.trim(),
    (await slipway(['buildx', 'version'])).stdout.trim().replace('slipway ', ''),
  );
});

test('--progress quiet prints the ID', async () => {
  const { status, stdout } = await slipway(['build', '--progress', 'quiet', '-'], 'FROM scratch\nCMD ["x"]\n');
  assert.deepEqual([status, /^sha256:[0-9a-f]{64}\n$/.test(stdout)], [0, true]);
});

test('a pull of a well-known base that fails says how to make a stand-in', () => {
  // the launcher tells Node of proxies: without one that answers, no registry is reached
  const { status, stderr } = spawnSync(SLIPWAY, ['pull', 'node:18'], {
    env: { ...env, HTTPS_PROXY: 'http://127.0.0.1:1', https_proxy: 'http://127.0.0.1:1' },
    encoding: 'utf8',
  });
  assert.equal(status, 1);
  assert.match(stderr, /hint: make a stand-in from Debian packages: slipway bootstrap node:18\n/);
});

test('a push without a tag says which one it means', async () => {
  const { status, stdout, stderr } = await slipway(['push', 'nowhere.invalid/none']);
  assert.equal(status, 1);
  assert.equal(stdout, 'Using default tag: latest\nThe push refers to repository [nowhere.invalid/none]\n');
  assert.match(stderr, /An image does not exist locally with the tag: nowhere\.invalid\/none/);
});
