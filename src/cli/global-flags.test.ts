import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takeGlobalFlags } from './global-flags.ts';

function take(line: string): [rest: string, env: NodeJS.ProcessEnv] {
  const env: NodeJS.ProcessEnv = {};
  return [takeGlobalFlags(line.split(' '), env).join(' '), env];
}

test('flags before a command are taken off, in all of their spellings', () => {
  assert.deepEqual(take('images -q'), ['images -q', {}]);
  assert.deepEqual(take('-D images'), ['images', { SLIPWAY_DEBUG: '1' }]);
  assert.deepEqual(take('--debug=false images'), ['images', {}]);
  assert.deepEqual(take('--config /c images'), ['images', { DOCKER_CONFIG: '/c' }]);
  assert.deepEqual(take('--config=/c --log-level error -c default run x'), ['run x', { DOCKER_CONFIG: '/c' }]);
  assert.deepEqual(take('-ldebug ps'), ['ps', { SLIPWAY_DEBUG: '1' }]);
  assert.deepEqual(take('--context=default ps -a'), ['ps -a', {}]);
  assert.deepEqual(take('--tls=false ps'), ['ps', {}]);
  for (const words of ['--help', '-h', '--version', '-v']) assert.deepEqual(take(words), [words, {}]);
});

test('what cannot be honoured is refused with a reason', () => {
  for (const [line, code, exitCode, message] of [
    ['--nosuch ps', 'cli.flag', 125, 'unknown flag: --nosuch'],
    ['-x ps', 'cli.flag', 125, "unknown shorthand flag: 'x' in -x"],
    ['--config', 'cli.flag', 125, 'flag needs an argument: --config'],
    ['-c', 'cli.flag', 125, "flag needs an argument: 'c' in -c"],
    ['-l loud ps', 'cli.log-level', undefined, 'Unable to parse logging level: loud'],
    ['--context far ps', 'cli.context', undefined, 'context "far": context not found'],
    ['-H tcp://far:2375 ps', 'cli.daemon', 125, '--host is for talking to a daemon, and slipway needs none'],
    ['--tls ps', 'cli.daemon', 125, '--tls is for talking to a daemon, and slipway needs none'],
  ] as const)
    assert.throws(
      () => take(line),
      (e: { code: string; exitCode?: number; message: string }) => {
        assert.deepEqual([e.code, e.exitCode, e.message], [code, exitCode, message]);
        return true;
      },
    );
});
