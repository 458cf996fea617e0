// What is done with containers that are there: restart, pause, rename, top, attach, start -a; by the command line on real containers.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CommandLine, commandLineOn } from '../support/command-line.ts';
import { TestStore } from '../support/store.ts';
import { type Fixture, fixture } from './container-fixture.ts';

let f: Fixture;
let line: CommandLine;
before(async () => {
  f = await fixture();
  line = commandLineOn(f);
});
after(() => f.dispose());

const slipway = (...args: string[]): Promise<string> => line.ok(...args);
const start = (name: string, ...words: string[]): Promise<string> => slipway('run', '-d', '--network', 'none', '--name', name, ...words);
const inspect = (name: string, template: string): Promise<string> => slipway('inspect', '-f', template, name);

async function refused(args: readonly string[], message: string, status = 1): Promise<void> {
  const answer = await line.run(args);
  assert.deepEqual([answer.status, answer.stderr.split('\n')[0]], [status, `error: ${message}`]);
}

test('pause stops a container where it is; nothing runs in it until unpause', async (t) => {
  const id = (await start('paused', 'tiny', 'sh', '-c', 'while :; do sleep 1; done')).trim();
  if (!(await f.manager.runtime()).cgroups) return t.skip('no control groups here');
  assert.equal(await slipway('pause', 'paused'), 'paused\n');
  await refused(['pause', 'paused'], `Container ${id} is already paused`);
  await refused(['exec', 'paused', 'true'], 'Container paused is paused, unpause the container before exec');
  await refused(['attach', 'paused'], 'You cannot attach to a paused container, unpause it first');
  assert.match(await slipway('ps', '--format', '{{.Status}}|{{.State}}', '-f', 'status=paused'), /^Up .* \(Paused\)\|paused\n$/);
  assert.equal(await slipway('ps', '-q', '-f', 'status=running', '-f', 'name=paused'), '');
  assert.equal(await inspect('paused', '{{.State.Status}} {{.State.Running}} {{.State.Paused}}'), 'paused true true\n');
  assert.equal(await slipway('unpause', 'paused'), 'paused\n');
  await refused(['unpause', 'paused'], `Container ${id} is not paused`);
  assert.equal(await slipway('exec', 'paused', 'echo', 'on'), 'on\n');
  await slipway('pause', 'paused');
  assert.equal(await slipway('kill', 'paused'), 'paused\n');
  assert.equal(await slipway('wait', 'paused'), '137\n');
  assert.equal(await inspect('paused', '{{.State.Status}} {{.State.Paused}}'), 'exited false\n');
  await slipway('start', 'paused');
  await slipway('pause', 'paused');
  assert.equal(await slipway('rm', '-f', 'paused'), 'paused\n');
});

test('restart: another process, the same container; also of one that does not run', async () => {
  await start('again', 'tiny', 'sleep', '1000');
  const before = await inspect('again', '{{.State.Pid}}');
  assert.equal(await slipway('restart', '-t', '0', 'again'), 'again\n');
  assert.notEqual(await inspect('again', '{{.State.Pid}}'), before);
  await slipway('kill', 'again');
  await slipway('wait', 'again');
  await slipway('restart', 'again');
  assert.equal(await inspect('again', '{{.State.Status}}'), 'running\n');
  await slipway('rm', '-f', 'again');
  await refused(['restart', 'again'], 'No such container: again');
});

test('stop with a signal of its own', async () => {
  await start('asked', 'tiny', 'sh', '-c', 'trap "exit 8" HUP; echo ready; while :; do sleep 0.05; done');
  while (!(await slipway('logs', 'asked')).includes('ready')) await sleep(10);
  assert.equal(await slipway('stop', '--signal', 'HUP', 'asked'), 'asked\n');
  assert.equal(await inspect('asked', '{{.State.ExitCode}}'), '8\n');
  await slipway('rm', 'asked');
});

test('rename', async () => {
  await slipway('create', '--name', 'one', 'tiny');
  await slipway('create', '--name', 'two', 'tiny');
  await refused(['rename', 'one', 'one'], 'Renaming a container with the same name as its current name');
  const { status, stderr } = await line.run(['rename', 'one', 'two']);
  assert.equal(status, 1);
  assert.match(stderr, /The container name "\/two" is already in use by container/);
  assert.equal((await line.run(['rename', 'one', 'a b'])).status, 1);
  assert.equal(await slipway('rename', 'one', 'three'), '');
  assert.equal(await inspect('three', '{{.Name}}'), '/three\n');
  await refused(['rename', 'one', 'four'], 'No such container: one');
  await slipway('rm', 'two', 'three');
});

test('top: the processes of a container and no others', async () => {
  const id = (await start('busy', 'tiny', 'sh', '-c', 'sleep 1001 & sleep 1002; true')).trim();
  let rows: string[];
  const commands = (): string[] => rows.slice(1).map((row) => row.slice(140).trim());
  do rows = (await slipway('top', 'busy')).trimEnd().split('\n');
  while (!commands().includes('sleep 1001') || !commands().includes('sleep 1002')); // its shell starts them one by one
  assert.match(rows[0]!, /^UID {17}PID {17}PPID {16}C /);
  assert.deepEqual(commands().sort(), ['sh -c sleep 1001 & sleep 1002; true', 'sleep 1001', 'sleep 1002']);
  assert.match(await slipway('top', 'busy', '-o', 'pid,comm'), /^PID {17}COMMAND\n(?:\d+ +(?:sh|busybox|sleep)\n){3}$/);
  await refused(['top', 'busy', '-o', 'comm'], "Couldn't find PID field in ps output");
  await slipway('kill', 'busy');
  await slipway('wait', 'busy');
  await refused(['top', 'busy'], `container ${id} is not running`);
  await slipway('rm', 'busy');
});

test('attach: output from now on, the exit code; the container stays', async () => {
  await slipway('create', '--network', 'none', '-i', '--name', 'client', 'tiny', 'sh', '-c', 'read x; echo "got $x"; exit 4');
  await slipway('start', 'client');
  const store = new TestStore(f.folder, f.root);
  const answer = await store.slipway(['attach', 'client'], { input: 'this\n' });
  assert.deepEqual([answer.exitCode, answer.stdout], [4, 'got this\n']);
  assert.equal(await slipway('logs', '--details', 'client'), ' got this\n');
  await refused(['attach', 'client'], 'You cannot attach to a stopped container, start it first');
  await slipway('rm', 'client');
});

test('start -a and -ai', async () => {
  await slipway('create', '--network', 'none', '--name', 'shown', 'tiny', 'sh', '-c', 'echo out; echo err >&2; exit 5');
  for (let round = 0; round < 2; round++)
    assert.deepEqual(await line.run(['start', '-a', 'shown']), { status: 5, stdout: 'out\n', stderr: 'err\n' });
  await slipway('create', '--network', 'none', '-i', '--name', 'fed', 'tiny', 'cat');
  assert.deepEqual(await line.run(['start', '-ai', 'fed'], { input: 'in\n' }), { status: 0, stdout: 'in\n', stderr: '' });
  await refused(['start', '-a', 'shown', 'fed'], 'you cannot start and attach multiple containers at once');
  await slipway('create', '--network', 'none', '--name', 'missing', 'tiny', 'nosuch');
  await refused(['start', '-a', 'missing'], 'unable to start container process: exec: "nosuch": executable file not found in $PATH');
  await slipway('rm', 'shown', 'fed', 'missing');
});

test('exec with a folder or a program that is missing; nobody waits for one in the background', async () => {
  await slipway('run', '-d', '--network', 'none', '--name', 'host', 'tiny', 'sleep', '1000');
  const cwd = (path: string, why: string): string =>
    `OCI runtime exec failed: exec failed: unable to start container process: chdir to cwd ("${path}") set in config.json failed: ${why}`;
  await refused(['exec', '-w', '/nosuch', 'host', 'pwd'], cwd('/nosuch', 'no such file or directory'), 127);
  await refused(['exec', '-w', '/etc/passwd', 'host', 'pwd'], cwd('/etc/passwd', 'not a directory'), 127);
  await refused(['exec', '-w', 'rel', 'host', 'pwd'], 'OCI runtime exec failed: exec failed: Cwd must be an absolute path', 128);
  const missing = 'unable to start container process: exec: "nosuch": executable file not found in $PATH';
  await refused(['exec', 'host', 'nosuch'], missing, 127);
  await refused(['exec', '-d', 'host', 'nosuch'], missing, 1);
  await refused(['exec', '-d', '-w', '/nosuch', 'host', 'pwd'], cwd('/nosuch', 'no such file or directory'), 1);
  await refused(['exec', '-d', 'host', '/etc'], 'unable to start container process: exec: "/etc": is a directory: permission denied', 1);
  await slipway('rm', '-f', 'host');
});

test('a program that the kernel cannot start has run: its log says why, and it exits with 255', async () => {
  const why = 'exec /script: no such file or directory';
  const begun = await line.run(['run', '-d', '--network', 'none', '--name', 'loaderless', 'tiny', '/script']);
  assert.equal(begun.status, 0);
  assert.match(begun.stderr, /^WARNING: exec \/script: no such file or directory; \/script is there, but not \/nosuch\/sh/);
  const state = '{{.State.Status}} {{.State.ExitCode}} [{{.State.Error}}]';
  assert.equal(await slipway('inspect', '-f', state, 'loaderless'), 'exited 255 []\n');
  assert.equal((await line.run(['logs', 'loaderless'])).stderr, `${why}\n`);
  assert.equal((await line.run(['start', 'loaderless'])).status, 0);
  await refused(['start', '-a', 'loaderless'], why, 255);
  assert.equal((await line.run(['logs', 'loaderless'])).stderr, `${why}\n`.repeat(3));
  await slipway('rm', 'loaderless');
  assert.equal((await line.run(['run', '-d', '--rm', '--network', 'none', 'tiny', '/script'])).status, 0);
  assert.equal(await slipway('ps', '-aq'), '');
});

test('what Docker puts into every container is there, and is no change of it', async () => {
  await slipway('run', '-d', '--network', 'none', '--name', 'marked', 'tiny', 'sleep', '1000');
  assert.equal(await slipway('exec', 'marked', 'readlink', '/etc/mtab'), '/proc/mounts\n');
  assert.equal(await slipway('exec', 'marked', 'stat', '-c', '%a %s %F', '/.dockerenv'), '755 0 regular empty file\n');
  assert.equal(await slipway('diff', 'marked'), 'A /work\n'); // its working directory
  assert.match(await slipway('ps', '-s', '--format', '{{.Size}}', '-f', 'name=marked'), /^0B \(virtual /);
  await slipway('rm', '-f', 'marked');
});

test('logs -t has times in UTC', async () => {
  await slipway('run', '--network', 'none', '--name', 'timed', 'tiny', 'echo', 'out');
  assert.match(await slipway('logs', '-t', 'timed'), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z out\n$/);
  await slipway('rm', 'timed');
});
