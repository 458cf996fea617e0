// Builds on builders elsewhere: the graph goes out as LLB, to a server of Slipway on a store of its own, and the image comes back.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { findExecutable } from '../../src/sys/index.ts';
import { type ApiServer, apiServer } from '../support/api-server.ts';
import { CommandLine, environmentOf } from '../support/command-line.ts';

let api: ApiServer;
let here: CommandLine;
let builder: string;

before(async () => {
  api = await apiServer();
  builder = `unix://${api.path}`;
  const cwd = join(api.folder, 'work');
  mkdirSync(join(cwd, 'base/bin'), { recursive: true });
  copyFileSync(findExecutable('busybox') as string, join(cwd, 'base/bin/sh'));
  chmodSync(join(cwd, 'base/bin/sh'), 0o755);
  writeFileSync(join(cwd, 'base/Dockerfile'), 'FROM scratch\nCOPY bin /bin\nENV PATH=/bin\nLABEL base=yes\n');
  here = new CommandLine({ env: environmentOf({ folder: cwd, root: join(api.folder, 'root2'), run: join(api.folder, 'run2') }), cwd });
  const there = new CommandLine({ env: api.environment, cwd });
  for (const line of [here, there]) await line.ok('build', '-q', '-t', 'base', 'base');
  mkdirSync(join(cwd, 'app/sub'), { recursive: true });
  for (const name of ['a', 'unused', 'sub/b', 'no.log']) writeFileSync(join(cwd, 'app', name), `${name}\n`);
  writeFileSync(join(cwd, 'app/.dockerignore'), '*.log\n');
  writeFileSync(
    join(cwd, 'app/Dockerfile'),
    `FROM base AS build
ARG V=1
WORKDIR /src
COPY a sub ./
RUN echo "v=$V" > /out && echo * > /list
RUN --mount=type=secret,id=s read x < /run/secrets/s && echo "$x" > /secret
COPY <<E /here
hello $V
E
FROM base AS test
RUN exit 1
FROM base
USER 5:6
WORKDIR /w
COPY --from=build --chown=7:8 --chmod=640 /out /list /secret /here /w/
CMD ["sh"]
`,
  );
  writeFileSync(join(cwd, 'secret'), 'top\n');
});
after(() => api.close());

const APP = ['--secret', 'id=s,src=secret', '--build-arg', 'V=9', 'app'];
const tree = async (image: string): Promise<string> => {
  await here.ok('save', '-o', 'x.tar', image);
  const script = `mkdir -p x && cd x && rm -rf ./* && tar -xf ../x.tar && for l in $(sed 's/.*"Layers":\\[//;s/\\].*//;s/[",]/ /g' manifest.json); do tar -tvf $l | awk '{print $1,$2,$3,$6}'; tar -xOf $l w 2>/dev/null; done | sort -u`;
  return execFileSync('sh', ['-c', script], { cwd: join(api.folder, 'work'), encoding: 'utf8' });
};

test('an image that is built elsewhere has the files and the configuration of one that is built here', async () => {
  await here.ok('build', '-t', 'local', ...APP);
  const { stderr, status } = await here.run(['build', '--progress', 'plain', '--builder', builder, '-t', 'remote', ...APP]);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /RUN echo "v=9"/);
  assert.doesNotMatch(stderr, /RUN exit 1/);
  assert.equal(await tree('remote'), await tree('local'));
  const config = (image: string): Promise<string> => here.ok('inspect', '-f', '{{json .Config}} {{.Os}}/{{.Architecture}}', image);
  assert.equal(await config('remote'), await config('local'));
  const again = await here.run(['build', '--progress', 'plain', '--builder', builder, '-t', 'remote', ...APP]);
  assert.match(again.stderr, /CACHED/);
});

test('repositories and files of the web are fetched by the builder', async () => {
  const files = join(api.folder, 'web');
  mkdirSync(join(files, 'repo/sub'), { recursive: true });
  writeFileSync(join(files, 'repo/sub/x'), 'from the repository\n');
  writeFileSync(join(files, 'plain'), 'from the web\n');
  const git = (...args: string[]): unknown =>
    execFileSync('git', ['-C', join(files, 'repo'), '-c', 'user.name=t', '-c', 'user.email=t@t', '-c', 'commit.gpgsign=false', ...args]);
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('commit', '-q', '-m', 'one');
  git('update-server-info');
  const server = createServer(({ url = '' }, response) => {
    const file = join(files, url.replace(/\?.*/, '').replace('repo.git', 'repo/.git'));
    if (!existsSync(file) || !statSync(file).isFile()) return void response.writeHead(404).end();
    response.end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  using undo = new DisposableStack();
  undo.defer(() => {
    server.close();
    server.closeAllConnections();
  });
  const web = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const text = `FROM base\nADD ${web}/repo.git#main:sub /w/repo/\nADD ${web}/plain /w/\nRUN cat /w/repo/x /w/plain > /w/both\n`;
  writeFileSync(join(api.folder, 'work/app/Elsewhere'), text);
  await here.ok('build', '-t', 'local2', '-f', 'app/Elsewhere', 'app');
  const { stderr, status } = await here.run(['build', '--builder', builder, '-t', 'remote2', '-f', 'app/Elsewhere', 'app']);
  assert.equal(status, 0, stderr);
  assert.match(await tree('remote2'), /w\/repo\/x/);
  assert.equal(await tree('remote2'), await tree('local2'));
});

test('a builder that cannot be reached is passed over, and when none can that is said', async () => {
  const gone = `unix://${api.folder}/gone.sock`;
  const passed = await here.run(['build', '--progress', 'plain', '--builder', `${gone},${builder}`, '-t', 'passed', ...APP]);
  assert.equal(passed.status, 0, passed.stderr);
  const { status, stderr } = await here.run(['build', '--builder', gone, ...APP]);
  assert.equal(status, 1);
  assert.match(stderr, /the builder unix:.*gone\.sock cannot be reached/);
});

test('a step that fails there fails the build here, with its output', async () => {
  writeFileSync(join(api.folder, 'work/app/Fail'), 'FROM base\nRUN echo because; exit 3\n');
  const { status, stderr } = await here.run(['build', '--progress', 'plain', '--builder', builder, '-f', 'app/Fail', 'app']);
  assert.equal(status, 1);
  assert.match(stderr, /because/);
  assert.match(stderr, /did not complete successfully: exit code: 3/);
});

for (const [what, args, pattern] of [
  ['an address over the network without TLS', ['--builder', 'tcp://192.0.2.1:1234'], /would be reached without TLS/],
  ['what is no address', ['--builder', 'gopher://x'], /is no address of a builder/],
] as const)
  test(`${what} is refused`, async () => {
    const { status, stderr } = await here.run(['build', ...args, ...APP]);
    assert.notEqual(status, 0);
    assert.match(stderr, pattern);
  });
