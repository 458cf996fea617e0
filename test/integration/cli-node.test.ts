// Slipway runs on Node, and nobody need know: what is meant for Slipway, or for a container, does not configure Node.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openShop } from '../support/shop.ts';

const shop = openShop('node');
before(() => shop.ok('bootstrap', 'busybox'));
after(() => shop.close());

test('options of Node are words like others', async () => {
  const help = execFileSync(process.execPath, ['--help'], { encoding: 'utf8' });
  const options = [...help.matchAll(/(?<=^ {2}(?:-\w, )?)--?\w[\w.-]*/gm)].map((m) => m[0]);
  assert.ok(options.length > 100 && options.includes('--env-file-if-exists'), options.join(' '));
  const words = [
    '-e',
    '-p',
    '-r',
    '--experimental-config-file=nosuch',
    ':--experimental-config-file',
    ...options.flatMap((o) => [o, `${o}=nosuch`]),
  ];
  assert.equal((await shop.ok('run', '--rm', 'busybox', 'printf', '%s\\n', ...words)).stdout, words.map((w) => `${w}\n`).join(''));
});

test('a file of variables configures the container alone', async () => {
  const file = join(shop.folder, 'env');
  writeFileSync(file, `SLIPWAY_ROOT=/nosuch\nNODE_OPTIONS=--nosuch\nNO_COLOR=1\n`);
  const { stdout } = await shop.ok('run', '--rm', '--env-file', file, 'busybox', 'env');
  assert.match(stdout, /^SLIPWAY_ROOT=\/nosuch\nNODE_OPTIONS=--nosuch\nNO_COLOR=1$/m);
});

test("the caller's settings of Node are handed on, not followed", async () => {
  const set = { NODE_OPTIONS: '--nosuch', NODE_DEBUG: 'fs', NODE_COMPILE_CACHE: '/nosuch', NODE_USE_ENV_PROXY: '1' };
  const names = [...Object.keys(set), 'SLIPWAY_LAUNCHER', 'SLIPWAY_OUTER', 'SLIPWAY_OUTER_NODE_OPTIONS'];
  const { stdout, stderr } = await shop.with(set).ok('run', '--rm', ...names.flatMap((n) => ['-e', n]), 'busybox', 'env');
  assert.equal(stderr, '');
  const got = stdout.split('\n').filter((line) => /^(NODE|SLIPWAY)_/.test(line));
  assert.deepEqual(
    got.sort(),
    Object.entries(set)
      .map(([k, v]) => `${k}=${v}`)
      .sort(),
  );
  const context = join(shop.folder, 'arg');
  mkdirSync(context);
  writeFileSync(join(context, 'Dockerfile'), 'FROM busybox\nARG NODE_OPTIONS\nRUN echo "[$NODE_OPTIONS]"\n');
  assert.match((await shop.with(set).ok('build', '--progress', 'plain', '--build-arg', 'NODE_OPTIONS', context)).stderr, /\[--nosuch\]/);
});
