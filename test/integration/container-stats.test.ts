// `stats`: what a container uses, on a real one.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type CommandLine, commandLineOn } from '../support/command-line.ts';
import { type Fixture, fixture } from './container-fixture.ts';

let f: Fixture;
let line: CommandLine;
before(async () => {
  f = await fixture();
  line = commandLineOn(f);
});
after(() => f.dispose());

test('one that is busy, and one that does not run', async (t) => {
  if (!(await f.manager.runtime()).cgroups) return t.skip('no control groups here');
  await line.ok('run', '-d', '--network', 'none', '-m', '64m', '--name', 'busy', 'tiny', 'sh', '-c', 'while :; do :; done');
  await line.ok('create', '--network', 'none', '--name', 'made', 'tiny');
  const [head = '', row = ''] = (await line.ok('stats', '--no-stream')).split('\n');
  assert.match(head, /^CONTAINER ID +NAME +CPU % +MEM USAGE \/ LIMIT +MEM % +NET I\/O +BLOCK I\/O +PIDS$/);
  assert.match(row, /^[0-9a-f]{12} +busy +\d+\.\d\d% +[\d.]+[KM]iB \/ 64MiB +\d\.\d\d% +0B \/ 0B +[\d.]+k?M?B \/ [\d.]+k?M?B +1 *$/);
  const cpu = Number.parseFloat(await line.ok('stats', '--no-stream', '--format', '{{.CPUPerc}}', 'busy'));
  assert.ok(cpu > 0, `${cpu}`);
  const all = await line.ok('stats', '--no-stream', '-a', '--format', '{{.Name}} {{.PIDs}}');
  assert.deepEqual(all.trimEnd().split('\n').sort(), ['busy 1', 'made 0']);
  const { Container, ID, MemUsage } = JSON.parse(await line.ok('stats', '--no-stream', '--format', 'json', 'made')) as Record<
    string,
    string
  >;
  assert.deepEqual([Container, ID?.length, MemUsage], ['made', 12, '0B / 0B']);
  assert.equal((await line.run(['stats', '--no-stream', 'nobody'])).status, 1);
});
