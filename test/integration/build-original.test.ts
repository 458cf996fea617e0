// The original engine through the program: containers that stay, one layer of many, caches of images, and both engines side by side;
// and the shell that --debug opens where a step of the graph engine failed.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openShop } from '../support/shop.ts';
import { onTerminal } from '../support/terminal.ts';

const graph = openShop('original');
const shop = graph.with({ DOCKER_BUILDKIT: '0' });
const context = join(shop.folder, 'project');

const DOCKERFILE = `FROM busybox AS base
RUN echo base > /base
FROM base AS test
RUN echo testing
FROM base
COPY src /src
RUN rm /base /src/gone; echo kept > /kept
CMD ["cat", "/kept"]
`;

const put = (name: string, text: string): string => {
  writeFileSync(join(context, name), text);
  return join(context, name);
};
const lines = (text: string): string[] => text.split('\n').filter(Boolean);

before(async () => {
  await shop.ok('bootstrap', 'busybox');
  mkdirSync(join(context, 'src'), { recursive: true });
  put('Dockerfile', DOCKERFILE);
  put('src/gone', 'gone\n');
  put('src/here', 'here\n');
});
after(() => shop.close());

test('the container of a failed RUN can be looked into; --force-rm leaves none', async () => {
  const file = put('failing.Dockerfile', 'FROM busybox\nENV A=b\nRUN echo hello; touch /made; exit 3\n');
  const failed = await shop.run('build', '-f', file, context);
  assert.equal(failed.status, 3);
  const [id = ''] = lines((await shop.ok('ps', '-aq')).stdout);
  assert.match(failed.stderr, new RegExp(`slipway inspect ${id}`));
  assert.equal((await shop.ok('inspect', '--format', '{{.State.ExitCode}} {{.Path}}', id)).stdout, '3 /bin/sh\n');
  assert.equal((await shop.ok('logs', id)).stdout, 'hello\n');
  const exported = join(shop.folder, 'failed.tar');
  await shop.ok('export', '-o', exported, id);
  assert.match(spawnSync('tar', ['-tf', exported], { encoding: 'utf8' }).stdout, /^made$/m);
  await shop.ok('rm', id);
  assert.equal((await shop.run('build', '--force-rm', '-f', file, context)).status, 3);
  assert.equal((await shop.ok('ps', '-aq')).stdout, '');
});

test('RUN of an empty list runs the command of the image; the graph engine refuses it', async () => {
  const file = put('empty.Dockerfile', 'FROM busybox\nCMD ["sh", "-c", "echo ran > /ran"]\nRUN []\n');
  await shop.ok('build', '-t', 'empty-list', '-f', file, context);
  assert.equal((await shop.ok('run', '--rm', '--network', 'none', 'empty-list', 'cat', '/ran')).stdout, 'ran\n');
  const refused = await graph.run('build', '-f', file, context);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /failed to marshal LLB definition: arguments are required/);
  const none = await shop.run('build', '-f', put('none.Dockerfile', 'FROM busybox\nCMD []\nRUN []\n'), context);
  assert.notEqual(none.status, 0);
  assert.match(none.stderr, /no command specified/);
});

test('--rm=false keeps a container for each step, made or run', async () => {
  await shop.ok('build', '--rm=false', '--no-cache', '-t', 'kept', context);
  const rows = lines((await shop.ok('ps', '-a', '--format', '{{.Status}} {{.Command}}')).stdout);
  assert.equal(rows.filter((r) => r.startsWith('Exited (0)')).length, 3);
  assert.equal(rows.filter((r) => r.startsWith('Created') && r.includes('#(nop)')).length, 1);
  await shop.ok('rm', ...lines((await shop.ok('ps', '-aq')).stdout));
});

test('--squash: one layer upon the base, without what was removed on the way', async () => {
  await shop.ok('build', '--squash', '-t', 'squashed', context);
  const counts = async (name: string): Promise<number> =>
    lines((await shop.ok('image', 'inspect', '--format', '{{range .RootFS.Layers}}{{println .}}{{end}}', name)).stdout).length;
  // busybox, base, and all of the last stage as one
  assert.equal(await counts('squashed'), 3);
  assert.equal(await counts('kept'), 4);
  assert.equal(
    (await shop.ok('run', '--rm', '--network', 'none', 'squashed', 'sh', '-c', 'ls /src; ls /base; cat /kept')).stdout,
    'here\nkept\n',
  );
  assert.match((await shop.ok('history', '--no-trunc', 'squashed')).stdout, /merge sha256:[0-9a-f]{64} to sha256:[0-9a-f]{64}/);
});

test('--cache-from: layers of an image that came from elsewhere', async () => {
  const archive = join(shop.folder, 'images.tar');
  await shop.ok('build', '-t', 'app', context);
  await shop.ok('save', '-o', archive, 'app', 'busybox');
  const other = shop.elsewhere('other');
  await other.ok('load', '-q', '-i', archive);
  const { stdout } = await other.ok('build', '--cache-from', 'app', '--cache-from', 'nothing', '-t', 'again', context);
  assert.equal(stdout.match(/---> Using cache/g)?.length, 4, stdout);
  assert.match(stdout, /RUN echo testing\n ---> Running in/);
  assert.equal((await other.ok('run', '--rm', '--network', 'none', 'again')).stdout, 'kept\n');
  // without it, an image that was loaded is no cache
  assert.doesNotMatch((await shop.elsewhere('other').ok('build', '--no-cache', context)).stdout, /Using cache/);
});

test('--compare: both engines, what each ran and left', async () => {
  const { stdout, stderr } = await graph.ok('build', '--compare', '--no-cache', '--progress', 'plain', '-t', 'compared', context);
  assert.match(stdout, /^ +ORIGINAL +GRAPH\n/);
  assert.match(stdout, /^stages skipped +none +test$/m);
  assert.match(stdout, /^images left +\d+ +1$/m);
  assert.match(stderr, /== the original engine\nStep 1\/8 : FROM busybox AS base/);
  const runs = JSON.parse((await graph.ok('build', '--compare', '--format', 'json', '-q', context)).stdout) as {
    engine: string;
    stepsCached: number;
    size: number;
  }[];
  assert.deepEqual(
    runs.map((r) => r.engine),
    ['classic', 'graph'],
  );
  assert.equal(runs[0]?.size, runs[1]?.size);
});

const worker = process.env['SLIPWAY_WORKER'] === '1' && 'a worker has no terminal';

test('--debug: a shell in what the failed step left, with its mounts and environment', { skip: worker }, async () => {
  const secret = put('secret', 'hidden\n');
  const file = put(
    'debug.Dockerfile',
    'FROM busybox\nENV WHO=me\nRUN --mount=type=secret,id=s,target=/run/s echo wrote > /wrote; exit 4\n',
  );
  const args = ['build', '--debug', '--progress', 'plain', '--secret', `id=s,src=${secret}`, '-f', file, context];
  const piped = await graph.typing('cat /wrote /run/s; echo $WHO\n', ...args);
  assert.equal(piped.status, 1);
  assert.equal(piped.stdout, 'wrote\nhidden\nme\n');
  assert.match(piped.stderr, /\/bin\/sh in what it left; exit ends the build/);
  assert.match(piped.stderr, /exit code: 4/);
  const bin = join(import.meta.dirname, '../../bin/slipway');
  const typed = spawnSync(...onTerminal(`${bin} ${args.map((a) => `'${a}'`).join(' ')}`), {
    env: graph.env,
    input: 'test -t 0 && echo terminal-$WHO\nexit\n',
    encoding: 'utf8',
  });
  assert.match(typed.stdout, /terminal-me/);
});
