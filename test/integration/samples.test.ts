// The samples are what `slipway init` writes for their folders; all are parsed, checked and planned. `npm run samples` builds and runs them.
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { basesOf, SAMPLES } from '../../scripts/sample-list.ts';
import { parseDockerfile } from '../../src/dockerfile/index.ts';
import { removeTree } from '../../src/sys/index.ts';
import { CommandLine } from '../support/command-line.ts';

const samples = fileURLToPath(new URL('../../samples', import.meta.url));
const folder = mkdtempSync('/dev/shm/slipway-samples-');
const line = new CommandLine({
  env: {
    PATH: process.env['PATH'],
    HOME: folder,
    SLIPWAY_ROOT: join(folder, 'root'),
    SLIPWAY_RUN: join(folder, 'run'),
    BUILDKIT_PROGRESS: 'plain',
  },
  cwd: folder,
});
const textOf = (sample: string, file: string): string => readFileSync(join(samples, sample, file), 'utf8');

/** Images of nothing but what is copied out of one, under the names of those that Dockerfiles begin with: enough to check and to plan. */
async function standFor(names: readonly string[]): Promise<void> {
  for (const name of names) await line.ok('build', '-q', '-t', name, 'base');
}

before(async () => {
  mkdirSync(join(folder, 'base'));
  writeFileSync(join(folder, 'base', 'Dockerfile'), 'FROM scratch\nENV PATH=/bin\nCOPY Dockerfile /bin/busybox\n');
  await standFor([...new Set(SAMPLES.flatMap((s) => basesOf(textOf(s.name, 'Dockerfile'))))]);
});
after(() => removeTree(folder));

test('every folder is a sample of the list', () => {
  assert.deepEqual(
    readdirSync(samples).filter((name) => name !== 'README.md'),
    SAMPLES.map((s) => s.name).sort(),
  );
});

for (const { name, sdk } of SAMPLES) {
  const path = join(samples, name);

  test(`${name}: init writes its files`, async () => {
    const [dockerfile, ignore] = (await line.ok('init', '--print', '--language', name, path)).split('\n# --- .dockerignore ---\n\n');
    assert.equal(textOf(name, 'Dockerfile'), dockerfile);
    assert.equal(textOf(name, '.dockerignore'), ignore);
  });

  test(`${name}: stages, cache mounts, user, port, health check, versions`, () => {
    const text = textOf(name, 'Dockerfile');
    const { stages } = parseDockerfile(text);
    const production = stages.at(-1);
    const of = (kind: string): string[] => (production?.commands ?? []).filter((c) => c.kind === kind).map((c) => c.original);
    assert.equal(production?.name, 'production');
    for (const stage of ['test', 'development']) assert.ok(stages.some((s) => s.name === stage));
    assert.match(text, /--mount=type=cache,/);
    assert.match(of('USER').join(), /^USER [1-9]\d*:[1-9]\d*$/);
    assert.deepEqual(of('EXPOSE'), ['EXPOSE 80']);
    assert.equal(of('HEALTHCHECK').length, 1);
    const bases = basesOf(text);
    assert.ok(bases.includes(sdk));
    for (const base of bases) assert.match(base, /:.*\d|:bookworm/, `${base} is not pinned`);
    assert.ok(textOf(name, 'README.md').split('\n').length <= 25);
  });

  test(`${name}: checked without a warning, and planned`, async () => {
    assert.match(await line.ok('build', '--check', path), /no warnings found/);
    for (const target of ['production', 'test', 'development']) {
      const { nodes } = JSON.parse(await line.ok('build', '--plan=json', '--target', target, path)) as { nodes?: unknown[] };
      assert.ok(nodes === undefined || nodes.length > 0);
    }
  });
}

test('what the Node.js sample is built with in this checkout is what it asks for', () => {
  const wanted = (JSON.parse(textOf('node', 'package.json')) as { devDependencies: Record<string, string> }).devDependencies;
  const here = JSON.parse(readFileSync(join(samples, '..', 'package.json'), 'utf8')) as { devDependencies: Record<string, string> };
  for (const [name, version] of Object.entries(wanted)) assert.equal(here.devDependencies[name], version, name);
});

test('init checks as well where a sample has nothing of its kind', async () => {
  const projects: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    cmake: { 'CMakeLists.txt': 'add_executable(ship main.cc)' },
    yarn: { 'package.json': '{"dependencies":{"a":"1"},"scripts":{"build":"x"}}', 'yarn.lock': '' },
    pytest: { 'pyproject.toml': '[tool.pytest]', 'main.py': '' },
    plain: { 'index.php': '' },
    pages: { 'index.html': '' },
    django: { 'manage.py': '', 'requirements.txt': '' },
  };
  for (const [name, files] of Object.entries(projects)) {
    mkdirSync(join(folder, name));
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, name, file), text);
    await line.ok('init', name);
    await standFor(basesOf(readFileSync(join(folder, name, 'Dockerfile'), 'utf8')));
    assert.match(await line.ok('build', '--check', name), /no warnings found/, name);
  }
});

test('init overwrites nothing and follows no link', async () => {
  const own = join(folder, 'own');
  cpSync(join(samples, 'go'), own, { recursive: true });
  writeFileSync(join(own, 'Dockerfile'), 'mine');
  rmSync(join(own, '.dockerignore'));
  symlinkSync('elsewhere', join(own, '.dockerignore'));
  const both = await line.run(['init', 'own']);
  assert.equal(both.status, 1);
  assert.match(both.stderr, /error: both files are already here, and stay as they are/);
  assert.deepEqual([readFileSync(join(own, 'Dockerfile'), 'utf8'), existsSync(join(own, 'elsewhere'))], ['mine', false]);
  rmSync(join(own, '.dockerignore'));
  const one = await line.run(['init', 'own']);
  assert.equal(one.status, 0);
  assert.match(one.stderr, /recognised Go \(go\.mod\)\nDockerfile is already here/);
  assert.match(one.stdout, /^wrote \.dockerignore\n\nnext:\n {2}slipway build --check own\n/);
  const none = await line.run(['init', 'base']);
  assert.match(none.stderr, /error: no language was recognised in this folder\n\nhint: looked for go\.mod/);
  assert.match((await line.run(['init', 'nosuch'])).stderr, /there is no folder/);
});
