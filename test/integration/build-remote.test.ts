// What builds take from elsewhere: files of a real web server, repositories of a real `git daemon`, both on loopback.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildClassic } from '../../src/builder/classic/index.ts';
import { openContextWord, openNamedWord } from '../support/contexts.ts';
import { buildGraph } from '../../src/builder/graph/index.ts';
import type { BuildJob, BuildResult } from '../../src/builder/types.ts';
import { openRootfs } from '../../src/builder/steps/index.ts';
import { sha256 } from '../../src/model/index.ts';
import { removeTree } from '../../src/sys/index.ts';
import { commandLines } from '../support/processes.ts';
import { type BuildFixture, buildFixture } from './build-fixture.ts';
import { memorySession } from '../support/session.ts';

let f: BuildFixture;
let server: Server;
let daemon: TcpServer;
let repositories = '';
let web = '';
let git = '';
/** What `/tagged` is, and how often it was sent. */
let version = { tag: '"1"', text: 'first' };
const sent: string[] = [];
/** Argument lists of the machine while a repository with a password was read. */
const commands: string[] = [];
/** What `/landed` was signed with. */
const landed: (string | undefined)[] = [];
/** Paths that were asked for. */
const asked: string[] = [];

before(async () => {
  f = buildFixture();
  server = createServer((request, response) => {
    const path = request.url!.split('?')[0]!;
    asked.push(path);
    if (path === '/moved') return void response.writeHead(302, { location: '/target.txt' }).end();
    if (path === '/missing') return void response.writeHead(404).end();
    if (path === '/cut') return void response.writeHead(200, { 'content-length': '100' }).write('short', () => request.socket.destroy());
    if (path === '/private')
      return void response.writeHead(request.headers.authorization === `Basic ${btoa('me:secret')}` ? 200 : 401).end('private');
    if (path === '/context.tar') return void response.end(execFileSync('tar', ['-cz', '-C', f.context, '.']));
    if (path === '/Dockerfile') return void response.end('FROM base\nRUN echo by URL > /by\n');
    if (path === '/tagged') {
      const { tag, text } = version;
      if (request.headers['if-none-match'] === tag) return void response.writeHead(304, { etag: tag }).end();
      sent.push(path);
      return void response.writeHead(200, { etag: tag, 'last-modified': 'Wed, 21 Oct 2015 07:28:00 GMT' }).end(text);
    }
    if (path === '/signed')
      return void response
        .writeHead(['Bearer t0ken', 'Custom h3ader'].includes(request.headers.authorization ?? '') ? 200 : 401)
        .end('signed');
    if (path === '/away') return void response.writeHead(302, { location: `${web.replace('127.0.0.1', 'localhost')}/landed` }).end();
    if (path === '/landed') landed.push(request.headers.authorization);
    if (path === '/broken') return void response.writeHead(503).end();
    if (path.startsWith('/locked/')) {
      if (request.headers.authorization?.replace(/^basic /i, '') !== btoa('me:pa55:word')) return void response.writeHead(401).end();
      commands.push(...commandLines());
      const file = join(repositories, path.slice('/locked/'.length));
      return existsSync(file) && statSync(file).isFile() ? void response.end(readFileSync(file)) : void response.writeHead(404).end();
    }
    if (path.startsWith('/dumb/')) {
      const file = join(repositories, path.slice('/dumb/'.length));
      return existsSync(file) && statSync(file).isFile() ? void response.end(readFileSync(file)) : void response.writeHead(404).end();
    }
    if (path === '/dated') response.setHeader('last-modified', 'Wed, 21 Oct 2015 07:28:00 GMT');
    response.end(`this is ${path}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  web = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  repositories = mkdtempSync('/dev/shm/slipway-git-');
  makeRepository(join(repositories, 'app'));
  // One process for each connection, so that the port is chosen by who listens on it.
  daemon = createTcpServer((socket) => {
    const { stdin, stdout } = spawn('git', ['daemon', '--inetd', '--export-all', `--base-path=${repositories}`, repositories], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    for (const end of [stdin, socket]) end.on('error', () => {}); // one that hangs up early
    socket.pipe(stdin);
    stdout.pipe(socket);
  });
  await new Promise<void>((resolve) => daemon.listen(0, '127.0.0.1', resolve));
  git = `git://127.0.0.1:${(daemon.address() as AddressInfo).port}`;
});

after(() => {
  daemon.close();
  server.close();
  server.closeAllConnections();
  removeTree(repositories);
  f.dispose();
});

const inRepository = (folder: string, ...args: string[]): string =>
  execFileSync('git', ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@t', '-c', 'commit.gpgsign=false', ...args], {
    encoding: 'utf8',
  }).trim();

function makeRepository(folder: string): void {
  mkdirSync(join(folder, 'sub/deep'), { recursive: true });
  inRepository(folder, 'init', '-q', '-b', 'main');
  writeFileSync(join(folder, 'file'), 'first');
  writeFileSync(join(folder, 'sub/deep/x'), 'x');
  writeFileSync(join(folder, 'Dockerfile'), 'FROM base\nCOPY file /file\n');
  symlinkSync('/etc', join(folder, 'out'));
  inRepository(folder, 'add', '-A');
  inRepository(folder, 'commit', '-q', '-m', 'one');
  inRepository(folder, 'tag', '-a', 'v1', '-m', 'v1');
  writeFileSync(join(folder, 'file'), 'second');
  inRepository(folder, 'commit', '-q', '-a', '-m', 'two');
}

type Build = (dockerfile: string, o?: Partial<BuildJob>) => Promise<BuildResult>;
const graph: Build = async (dockerfile, o) => buildGraph(f.env, await f.request(dockerfile, o));
const classic: Build = async (dockerfile, o) => buildClassic(f.env, await f.request(dockerfile, o));

/** Lets `fn` look at the files of an image. */
async function within<T>({ image }: BuildResult, fn: (at: (path: string) => string) => T): Promise<T> {
  using lease = f.env.leases.create();
  using view = openRootfs(f.env.layout, f.env.snapshots.view(await f.env.images.snapshot(image, lease)));
  return fn((path) => join(view.path, path));
}

const left = (): string[] => readdirSync(f.env.layout.ingest);

for (const [name, build] of [
  ['graph', graph],
  ['original', classic],
] as const) {
  test(`${name}: ADD of URLs`, async () => {
    const made = await build(`FROM base
ADD ${web}/a/plain.txt?x=1 ${web}/dated /many/
ADD --chown=1:2 ${web}/moved /one
ADD ${web}/archive.tar /kept/
`);
    await within(made, (at) => {
      assert.equal(readFileSync(at('many/plain.txt'), 'utf8'), 'this is /a/plain.txt');
      assert.deepEqual([statSync(at('many/plain.txt')).mode & 0o7777, statSync(at('many/plain.txt')).mtimeMs], [0o600, 0]);
      assert.equal(statSync(at('many/dated')).mtime.toISOString(), '2015-10-21T07:28:00.000Z');
      assert.equal(readFileSync(at('one'), 'utf8'), 'this is /target.txt');
      assert.deepEqual([statSync(at('one')).uid, statSync(at('one')).gid], [1, 2]);
      assert.ok(statSync(at('kept/archive.tar')).isFile());
    });
    assert.deepEqual(left(), []);
  });

  test(`${name}: a download that fails is told, and nothing of it is left`, async () => {
    await assert.rejects(build(`FROM base\nADD ${web}/missing /x\n`), { code: 'http.status', message: /status 404/ });
    await assert.rejects(build(`FROM base\nADD ${web}/cut /x\n`), { code: 'http.failed' });
    await assert.rejects(build('FROM base\nADD http://127.0.0.1:1/x /x\n'), { code: 'http.failed', message: /127\.0\.0\.1:1\/x/ });
    await assert.rejects(
      build(`FROM base\nADD ${web.replace('//', '//me:wrong@')}/private /x\n`),
      (e: Error) => !e.message.includes('wrong'),
    );
    await build(`FROM base\nADD ${web.replace('//', '//me:secret@')}/private /x\n`);
    assert.deepEqual(left(), []);
  });
}

test('ADD --checksum: verified, and enough to know that nothing changed', async () => {
  const right = sha256('this is /sum');
  const text = `FROM base\nADD --checksum=${right} ${web}/sum /x\n`;
  await graph(text);
  asked.length = 0;
  await graph(text);
  assert.deepEqual(asked, []);
  const wrong = right.replace(/.$/, (c) => (c === '0' ? '1' : '0'));
  await assert.rejects(graph(`FROM base\nADD --checksum=${wrong} ${web}/sum /x\n`), {
    code: 'add.checksum',
    message: `digest mismatch ${right}: ${wrong}`,
  });
  await assert.rejects(graph(`FROM base\nADD --checksum=sha256:1 ${web}/sum /x\n`), { code: 'add.checksum' });
  await assert.rejects(graph(`FROM base\nADD --checksum=${right} ${web}/sum ${web}/a /x/\n`), { code: 'add.checksum' });
  await assert.rejects(graph(`FROM base\nADD ${web}/a ${web}/b /x\n`), { code: 'copy.needs-directory' });
});

test('ADD of a URL that the server knows by a tag is fetched once for each version', async () => {
  const text = `FROM base\nADD ${web}/tagged /x\nRUN cat /x > /y\n`;
  const first = await graph(text);
  assert.equal((await graph(text)).image.id, first.image.id);
  assert.equal((await graph(text)).image.id, first.image.id);
  assert.deepEqual(sent, ['/tagged']);
  await within(first, (at) => assert.equal(statSync(at('x')).mtime.toISOString(), '2015-10-21T07:28:00.000Z'));
  // What is not in the cache of this build is fetched again.
  await within(await graph(`FROM base\nADD ${web}/tagged /elsewhere\n`), (at) =>
    assert.equal(readFileSync(at('elsewhere'), 'utf8'), 'first'),
  );
  version = { tag: '"2"', text: 'second' };
  const second = await graph(text);
  await within(second, (at) => assert.equal(readFileSync(at('y'), 'utf8'), 'second'));
  assert.equal(sent.length, 3);
  assert.deepEqual(left(), []);
});

test('secrets sign what is asked by HTTP, for their host alone', async () => {
  const secretsOf = (name: string, value: string) => memorySession({ secrets: { [name]: value } });
  const text = `FROM base\nADD ${web}/signed /x\n`;
  await graph(text, { session: secretsOf('HTTP_AUTH_TOKEN_127.0.0.1', 't0ken\n') });
  await graph(text, { session: secretsOf('HTTP_AUTH_HEADER_127.0.0.1', 'Custom h3ader'), noCache: true });
  await assert.rejects(graph(text, { session: secretsOf('HTTP_AUTH_TOKEN_localhost', 't0ken') }), {
    code: 'http.status',
    kind: 'permission-denied',
  });
  using context = await openContextWord(`${web}/signed`, {
    scratch: f.env.layout.ingest,
    session: secretsOf('HTTP_AUTH_HEADER_127.0.0.1', 'Custom h3ader'),
  });
  assert.equal(context.dockerfile().text, 'signed');
  await graph(`FROM base\nADD ${web}/away /x\n`, { session: secretsOf('HTTP_AUTH_TOKEN_127.0.0.1', 't0ken') });
  assert.deepEqual(landed, [undefined], 'no secret follows a redirect to another host');
  await assert.rejects(graph(`FROM base\nADD ${web}/broken /x\n`), { code: 'http.status', kind: 'unavailable' });
});

test('repositories with SHA-256, and submodules that plain files by HTTP give', async () => {
  const modern = join(repositories, 'modern');
  mkdirSync(modern);
  inRepository(modern, 'init', '-q', '-b', 'main', '--object-format=sha256');
  writeFileSync(join(modern, 'file'), 'by SHA-256');
  inRepository(modern, 'add', '-A');
  inRepository(modern, 'commit', '-q', '-m', 'one');
  const commit = inRepository(modern, 'rev-parse', 'HEAD');
  const parent = join(repositories, 'parent');
  makeRepository(parent);
  inRepository(join(repositories, 'app'), 'update-server-info');
  writeFileSync(join(parent, '.gitmodules'), `[submodule "app"]\n\tpath = app\n\turl = ${web}/dumb/app/.git\n`);
  inRepository(
    parent,
    'update-index',
    '--add',
    '--cacheinfo',
    `160000,${inRepository(join(repositories, 'app'), 'rev-parse', 'HEAD')},app`,
  );
  inRepository(parent, 'add', '.gitmodules');
  inRepository(parent, 'commit', '-q', '-m', 'a submodule');
  inRepository(parent, 'update-server-info');
  const made = await graph(`FROM base
ADD ${git}/modern /head
ADD ${git}/modern#${commit} /commit
ADD --keep-git-dir=true ${git}/modern#main /kept
ADD ${git}/parent /smart
ADD ${web}/dumb/parent/.git /dumb
ADD ${web}/dumb/parent/.git?submodules=false&branch=main /without
`);
  await within(made, (at) => {
    for (const name of ['head', 'commit', 'kept']) assert.equal(readFileSync(at(`${name}/file`), 'utf8'), 'by SHA-256');
    for (const name of ['smart', 'dumb']) assert.equal(readFileSync(at(`${name}/app/file`), 'utf8'), 'second');
    assert.deepEqual(readdirSync(at('without/app')), []);
  });
  assert.deepEqual(left(), []);
});

test('ADD of a repository: a branch, a tag, a folder, a commit', async () => {
  const commit = inRepository(join(repositories, 'app'), 'rev-parse', 'HEAD');
  const made = await graph(`FROM base
ADD ${git}/app /head
ADD ${git}/app#v1 /tag
ADD ${git}/app#main:sub /folder
ADD --keep-git-dir=true ${git}/app?branch=main&subdir=. /kept
ADD --checksum=${commit.slice(0, 8)} ${git}/app#main /sum
`);
  await within(made, (at) => {
    assert.equal(readFileSync(at('head/file'), 'utf8'), 'second');
    assert.deepEqual(readdirSync(at('head')).sort(), ['Dockerfile', 'file', 'out', 'sub']);
    assert.equal(readFileSync(at('tag/file'), 'utf8'), 'first');
    assert.equal(readFileSync(at('folder/deep/x'), 'utf8'), 'x');
    assert.ok(statSync(at('kept/.git')).isDirectory());
    assert.equal(statSync(at('head/file')).mode & 0o777, 0o644);
  });
  assert.deepEqual(left(), []);
});

test('a repository: what is not there is told', async () => {
  await assert.rejects(graph(`FROM base\nADD ${git}/app#nope /x\n`), { code: 'git.no-ref', message: /does not contain ref nope/ });
  await assert.rejects(graph(`FROM base\nADD ${git}/none /x\n`), { code: 'git.failed' });
  await assert.rejects(graph(`FROM base\nADD ${git}/app#main:nowhere /x\n`), { code: 'git.no-folder' });
  await assert.rejects(graph(`FROM base\nADD ${git}/app#main:out /x\n`), { code: 'git.no-folder' });
  await assert.rejects(graph(`FROM base\nADD --checksum=0123 ${git}/app /x\n`), { code: 'git.checksum' });
  await assert.rejects(graph(`FROM base\nADD ${git}/app?colour=red /x\n`), { code: 'git.address' });
  assert.deepEqual(left(), []);
});

test('contexts from elsewhere: a repository, an archive, a Dockerfile', async () => {
  f.put('Dockerfile', 'FROM base\nCOPY own /own\n');
  f.put('own', 'own');
  const o = { scratch: f.env.layout.ingest };
  const open = (word: string) => openContextWord(word, o);
  {
    using context = await open(`${git}/app#v1`);
    assert.match(context.dockerfile().text, /COPY file/);
    assert.equal(readFileSync(join(context.root, 'file'), 'utf8'), 'first');
  }
  {
    using context = await open(`${web}/context.tar`);
    const made = await graph(context.dockerfile().text, { context });
    await within(made, (at) => assert.equal(readFileSync(at('own'), 'utf8'), 'own'));
  }
  {
    using context = await open(`${web}/Dockerfile`);
    assert.match(context.dockerfile().text, /by URL/);
  }
  const named = await openNamedWord('n', `${git}/app#main:sub`, o);
  assert.ok(named.kind === 'directory');
  assert.equal(named.context, undefined, 'it is fetched once a stage needs it');
  assert.deepEqual(left(), []);
  assert.deepEqual(readdirSync((await named.open()).root), ['deep']);
  await named.dispose();
  assert.deepEqual(left(), []);
});

test('the password of a repository is sent, and is in no argument list and no configuration', async () => {
  inRepository(join(repositories, 'app'), 'update-server-info');
  const address = `${web.replace('http://', 'http://me:pa55%3Aword@')}/locked/app/.git#main`;
  const made = await graph(`FROM base\nADD --keep-git-dir=true ${address} /x\n`);
  await within(made, (at) => {
    assert.ok(existsSync(at('x/file')));
    assert.doesNotMatch(readFileSync(at('x/.git/config'), 'utf8'), /pa55/);
  });
  assert.ok(commands.some((line) => line.includes('git')));
  assert.deepEqual(
    commands.filter((line) => line.includes('pa55')),
    [],
  );
});
