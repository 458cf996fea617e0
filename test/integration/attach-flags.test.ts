// `run -a` and `--detach-keys`: which streams a client is connected with, and which keys are keys.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { parseDetachKeys } from '../../src/cli/detach-keys.ts';
import { type CommandLine, commandLineOn } from '../support/command-line.ts';
import { type Fixture, fixture } from './container-fixture.ts';

let f: Fixture;
let line: CommandLine;
before(async () => {
  f = await fixture();
  line = commandLineOn(f);
});
after(() => f.dispose());

const PROGRAM = ['tiny', 'sh', '-c', 'echo out; echo err >&2; read x; echo "x=$x"; exit 3'];

/** As Docker 28.5 does it, with `in` on standard input. */
const CASES: readonly (readonly [flags: string, stdout: string, stderr: string])[] = [
  ['', 'out\nx=\n', 'err\n'],
  ['-a stdout', 'out\nx=\n', ''],
  ['-a stderr', '', 'err\n'],
  ['-a stdout -a stderr', 'out\nx=\n', 'err\n'],
  ['-a stdin', '', ''],
  ['-a STDOUT', 'out\nx=\n', ''],
  ['-a stdin -a stdout', 'out\nx=\n', ''],
  ['-a stdin -i', '', ''],
  ['-i -a stdout', 'out\nx=in\n', ''],
  ['-i -a stdin -a stderr', '', 'err\n'],
  ['--attach=stdout', 'out\nx=\n', ''],
];
for (const [flags, stdout, stderr] of CASES)
  test(`run ${flags}`, async () => {
    const args = ['run', '--rm', '--network', 'none', ...flags.split(' ').filter(Boolean), ...PROGRAM];
    assert.deepEqual(await line.run(args, { input: 'in\n' }), { status: 3, stdout, stderr });
  });

test('what no stream is, and what cannot be together, is refused', async () => {
  const unknown = await line.run(['run', '-a', 'foo', 'tiny']);
  assert.equal(unknown.status, 125);
  assert.match(unknown.stderr, /invalid argument "foo" for "-a, --attach" flag: valid streams are STDIN, STDOUT and STDERR/);
  const both = await line.run(['run', '-d', '-a', 'stdout', 'tiny']);
  assert.equal(both.status, 1);
  assert.match(both.stderr, /conflicting options: cannot specify both --attach and --detach/);
});

/** AttachStdin, AttachStdout, AttachStderr, OpenStdin and StdinOnce in Docker. */
const INSPECTED = {
  '-i': 'true true true true true',
  '': 'false true true false false',
  '-d': 'false false false false false',
  '-a stdin -i': 'true false false true true',
  '-a stderr': 'false false true false false',
};
for (const [flags, expected] of Object.entries(INSPECTED))
  test(`inspect after run ${flags}`, async () => {
    await line.ok('run', '--name', 'seen', '--network', 'none', ...flags.split(' ').filter(Boolean), 'tiny', 'true');
    const fields = ['AttachStdin', 'AttachStdout', 'AttachStderr', 'OpenStdin', 'StdinOnce'].map((name) => `{{.Config.${name}}}`);
    assert.equal(await line.ok('inspect', '-f', fields.join(' '), 'seen'), `${expected}\n`);
    await line.ok('rm', '-f', 'seen');
  });

test('keys', () => {
  assert.deepEqual(parseDetachKeys('ctrl-p,ctrl-q'), [16, 17]);
  assert.deepEqual(parseDetachKeys('ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_'), [0, 27, 28, 29, 30, 31]);
  assert.deepEqual(parseDetachKeys('a,CTRL-Z,~'), [97, 26, 126]);
  assert.equal(parseDetachKeys(''), undefined);
  for (const bad of ['ab', 'ctrl-', 'ctrl-1', 'a,,b', 'ctrl-aa', 'é', ','])
    assert.throws(() => parseDetachKeys(bad), { code: 'cli.detach-keys', exitCode: 125 }, bad);
});

test('keys that are none are refused before anything begins', async () => {
  for (const command of [['run'], ['start', '-a'], ['attach'], ['exec']]) {
    await line.ok('create', '--name', 'idle', '--network', 'none', 'tiny', 'true');
    const { stderr } = await line.run([...command, '--detach-keys', 'ctrl-1', 'idle', ...(command[0] === 'exec' ? ['true'] : [])]);
    assert.match(stderr, /invalid argument "ctrl-1" for "--detach-keys" flag: unknown key "ctrl-1"/);
    await line.ok('rm', 'idle');
  }
});
