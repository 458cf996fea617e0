// `run -it` and `exec -it` under a real pseudo-terminal, which script(1) gives.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { removeTree } from '../../src/sys/index.ts';

const folder = mkdtempSync('/dev/shm/slipway-terminal-');
const bin = fileURLToPath(new URL('../../bin/slipway', import.meta.url));
const env = { ...process.env, SLIPWAY_ROOT: join(folder, 'root'), SLIPWAY_RUN: join(folder, 'run'), SLIPWAY_SOURCES: '1' };
const slipway = (...args: string[]) => spawnSync(bin, args, { env, encoding: 'utf8' });
/** On a terminal, with `input` typed into it. */
const typed = (command: string, input = '') =>
  spawnSync('script', ['-qec', `${bin} ${command}`, '/dev/null'], { env, encoding: 'utf8', input });

before(() => assert.equal(slipway('bootstrap', 'busybox').status, 0));
after(() => {
  slipway('rm', '-f', 'held');
  removeTree(folder);
});

test('run -it: the container has a terminal, and its exit code is ours', () => {
  const { stdout, status } = typed(`run --rm -it --network none busybox sh -c 'tty; test -t 0 && test -t 1 && exit 7'`);
  assert.match(stdout, /\/dev\/(?:pts\/\d+|console)/);
  assert.equal(status, 7);
});

test('run -it: what is typed reaches the program', () => {
  const { stdout, status } = typed(`run --rm -it --network none busybox sh -c 'read line; echo "got <$line>"'`, 'hello\n');
  assert.match(stdout, /got <hello>/);
  assert.equal(status, 0);
});

test('exec -it: another terminal in a running container', () => {
  assert.equal(slipway('run', '-d', '--name', 'held', '--network', 'none', 'busybox', 'sleep', '1000').status, 0);
  const { stdout, status } = typed(`exec -it held sh -c 'test -t 0 && echo terminal; exit 3'`);
  assert.match(stdout, /terminal/);
  assert.equal(status, 3);
});

test('-t where standard input is no terminal is refused', () => {
  const { status, stderr } = spawnSync(bin, ['run', '--rm', '-it', 'busybox', 'true'], { env, encoding: 'utf8', input: '' });
  assert.notEqual(status, 0);
  assert.match(stderr, /not a (?:TTY|terminal)/i);
});
