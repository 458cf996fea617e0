// `events`: each change of a container, an image, a network or a volume is reported, as Docker reports it; by the command line on real
// containers.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { execute } from '../../src/cli/execute.ts';
import { latestEvent, recordEvent } from '../../src/store/index.ts';
import { type CommandLine, commandLineOn, environmentOf } from '../support/command-line.ts';
import { SLIPWAY } from '../support/store.ts';
import { type Fixture, fixture } from './container-fixture.ts';

let f: Fixture;
let line: CommandLine;
let env: Record<string, string>;
before(async () => {
  f = await fixture();
  env = environmentOf(f);
  line = commandLineOn(f);
});
after(() => f.dispose());

const slipway = (...args: string[]): Promise<string> => line.ok(...args);
/** All so far, by a template. */
const past = async (template: string, ...filters: string[]): Promise<string[]> => {
  const text = await slipway('events', '--since', '1', '--until', '0s', '--format', template, ...filters.flatMap((one) => ['-f', one]));
  return text.split('\n').filter(Boolean);
};

test('the life of a container, event by event', async () => {
  await slipway('run', '-d', '--network', 'none', '--name', 'lived', '-v', 'kept:/data', '-l', 'a=b', 'tiny', 'sleep', '1000');
  await slipway('exec', 'lived', 'true');
  assert.equal((await line.run(['exec', 'lived', 'sh', '-c', 'exit 3'])).status, 3);
  await slipway('rename', 'lived', 'renamed');
  await slipway('kill', '-s', 'CONT', 'renamed');
  await slipway('restart', '-t', '0', 'renamed');
  await slipway('kill', 'renamed');
  await slipway('wait', 'renamed');
  await slipway('cp', 'renamed:/etc/passwd', `${f.folder}/passwd`);
  await slipway('rm', 'renamed');
  const actions = await past('{{.Action}}', 'type=container', 'label=a=b');
  assert.deepEqual(actions, [
    'create',
    'start',
    'exec_create: true ',
    'exec_start: true ',
    'exec_die',
    'exec_create: sh -c exit 3',
    'exec_start: sh -c exit 3',
    'exec_die',
    'rename',
    'kill',
    'kill',
    'kill',
    'stop',
    'die',
    'start',
    'restart',
    'kill',
    'die',
    'archive-path',
    'destroy',
  ]);
  assert.deepEqual(await past('{{.Actor.Attributes.signal}}', 'event=kill', 'label=a'), ['18', '15', '9', '9']);
  assert.deepEqual(await past('{{.Actor.Attributes.exitCode}}', 'event=die', 'label=a'), ['137', '137']);
  assert.deepEqual(await past('{{.Actor.Attributes.exitCode}}', 'event=exec_die'), ['0', '3']);
  assert.deepEqual(await past('{{.Actor.Attributes.name}} {{.Actor.Attributes.oldName}}', 'event=rename'), ['renamed /lived']);
  assert.deepEqual(await past('{{.Action}}', 'volume=kept'), ['create', 'mount', 'unmount', 'mount', 'unmount']);
  await slipway('volume', 'rm', 'kept');
  assert.deepEqual((await past('{{.Action}}', 'type=volume', 'volume=kept')).at(-1), 'destroy');
});

test('a line, and JSON, as Docker writes them', async () => {
  await slipway('run', '--rm', '--network', 'none', '--name', 'short', '-l', 'z=1', 'tiny', 'true');
  const lines = (await slipway('events', '--since', '1', '--until', '0s', '-f', 'container=short')).split('\n').filter(Boolean);
  assert.match(
    lines.find((one) => one.includes(' die ')) ?? '',
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(?:Z|[-+]\d\d:\d\d) container die [0-9a-f]{64} \(execDuration=0, exitCode=0, image=tiny, name=short, z=1\)$/,
  );
  assert.deepEqual(
    lines.map((one) => one.split(' ')[2]),
    ['create', 'attach', 'start', 'die', 'destroy'],
  );
  const json = (
    await slipway('events', '--since', '1', '--until', '0s', '-f', 'container=short', '-f', 'event=start', '--format', 'json')
  ).trim();
  assert.match(
    json,
    /^\{"status":"start","id":"[0-9a-f]{64}","from":"tiny","Type":"container","Action":"start","Actor":\{"ID":"[0-9a-f]{64}","Attributes":\{"image":"tiny","name":"short","z":"1"\}\},"scope":"local","time":\d{10},"timeNano":\d{19}\}$/,
  );
});

test('images: how they came, their names, and how they went', async () => {
  await slipway('tag', 'tiny', 'again:1');
  await slipway('rmi', 'again:1');
  await slipway('run', '--network', 'none', '--name', 'source', '-l', 'from=source', 'tiny', 'true');
  await slipway('commit', '-m', 'as it is', 'source', 'committed:1');
  await slipway('export', '-o', `${f.folder}/source.tar`, 'source');
  await slipway('import', '-c', 'LABEL b=c', `${f.folder}/source.tar`, 'imported:1');
  await slipway('save', '-o', `${f.folder}/imported.tar`, 'imported:1');
  await slipway('rmi', 'imported:1');
  await slipway('load', '-i', `${f.folder}/imported.tar`);
  await slipway('rmi', 'committed:1', 'imported:1');
  await slipway('rm', 'source');

  const [tiny] = await past('{{.ID}}', 'type=image');
  const actions = (id = ''): Promise<string[]> => past('{{.Action}} {{.Actor.Attributes.name}}', 'type=image', `image=${id}`);
  assert.deepEqual(await actions(tiny), [`create ${tiny}`, 'tag tiny:latest', 'tag again:1', `untag ${tiny}`]);
  const [commit] = await past('{{.Actor.Attributes.imageID}} {{.Actor.Attributes.comment}}', 'event=commit');
  const [committed] = commit!.split(' ', 1);
  assert.equal(commit, `${committed} as it is`);
  assert.deepEqual(await actions(committed), [`create ${committed}`, 'tag committed:1', `untag ${committed}`, `delete ${committed}`]);
  const [imported] = await past('{{.ID}}', 'event=import');
  const ofImported = await actions(imported);
  const words = ['tag imported:1', 'import ID', 'save ID', 'untag ID', 'delete ID', 'load ID', 'untag ID', 'delete ID'];
  assert.deepEqual(
    ofImported,
    words.map((one) => one.replace('ID', imported!)),
  );
  // labels are of the image
  assert.equal((await past('{{.Action}}', 'type=image', 'label=from=source')).length, 3);
  assert.equal((await past('{{.Action}}', 'type=image', 'label=b')).length, 6);
  assert.deepEqual(await past('{{.Action}} {{.Actor.Attributes.name}}', 'image=again'), ['tag again:1']);
});

test('networks: made, joined, left and removed', async () => {
  await slipway('network', 'create', 'own');
  await slipway('run', '--rm', '--network', 'own', '--name', 'member', 'tiny', 'true');
  await slipway('network', 'rm', 'own');
  assert.deepEqual(await past('{{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.type}}', 'network=own'), [
    'create own bridge',
    'connect own bridge',
    'disconnect own bridge',
    'destroy own bridge',
  ]);
  const [member] = await past('{{.ID}}', 'container=member');
  assert.deepEqual(await past('{{.Actor.Attributes.container}}', 'type=network', 'event=connect', 'network=own'), [member]);
});

test('what a prune removed, and that there was one', async () => {
  await slipway('volume', 'create', 'unused');
  await slipway('volume', 'prune', '-af');
  assert.deepEqual((await past('{{.Action}} {{.Actor.ID}}', 'type=volume')).slice(-2), ['destroy unused', 'prune ']);
  assert.match(
    (await past('{{json .}}', 'event=prune'))[0]!,
    /^\{"status":|^\{"Type":"volume","Action":"prune","Actor":\{"ID":"","Attributes":\{"reclaimed":"\d+"\}\}/,
  );
});

test('only the newest are kept', async () => {
  const { db } = f.manager.parts;
  const before = latestEvent(db);
  db.transaction((sql) => {
    for (let i = 0; i < 3000; i++) recordEvent(sql, { type: 'volume', action: 'mount', actor: `many${i}`, attributes: {} });
  });
  assert.equal(latestEvent(db), before + 3000);
  const kept = await past('{{.Actor.ID}}');
  assert.equal(kept.length, 2000);
  assert.equal(kept.at(-1), 'many2999');
});

test('a transaction that fails reports nothing', async () => {
  const { db } = f.manager.parts;
  const before = latestEvent(db);
  assert.throws(() =>
    db.transaction((sql) => {
      recordEvent(sql, { type: 'volume', action: 'create', actor: 'never', attributes: {} });
      throw new Error('no');
    }),
  );
  assert.equal(latestEvent(db), before);
});

for (const point of ['container.end-claimed', 'container.taken-back', 'container.files-removed'])
  test(`an end is reported once when the command that records it is killed at ${point}`, async () => {
    const name = point.replace('container.', '');
    const rm = point === 'container.files-removed' ? ['--rm'] : [];
    const crash = { ...env, SLIPWAY_CRASH_AT: point };
    const run = spawnSync(SLIPWAY, ['run', ...rm, '--name', name, '--network', 'none', 'tiny', 'true'], { env: crash, encoding: 'utf8' });
    assert.equal(run.signal, 'SIGKILL', run.stderr);
    await slipway('wait', name).catch(() => ''); // the next command sees to it; one with --rm is gone then
    await slipway('ps', '-a');
    const removal = rm.length > 0 ? ['destroy'] : [];
    assert.deepEqual(await past('{{.Action}}', `container=${name}`, 'type=container'), ['create', 'attach', 'start', 'die', ...removal]);
  });

test('what happens while it is waited for is shown at once, and an end is an end', async () => {
  const stop = new AbortController();
  const lines: string[] = [];
  const waiting = new Map<number, () => void>();
  const shown = (count: number): Promise<void> =>
    new Promise((resolve) => (lines.length >= count ? resolve() : waiting.set(count, resolve)));
  const stdout = {
    isTTY: false,
    write: (text: string | Uint8Array): void => {
      lines.push(String(text));
      waiting.get(lines.length)?.();
    },
  };
  await slipway('volume', 'create', 'followed1');
  const following = execute(
    { env, cwd: f.folder, stdin: process.stdin, stdout, stderr: process.stderr, signal: stop.signal, selfCommand: [SLIPWAY] },
    ['events', '--since', '1', '--format', '{{.Type}} {{.Action}} {{.Actor.ID}}', '-f', 'type=volume', '-f', 'volume=followed'],
  );
  await shown(1); // from here on it is sure to listen
  for (const name of ['followed2', 'other', 'followed3']) await slipway('volume', 'create', name);
  await shown(3);
  stop.abort();
  assert.equal(await following, 0);
  assert.deepEqual(lines, ['volume create followed1\n', 'volume create followed2\n', 'volume create followed3\n']);
});

test('it ends by itself at a time that is still to come', async () => {
  assert.equal(await slipway('events', '--until', String((Date.now() + 50) / 1000)), '');
});

test('what is wrong with a flag is said', async () => {
  assert.deepEqual(await line.run(['events', '-f', 'nothing=1']).then((r) => [r.status, r.stderr.split('\n')[0]]), [
    1,
    "error: invalid filter 'nothing'",
  ]);
  assert.equal((await line.run(['events', '-f', 'nothing'])).status, 125);
  assert.equal((await line.run(['events', '--since', 'yesterday'])).status, 1);
  assert.match(
    (await line.run(['events', '--since', '2', '--until', '1'])).stderr,
    /`since` time \(2\) cannot be after `until` time \(1\)/,
  );
  assert.match(
    (await line.run(['events', '--since', '1', '--until', '0s', '--format', '{{.Nothing}}'])).stderr,
    /^error: Error parsing format: /,
  );
});
