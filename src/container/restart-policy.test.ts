import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRestartPolicy, restartDelay, scheduleRestart, wantsRestart } from './restart-policy.ts';
import type { Container, ContainerState, RestartPolicy } from './types.ts';

const container = (restart: RestartPolicy | undefined, state: Partial<ContainerState> = {}): Container =>
  ({ request: { restart }, state: { status: 'running', pid: 0, exitCode: 0, error: '', ...state } }) as unknown as Container;
const policy = (name: RestartPolicy['name'], maximumRetries = 0): RestartPolicy => ({ name, maximumRetries });

test('which ended containers are started again', () => {
  const wants = (p: RestartPolicy | undefined, state: Partial<ContainerState> = {}): boolean => wantsRestart(container(p, state));
  assert.equal(wants(undefined, { exitCode: 1 }), false);
  assert.equal(wants(policy('no'), { exitCode: 1 }), false);
  assert.equal(wants(policy('always')), true);
  assert.equal(wants(policy('unless-stopped')), true);
  assert.equal(wants(policy('always'), { stopped: true }), false);
  assert.equal(wants(policy('on-failure')), false);
  assert.equal(wants(policy('on-failure'), { exitCode: 1, restarts: 1000 }), true);
  assert.equal(wants(policy('on-failure', 2), { exitCode: 1, restarts: 1 }), true);
  assert.equal(wants(policy('on-failure', 2), { exitCode: 1, restarts: 2 }), false);
});

test('the wait doubles up to a minute, and begins again after ten seconds of running', () => {
  const waits: number[] = [];
  for (let last: number | undefined; waits.length < 12; waits.push(last)) last = restartDelay(last, 9999);
  assert.deepEqual(waits, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000]);
  assert.equal(restartDelay(51_200, 10_000), 100);
  const c = container(policy('always'), { startedAt: 1000, finishedAt: 1500, restarts: 3, restartDelay: 400 });
  scheduleRestart(c, 2000);
  assert.deepEqual([c.state.restarts, c.state.restartDelay, c.state.restartAt], [4, 800, 2800]);
});

test('policies as they are written', () => {
  for (const [text, expected] of [
    ['', policy('no')],
    ['no', policy('no')],
    ['always', policy('always')],
    ['always:', policy('always')],
    ['unless-stopped', policy('unless-stopped')],
    ['on-failure', policy('on-failure')],
    ['on-failure:3', policy('on-failure', 3)],
  ] as const)
    assert.deepEqual(parseRestartPolicy(text), expected);
  const refused = (text: string, message: RegExp): void => assert.throws(() => parseRestartPolicy(text), { message, exitCode: 125 });
  refused('never', /unknown policy 'never'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'/);
  refused('on-failure:x', /maximum retry count must be an integer/);
  refused('on-failure:-1', /maximum retry count cannot be negative/);
  for (const text of ['always:3', 'no:2', 'unless-stopped:1']) refused(text, /can only be used with 'on-failure'/);
});
