// Flags of Docker's on images and builds: honoured as Docker does, or refused with a reason.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { findCommand } from '../../src/cli/commands/index.ts';
import { Database } from '../../src/store/index.ts';
import { removeTree } from '../../src/sys/index.ts';
import { CommandLine } from '../support/command-line.ts';

const folder = mkdtempSync('/dev/shm/slipway-images-');
const env = {
  PATH: process.env['PATH'],
  HOME: folder,
  SLIPWAY_ROOT: join(folder, 'root'),
  SLIPWAY_RUN: join(folder, 'run'),
  SLIPWAY_SOURCES: process.env['SLIPWAY_SOURCES'] ?? '1',
};
const line = new CommandLine({ env, cwd: folder });
const slipway = (...args: string[]): Promise<string> => line.ok(...args);

async function refused(args: readonly string[], status: number, message: string): Promise<void> {
  const answer = await line.run(args);
  assert.deepEqual([answer.status, answer.stderr.split('\n')[0]], [status, message]);
}

before(async () => {
  mkdirSync(join(folder, 'context'));
  writeFileSync(join(folder, 'context', 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\nLABEL a=b\n');
  const built = await line.run(['build', '-q', '--platform', 'linux/amd64', '-t', 'one:1', 'context']);
  assert.equal(built.status, 0, built.stderr);
  await slipway('tag', 'one:1', 'one:2');
});
after(() => removeTree(folder));

test('an image that is here must be for the platform that is asked for', async () => {
  assert.equal((await slipway('history', '-q', '--platform', 'linux/amd64', 'one:1')).split('\n').length, 3);
  assert.equal(await slipway('image', 'inspect', '--platform', 'amd64', '-f', '{{.Architecture}}', 'one:1'), 'amd64\n');
  await slipway('save', '--platform', 'linux/amd64', '-o', 'one.tar', 'one:1');
  assert.equal(await slipway('load', '--platform', 'linux/amd64', '-q', '-i', 'one.tar'), 'Loaded image: one:1\n');
  const other =
    'error: image with reference one:1 was found but its platform (linux/amd64) does not match the specified platform (linux/arm64)';
  for (const command of ['history', 'image inspect', 'save -o none.tar', 'rmi', 'push'])
    await refused([...command.split(' '), '--platform', 'linux/arm64', 'one:1'], 1, other);
  await refused(['load', '--platform', 'linux/arm64', '-i', 'one.tar'], 1, 'error: the archive has no image for platform linux/arm64');
  await refused(['history', '--platform', 'foo', 'one:1'], 1, 'error: "foo": unknown operating system or architecture: invalid argument');
});

test('an inspected image has the settings that Docker shows, set or not', async () => {
  const [image] = JSON.parse(await slipway('image', 'inspect', 'one:1')) as [Record<string, unknown>];
  assert.equal(Object.keys(image).at(-1), 'Config');
  const shown = { Cmd: null, Entrypoint: null, Labels: { a: 'b' }, OnBuild: null, User: '', Volumes: null, WorkingDir: '/' };
  const { Env: _, ...config } = image['Config'] as Record<string, unknown>;
  assert.deepEqual(config, shown);
  const unset = '{{.Config.Entrypoint}} {{.Config.Volumes}} {{.Config.User}}|{{.Config.StopSignal}}|{{.Config.Shell}}|{{.Variant}}';
  assert.equal(await slipway('inspect', '-f', unset, 'one:1'), '[] map[] ||[]|\n');
});

test('templates that cannot be read or applied end as in Docker; lists have a raw form', async () => {
  assert.equal((await line.run(['inspect', '-f', '{{.Id', 'one:1'])).status, 64);
  const { status, stdout } = await line.run(['inspect', '-f', '{{.Nope}}', 'one:1']);
  assert.deepEqual([status, stdout], [1, '\n']);
  assert.match(
    await slipway('images', '--format', 'raw', 'one:1'),
    /^repository: one\ntag: 1\nimage_id: [0-9a-f]{12}\ncreated_at: .*\nvirtual_size: \d+B\n\n$/,
  );
  assert.equal(
    await slipway('network', 'ls', '--format', 'raw', '-f', 'name=none').then((t) => t.replace(/id: .*/, 'id:')),
    'network_id:\nname: none\ndriver: null\nscope: local\n\n',
  );
});

test('images as a tree, by age, and by template although only IDs are asked for', async () => {
  assert.match(
    await slipway('images', '--tree', 'one'),
    /^U = in use\n\nIMAGE +ID +DISK USAGE +EXTRA\none:1 +[0-9a-f]{12} +\d+B +\none:2\n$/,
  );
  assert.equal(await slipway('images', '-q', '-f', 'until=1s', '-f', 'until=24h'), '');
  assert.equal(await slipway('images', '-q', '--format', '{{.Tag}}', 'one:1'), '1\n');
  await refused(['images', '--tree', '-q'], 1, 'error: --quiet is not yet supported with --tree');
  await refused(['images', '-f', 'dangling=maybe'], 1, "error: invalid filter 'dangling=[maybe]'");
  await refused(['tag', 'one:1', `two@sha256:${'a'.repeat(64)}`], 1, 'error: refusing to create a tag with a digest reference');
});

test('a digest belongs to its repository, and is shown where it is asked for', async () => {
  const id = (await slipway('images', '-q', '--no-trunc', 'one:1')).trim();
  const [ours, other] = [`sha256:${'a'.repeat(64)}`, `sha256:${'b'.repeat(64)}`];
  const db = Database.open(env.SLIPWAY_ROOT);
  db.transaction((sql) => {
    for (const [name, digest] of [
      ['docker.io/library/one', ours],
      ['far.example/app', other],
    ] as const)
      sql.run('INSERT INTO image_digests (name, digest, image_id) VALUES (?, ?, ?)', name, digest, id);
  });
  db.close();
  const rows = async (...args: string[]): Promise<string[]> => (await slipway('images', ...args)).trimEnd().split('\n').toSorted();
  const names = ['far.example/app <none>', 'one 1', 'one 2'];
  assert.deepEqual(await rows('--format', '{{.Repository}} {{.Tag}}'), names);
  assert.deepEqual(
    await rows('--format', '{{.Repository}} {{.Tag}} {{.Digest}}'),
    [0, 1, 2].map((n) => `${names[n]} ${n === 0 ? '<none>' : ours}`),
  );
  assert.deepEqual(
    await rows('--digests', '--format', '{{.Repository}} {{.Tag}} {{.Digest}}'),
    [0, 1, 2].map((n) => `${names[n]} ${n === 0 ? other : ours}`),
  );
  for (const row of await rows('--format', 'json')) assert.equal((JSON.parse(row) as { Digest: string }).Digest, '<none>');
});

test('flags of Docker that builds do without have a warning', async () => {
  const built = await line.run([
    'build',
    '-q',
    '--compress',
    '--security-opt',
    'x',
    '--isolation=default',
    '--disable-content-trust',
    'context',
  ]);
  assert.deepEqual(
    [built.status, built.stderr],
    [0, ['compress', 'isolation', 'security-opt'].map((name) => `WARNING: --${name} has no effect on a build\n`).join('')],
  );
  await refused(
    ['build', '--disable-content-trust=false', 'context'],
    125,
    'error: content trust is not supported: slipway verifies no signatures of Notary',
  );
  const files = await line.run(['build', '-q', '-o', 'type=local,dest=out', 'context']);
  assert.deepEqual([files.status, files.stdout], [0, '\n']);
});

test('the one builder is called default', async () => {
  assert.match((await line.run(['build', '--builder', 'default', '-D', '-q', 'context'])).stdout, /^sha256:/);
  assert.match(await slipway('buildx', '--builder', 'default', 'du'), /\nTotal:/);
  assert.equal((await slipway('buildx', 'ls', '--format', '{{.Name}} {{.DriverEndpoint}}')).split('\n')[0], 'default slipway');
  assert.match(await slipway('buildx', 'inspect', 'default'), /^Name: +default\nDriver: +slipway\n/);
  for (const args of ['build --builder far context', 'buildx use far', 'builder inspect far', 'buildx --builder=far prune -f'])
    await refused(args.split(' '), 1, 'error: no builder "far" found');
});

test('words between and before commands', async () => {
  assert.deepEqual(findCommand(['buildx', '-D', '--builder', 'default', 'build', '.']), {
    ...findCommand(['buildx', 'build']),
    rest: ['-D', '--builder=default', '.'],
  });
  assert.deepEqual(findCommand(['help', 'images']), { ...findCommand(['images']), rest: ['--help'] });
  assert.deepEqual(findCommand(['help', 'image']), { kind: 'help', group: 'image', exitCode: 0 });
  assert.deepEqual(findCommand(['buildx', 'imagetools']), { kind: 'help', group: 'buildx imagetools', exitCode: 0 });
  assert.throws(() => findCommand(['help', 'nosuch']), { message: 'unknown help topic: nosuch' });
  assert.throws(() => findCommand(['image', '--nosuch']), { message: 'unknown flag: --nosuch' });
  for (const words of ['buildx history export', 'builder history inspect attachment'])
    assert.throws(
      () => findCommand(words.split(' ')),
      (e: { message: string; hints: string[] }) =>
        e.message === `unknown command: slipway ${words}` && e.hints[0]?.startsWith(`docker ${words} is not supported: `) === true,
    );
});

test('builds on record and their cache by templates', async () => {
  assert.match(
    (await slipway('buildx', 'history', 'ls', '--format', '{{.Ref}} {{.Name}} {{.Status}}')).split('\n')[0] ?? '',
    /^\w{25} context Completed$/,
  );
  assert.match(
    await slipway('buildx', 'history', 'inspect', '--format', '{{.Status}} {{.NumTotalSteps}} {{.Dockerfile}}'),
    /^completed \d+ Dockerfile\n$/,
  );
  const [first = ''] = (await slipway('buildx', 'history', 'ls', '--format', 'json')).split('\n');
  for (const key of ['ref', 'name', 'status', 'created_at', 'completed_at', 'total_steps', 'completed_steps', 'cached_steps'])
    assert.ok(Object.hasOwn(JSON.parse(first) as object, key), key);
  assert.deepEqual(
    Object.keys(JSON.parse((await slipway('buildx', 'du', '--format', 'json')).split('\n')[0] ?? '') as object).join(' '),
    'CreatedAt Description ID LastUsedAt Mutable Parents Project Reclaimable Shared Size Type UsageCount',
  );
  assert.equal(await slipway('buildx', 'prune', '-f', '--reserved-space', '100gb', '--min-free-space', '1'), 'Total:\t0B\n');
  await refused(
    ['builder', 'history', 'logs', '--progress', 'rawjson'],
    1,
    'error: the log of a past build is kept as plain text, not as rawjson',
  );
});

test('system prune asks about all that goes, and names the filters', async () => {
  const question = (await line.run(['system', 'prune', '-a', '--volumes', '--filter', 'label!=keep'], { input: 'n\n' })).stdout;
  assert.equal(
    question,
    `WARNING! This will remove:
  - all stopped containers
  - all networks not used by at least one container
  - all anonymous volumes not used by at least one container
  - all images without at least one container associated to them
  - all build cache

  Items to be pruned will be filtered with:
  - label!=keep

Are you sure you want to continue? [y/N] `,
  );
  await slipway('network', 'create', 'unused');
  await slipway('volume', 'create');
  await slipway('volume', 'create', 'named');
  const done = await slipway('system', 'prune', '-f', '--volumes');
  assert.match(done, /^Deleted Networks:\nunused\n\nDeleted Volumes:\n[0-9a-f]{64}\n\n/);
  assert.equal(await slipway('volume', 'ls', '-q'), 'named\n');
  await refused(
    ['system', 'prune', '-f', '--volumes', '--filter', 'until=1h'],
    1,
    'error: the "until" filter is not supported with "--volumes"',
  );
  await refused(['system', 'prune', '-f', '--filter', 'foo=1'], 1, "error: invalid filter 'foo'");
});
