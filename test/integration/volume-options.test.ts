// Volumes that are no folder of the store: what `volume create -o` has mounted as them.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type CommandLine, commandLineOn } from '../support/command-line.ts';
import { type Fixture, fixture } from './container-fixture.ts';

let f: Fixture;
let line: CommandLine;
let source: string;
before(async () => {
  f = await fixture();
  line = commandLineOn(f);
  source = join(f.folder, 'source');
  mkdirSync(source);
  writeFileSync(join(source, 'file'), 'of the host\n');
});
after(() => f.dispose());

const slipway = (...args: string[]): Promise<string> => line.ok(...args);
const start = (name: string, ...words: string[]): Promise<string> => slipway('run', '-d', '--network', 'none', '--name', name, ...words);
const run = (volume: string, script: string): Promise<string> =>
  slipway('run', '--rm', '--network', 'none', '-v', volume, 'tiny', 'sh', '-c', script);
const create = (name: string, ...options: string[]): Promise<string> =>
  slipway('volume', 'create', ...options.flatMap((o) => ['-o', o]), name);

async function refused(args: readonly string[], message: string, status: number): Promise<void> {
  const answer = await line.run(args);
  assert.deepEqual([answer.status, answer.stderr.split('\n')[0]], [status, `error: ${message}`]);
}

test('a tmpfs: shared while it is used, empty afterwards', async () => {
  await create('memory', 'type=tmpfs', 'device=tmpfs', 'o=size=1m,uid=1000');
  assert.equal(
    await slipway('volume', 'inspect', '-f', '{{json .Options}}', 'memory'),
    '{"device":"tmpfs","o":"size=1m,uid=1000","type":"tmpfs"}\n',
  );
  assert.match(
    await run('memory:/seeded', 'grep " /seeded " /proc/mounts; ls /seeded; stat -c "%u %a" /seeded; touch /seeded/x'),
    /^tmpfs \/seeded tmpfs rw,.*size=1024k,uid=1000.*\n1000 1777\n$/,
  );
  assert.equal(await run('memory:/v', 'ls /v'), '');
  await start('first', '-v', 'memory:/v', 'tiny', 'sleep', '1000');
  await slipway('exec', 'first', 'touch', '/v/one');
  await start('second', '-v', 'memory:/v', 'tiny', 'sleep', '1000');
  assert.equal(await slipway('exec', 'second', 'ls', '/v'), 'one\n');
  await slipway('rm', '-f', 'first');
  assert.equal(await run('memory:/other:ro', 'ls /other; touch /other/x || echo refused'), 'one\nrefused\n');
  await slipway('rm', '-f', 'second');
  assert.equal(await run('memory:/v', 'ls /v'), '');
  assert.deepEqual(readdirSync(join(f.root, 'volumes', 'memory', '_data')), []);
});

test('containers that start at once share one tmpfs', async () => {
  const names = ['n1', 'n2', 'n3', 'n4'];
  await Promise.all(names.map((name) => start(name, '-v', 'memory:/v', 'tiny', 'sleep', '1000')));
  await Promise.all(names.map((name) => slipway('exec', name, 'touch', `/v/${name}`)));
  for (const name of names) assert.equal(await slipway('exec', name, 'ls', '/v'), names.map((n) => `${n}\n`).join(''));
  await slipway('rm', '-f', ...names);
  await slipway('volume', 'rm', 'memory');
});

test('a folder of the host: filled when it is empty, never removed with the volume', async () => {
  await create('host', 'type=none', `device=${source}`, 'o=bind');
  assert.equal(await run('host:/seeded', 'cat /seeded/file; ls /seeded; echo new > /seeded/new'), 'of the host\nfile\n');
  await slipway('create', '--network', 'none', '--name', 'idle', '-v', 'host:/tmp', 'tiny');
  await slipway('cp', 'idle:/tmp/new', 'taken');
  assert.ok(existsSync(join(f.folder, 'taken')));
  await slipway('rm', '-v', 'idle');
  await slipway('volume', 'rm', 'host');
  await create('fixed', 'type=none', `device=${source}`, 'o=bind,ro');
  assert.equal(await run('fixed:/v', 'cat /v/new; touch /v/x || echo refused'), 'new\nrefused\n');
  const empty = join(f.folder, 'empty');
  mkdirSync(empty);
  const mount = `type=volume,dst=/seeded,volume-opt=type=none,volume-opt=device=${empty},volume-opt=o=bind`;
  assert.equal(
    await slipway('run', '--rm', '--network', 'none', '--mount', mount, 'tiny', 'cat', '/seeded/inner/file'),
    'from the image\n',
  );
  assert.deepEqual(readdirSync(empty), ['inner']);
  await slipway('volume', 'prune', '-af');
  assert.deepEqual([readdirSync(source), readdirSync(empty)], [['file', 'new'], ['inner']]);
});

test('what cannot be mounted says so when a container wants it', async () => {
  const failing = async (reason: string, status: number, ...options: string[]): Promise<void> => {
    await create('bad', ...options);
    const target = join(f.root, 'volumes', 'bad', '_data');
    const message = `error while mounting volume '${target}': failed to mount local volume: mount ${reason.replace('TARGET', target)}`;
    await refused(['run', '--rm', '--network', 'none', '-v', 'bad:/v', 'tiny', 'true'], message, status);
    await slipway('volume', 'rm', 'bad');
  };
  await failing('/nosuch:TARGET, flags: 0x1000: no such file or directory', 127, 'type=none', 'device=/nosuch', 'o=bind');
  await failing('tmpfs:TARGET, data: bogus=1: invalid argument', 125, 'type=tmpfs', 'device=tmpfs', 'o=bogus=1');
});

for (const [options, message] of [
  ['foo=bar', 'invalid option: "foo"'],
  ['type=tmpfs', 'missing required option: "device"'],
  ['device=tmpfs', 'missing required option: "type"'],
  ['o=size=1m', 'missing required option: "device"'],
  ['size=1m', 'quota size requested but no quota support'],
] as const)
  test(`volume create -o ${options} is refused`, () =>
    refused(['volume', 'create', '-o', options, 'wrong'], `create wrong: ${message}`, 1));
