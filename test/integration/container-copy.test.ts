// `cp` between containers and this machine: Docker's rules on names (28.5), and links that would lead elsewhere.
import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { removeTree } from '../../src/sys/index.ts';
import { type CommandLine, commandLineOn } from '../support/command-line.ts';
import { TestStore } from '../support/store.ts';
import { type Fixture, fixture } from './container-fixture.ts';

let f: Fixture;
let line: CommandLine;
let work: string;
before(async () => {
  f = await fixture();
  work = join(f.folder, 'work');
  line = commandLineOn(f, work);
  await line.ok('run', '-d', '--network', 'none', '-v', 'vol:/vol', '--name', 'c1', 'tiny', 'sleep', '1000');
});
after(() => f.dispose());
beforeEach(() => {
  removeTree(work);
  mkdirSync(join(work, 'd/sub'), { recursive: true });
  writeFileSync(join(work, 'f'), 'hello\n', { mode: 0o640 });
  writeFileSync(join(work, 'd/a'), 'in\n');
  writeFileSync(join(work, 'd/sub/b'), 's\n');
  symlinkSync('f', join(work, 'link'));
});

const cp = (...args: string[]): Promise<string> => line.ok('cp', ...args);
const inside = (script: string): Promise<string> => line.ok('exec', 'c1', 'sh', '-c', script);
async function refused(args: readonly string[], message: string): Promise<void> {
  const answer = await line.run(['cp', ...args]);
  assert.deepEqual([answer.status, answer.stderr.split('\n')[0]], [1, `error: ${message}`]);
}

test('into a container: where it goes, and as what', async () => {
  await inside('mkdir -p /to/e; ln -s /to /lt; ln -s /to/f /lf');
  await cp('f', 'c1:/to');
  assert.equal(await inside('stat -c "%u %g %a" /to/f; cat /to/f'), '0 0 640\nhello\n');
  await cp('f', 'c1:to/g');
  await cp('d', 'c1:/to');
  await cp('d', 'c1:/to/new');
  await cp('d/.', 'c1:/to/e');
  await cp('link', 'c1:/to/l1');
  await cp('-L', 'link', 'c1:/to/l2');
  await cp('f', 'c1:/lt/through');
  writeFileSync(join(work, 'f'), 'changed\n');
  await cp('f', 'c1:/lf');
  const found = await inside('cd /to; find . | sort; readlink l1; cat l2 f g; readlink /lf');
  assert.equal(
    found,
    `${'. ./d ./d/a ./d/sub ./d/sub/b ./e ./e/a ./e/sub ./e/sub/b ./f ./g ./l1 ./l2 ./new ./new/a ./new/sub ./new/sub/b ./through'.replaceAll(' ', '\n')}\nf\nhello\nchanged\nhello\n/to/f\n`,
  );
  await inside('rm -r /to /lt /lf');
});

test('out of a container', async () => {
  await inside('mkdir -p /from/sub; echo one > /from/f; echo two > /from/sub/b; chown 1000:1000 /from/f; ln -s /from/f /lf');
  await cp('c1:/from/f', '.');
  assert.deepEqual([readFileSync(join(work, 'f'), 'utf8'), statSync(join(work, 'f')).uid], ['one\n', 0]);
  await cp('-a', 'c1:/from/f', 'owned');
  assert.equal(statSync(join(work, 'owned')).uid, 1000);
  await cp('c1:/from', 'out');
  await cp('c1:/from', 'out');
  assert.deepEqual(readdirSync(join(work, 'out'), { recursive: true }).sort(), [
    'f',
    'from',
    'from/f',
    'from/sub',
    'from/sub/b',
    'sub',
    'sub/b',
  ]);
  await cp('c1:/from/.', 'd');
  assert.deepEqual(readdirSync(join(work, 'd')).sort(), ['a', 'f', 'sub']);
  await cp('c1:/lf', 'l1');
  assert.ok(lstatSync(join(work, 'l1')).isSymbolicLink());
  await cp('-L', 'c1:/lf', 'l2');
  assert.equal(readFileSync(join(work, 'l2'), 'utf8'), 'one\n');
  await inside('rm -r /from /lf');
});

test('what cannot be is refused, and changes nothing', async () => {
  await inside('mkdir -p /r/f; echo x > /r/file; mkdir /r/d2');
  await refused(['f', 'c1:/nope/g'], 'Could not find the file /nope in container c1');
  await refused(['f', 'c1:/nope/'], 'no such directory');
  await refused(['d', 'c1:/r/file'], 'cannot copy directory');
  await refused(['d/.', 'c1:/r/file'], 'cannot copy directory');
  await refused(['f', 'c1:/r/file/'], 'no such directory');
  await refused(['f/', 'c1:/r/q'], 'not a directory');
  await refused(['nofile', 'c1:/r'], `lstat ${work}/nofile: no such file or directory`);
  await refused(['f', 'c1:/r'], 'cannot overwrite directory "f" with non-directory "r/f"');
  await refused(['c1:/nope', 'out'], 'Could not find the file /nope in container c1');
  await refused(['c1:/r/file', '/nope/x'], 'invalid output path: directory "/nope" does not exist');
  await refused(['c1:/r', 'f'], 'cannot copy directory');
  await refused(['c1:/r/file', 'c1:/r/y'], 'copying between containers is not supported');
  await refused(['f', 'g'], 'must specify at least one container source');
  await refused(['nobody:/x', 'y'], 'No such container: nobody');
  await refused(['c1:/proc/self/status', 'x'], 'Could not find the file /proc/self/status in container c1');
  await refused(['c1:/dev/null', 'x'], 'Could not find the file /dev/null in container c1');
  assert.equal(await inside('find /r | sort'), '/r\n/r/d2\n/r/f\n/r/file\n');
});

test('- is a tar, both ways', async () => {
  const store = new TestStore(f.folder, f.root);
  await inside('mkdir -p /t/x; echo y > /t/x/.wh.y; echo z > /t/x/y');
  const out = join(f.folder, 'out.tar');
  writeFileSync(out, await store.ok(['cp', 'c1:/t/x', '-']));
  await inside('rm /t/x/y');
  const answer = await store.slipway(['cp', '-', 'c1:/t'], { input: readFileSync(out) });
  assert.equal(answer.exitCode, 0, answer.stderr);
  assert.equal(await inside('cat /t/x/y /t/x/.wh.y'), 'z\ny\n', 'no name hides another');
  assert.equal(
    (await store.slipway(['cp', '-', 'c1:/t/x/y'], { input: readFileSync(out) })).stderr,
    'error: destination "c1:/t/x/y" must be a directory\n',
  );
  assert.equal((await store.slipway(['cp', '-', 'c1:/t'], { input: 'junk' })).exitCode, 1);
});

test('links lead nowhere but inside, whatever they say', async () => {
  mkdirSync(join(f.folder, 'outside'), { recursive: true });
  const outside = join(f.folder, 'outside');
  writeFileSync(join(outside, 'secret'), 'of the host\n');
  await inside(`mkdir -p /h; ln -s ${outside} /h/abs; ln -s ../../../../../../..${outside} /h/rel; ln -s ${outside}/secret /h/file`);
  for (const path of ['/h/abs/secret', '/h/rel/secret']) assert.equal((await line.run(['cp', `c1:${path}`, 'stolen'])).status, 1, path);
  assert.equal((await line.run(['cp', '-L', 'c1:/h/file', 'stolen'])).status, 1);
  for (const path of ['/h/abs/new', '/h/rel/new', '/h/file']) await line.run(['cp', 'f', `c1:${path}`]);
  assert.deepEqual(readdirSync(outside), ['secret']);
  assert.equal(readFileSync(join(outside, 'secret'), 'utf8'), 'of the host\n');
  // a link that came out first, and then a folder of its name: it is not gone through
  await cp('c1:/h', 'twice');
  await inside('rm /h/abs; mkdir /h/abs; echo bad > /h/abs/new');
  assert.equal((await line.run(['cp', 'c1:/h/.', 'twice'])).status, 1);
  assert.deepEqual(readdirSync(outside), ['secret']);
});

test('volumes, and containers that do not run', async () => {
  await cp('f', 'c1:/vol/f');
  assert.equal(await inside('cat /vol/f'), 'hello\n');
  await line.ok('run', '--network', 'none', '--name', 'ended', '-v', 'vol:/vol', '-v', `${work}:/ro:ro`, 'tiny', 'true');
  await cp('ended:/vol/f', 'back');
  await cp('d', 'ended:/vol/d');
  await cp('d/a', 'ended:/work/own');
  await cp('ended:/work/own', 'own');
  assert.equal(readFileSync(join(work, 'own'), 'utf8'), 'in\n');
  assert.equal(await inside('cat /vol/d/sub/b'), 's\n');
  await refused(['f', 'ended:/ro/x'], 'mounted volume is marked read-only');
  assert.ok(!existsSync(join(work, 'x')));
  await line.ok('create', '--read-only', '--name', 'locked', '-v', 'fresh:/seeded', 'tiny');
  await refused(['f', 'locked:/x'], 'container rootfs is marked read-only');
  assert.equal((await line.run(['cp', 'f', 'locked:/seeded/x'])).status, 1, 'it is not filled yet');
  await line.ok('rm', 'ended', 'locked');
  assert.doesNotMatch(readFileSync('/proc/self/mounts', 'utf8'), /slipway-containers-.*mounts/);
});
