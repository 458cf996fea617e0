import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuildArgs } from './args.ts';

const shown = (args: BuildArgs, env: string[] = []): string =>
  args
    .active(env)
    .map((a) => `${a.name}=${a.value}`)
    .join(' ');

test('an argument counts from its declaration on, in its stage only', () => {
  const args = new BuildArgs({ A: 'cli' }, new Map());
  const first = args.forStage();
  assert.equal(shown(first), '');
  first.declare('A', 'default');
  first.declare('B', 'b');
  first.declare('C', undefined);
  assert.equal(shown(first), 'A=cli B=b');
  assert.equal(shown(args.forStage()), '');
});

test('the environment of the image wins', () => {
  const args = new BuildArgs({ A: 'cli' }, new Map()).forStage();
  args.declare('A', undefined);
  assert.equal(shown(args, ['A=env']), '');
});

test('a bare declaration takes the value from before the first FROM', () => {
  const args = new BuildArgs({}, new Map([['A', 'meta']])).forStage();
  args.declare('A', undefined);
  assert.equal(shown(args), 'A=meta');
});

test('proxies need no declaration and are no part of what a command is', () => {
  const args = new BuildArgs({ HTTP_PROXY: 'x' }, new Map()).forStage();
  assert.equal(shown(args), 'HTTP_PROXY=x');
  assert.equal(args.counts('HTTP_PROXY'), false);
  args.declare('HTTP_PROXY', undefined);
  assert.equal(args.counts('HTTP_PROXY'), true);
});

test('what nobody declared is told', () => {
  const args = new BuildArgs({ A: '1', B: '2', NO_PROXY: 'x' }, new Map());
  args.forStage().declare('B', undefined);
  assert.deepEqual(args.unused(), ['A']);
});
