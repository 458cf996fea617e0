// Where else secrets come by: the original engine, registries, keys and tokens, records, attestations, caches and what is printed.
// None of them is in the store, in the folder of run-time state, in what is exported or printed, or in an argument list.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { findExecutable, removeTree } from '../../src/sys/index.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { leaks } from '../support/leaks.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { type Result, TestStore, scratch } from '../support/store.ts';

const store = new TestStore(scratch());
const context = join(store.folder, 'context');
const outside = join(store.folder, 'outside');
/** What leaves the store: images, caches, files. */
const exported = join(store.folder, 'exported');
const SECRET = 'zq7+secret/of:the build';
const PASSWORD = 'secret word';
const HTPASSWD = 'me:$2b$04$rsIBrBwZqUm6rGBC8Duo2.21YnFjzVKVAq3UbWXvN3eCbYVXPppeO\n';
const outputs: string[] = [];
let registry: TestRegistry;
let closed: TestRegistry;
let proxy: FaultProxy;
let guarded: string;

before(async () => {
  for (const folder of [context, outside, exported, store.root, store.run]) mkdirSync(folder, { recursive: true });
  Object.assign(store.env, { DOCKER_CONFIG: join(outside, 'docker'), TMPDIR: join(exported) });
  copyFileSync(findExecutable('busybox')!, join(context, 'busybox'));
  writeFileSync(join(outside, 'secret'), SECRET);
  registry = await startRegistry({ folder: join(outside, 'registry') });
  closed = await startRegistry({ folder: join(outside, 'closed'), htpasswd: HTPASSWD });
  proxy = new FaultProxy(closed.port);
  guarded = await proxy.start();
});
after(async () => {
  await proxy.stop();
  await Promise.all([registry.stop(), closed.stop()]);
  removeTree(store.folder);
});

const dockerfile = (...steps: string[]): void =>
  writeFileSync(join(context, 'Dockerfile'), ['FROM scratch', 'COPY busybox /bin/sh', 'COPY busybox /bin/', ...steps, ''].join('\n'));

/** Runs a command, and remembers what it printed. */
async function slipway(args: readonly string[], o: Parameters<TestStore['slipway']>[1] = {}): Promise<Result> {
  const result = await store.slipway(args, o);
  outputs.push(result.stdout, result.stderr);
  return result;
}

async function ok(args: readonly string[], o: Parameters<TestStore['slipway']>[1] = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await slipway(args, o);
  assert.equal(exitCode, 0, `slipway ${args.join(' ')}\n${stderr}${stdout}`);
  return stdout + stderr;
}

function nowhere(words: readonly string[], when: string, given?: (text: string) => boolean): void {
  const found = leaks(words, { folders: [store.root, store.run, exported], outputs, ...(given && { given }) });
  assert.deepEqual(found, [], when);
}

/** Waits until a command prints something; it is killed when the test ends. */
async function until(t: TestContext, pattern: RegExp, args: readonly string[], env: Record<string, string> = {}) {
  const child = store.start(args, { env });
  t.after(() => child.kill('SIGKILL'));
  const ended = once(child, 'close');
  let output = '';
  for await (const chunk of child.stderr!) if (pattern.test((output += String(chunk)))) break;
  assert.match(output, pattern);
  outputs.push(output);
  return { child, ended };
}

const NET = ['--network', 'none'];
const USED = [
  'RUN --mount=type=secret,id=one,env=TOKEN --mount=type=secret,id=one,target=/file busybox test "$TOKEN" = "$(busybox cat /file)"',
  'RUN --mount=type=secret,id=one,env=TOKEN busybox echo ${#TOKEN} >&2',
] as const;

test('the search finds what is there, in whatever form', () => {
  const folder = join(outside, 'forms');
  mkdirSync(folder);
  const word = 'needle of 1/2';
  const written = [`a${word}`, `xy${word}`, `${word}`].map((text) => Buffer.from(text).toString('base64'));
  const forms = [word, ...written, encodeURIComponent(word), gzipSync(`{${word}}`), zstdCompressSync(`{${word}}`)];
  for (const [i, form] of forms.entries()) writeFileSync(join(folder, String(i)), form);
  assert.equal(leaks([word], { folders: [folder] }).length, forms.length);
  assert.deepEqual(leaks(['noodle of 1'], { folders: [folder], outputs: ['needle of 1'] }), []);
  assert.equal(leaks(['needle of 1'], { folders: [], outputs: ['a needle of 1!'] }).length, 1);
});

test('records, attestations, caches, histories and everything that is printed', async () => {
  dockerfile(...USED);
  const given = ['--secret', `id=one,src=${outside}/secret`, '--no-cache', ...NET];
  const made = [
    ['--progress', 'plain', '-o', `type=oci,tar=false,dest=${exported}/layout`, '--provenance=mode=max', '--sbom=true'],
    ['--progress', 'rawjson', '--cache-to', `type=local,dest=${exported}/cache,mode=max,mounts=true`, '-t', 'app'],
    ['--progress', 'plain', '--cache-to', 'type=inline', '-t', `${registry.host}/app:1`, '--push', '--metadata-file', `${exported}/m.json`],
    ['--progress', 'plain', '--cache-to', `type=registry,ref=${registry.host}/app:cache,mode=max`, '-o', `${exported}/files`],
    ['--explain', '--progress', 'plain'],
    ['--plan'],
    ['--check'],
    ['--call', 'outline,format=json'],
  ];
  for (const args of made) await ok(['build', ...given, ...args, context]);
  await ok(['build', '--secret', 'id=one,env=VALUE', '--no-cache', ...NET, context], { env: { VALUE: SECRET } });
  // a step that fails prints what it was
  dockerfile(...USED, 'RUN --mount=type=secret,id=one,env=TOKEN busybox false "$TOKEN"');
  const failed = await slipway(['build', ...given, '--progress', 'plain', context]);
  assert.equal(failed.exitCode, 1);
  assert.match(failed.stderr, /busybox false "\*{4}"/);
  const ref = (await ok(['builder', 'history', 'ls', '-q'])).split('\n')[0]!;
  assert.match(ref, /^[a-z0-9/]{20,}$/);
  for (const args of [
    ['builder', 'history', 'ls'],
    ['builder', 'history', 'inspect', ref],
    ['builder', 'history', 'logs', ref],
    ['builder', 'du', '--verbose'],
    ['history', '--no-trunc', 'app'],
    ['image', 'inspect', 'app'],
    ['system', 'df', '-v'],
  ])
    await ok(args);
  nowhere([SECRET], 'after builds');
  const data = leaks([SECRET], { folders: [join(outside, 'registry')] });
  assert.deepEqual(data, [], 'in the registry');
});

test('killed in the middle of a step, and recovered by the next command', async (t) => {
  dockerfile(USED[0].replace(/busybox test.*/, 'busybox echo "it runs $((40 + 2))"; busybox sleep 1000'));
  const other = join(outside, 'other');
  mkdirSync(other);
  writeFileSync(join(other, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n');
  for (const [how, env] of [
    [`src=${outside}/secret`, {}],
    ['env=VALUE', { VALUE: SECRET }],
  ] as const) {
    const args = ['build', '--secret', `id=one,${how}`, '--no-cache', '--progress', 'plain', ...NET, context];
    const { child, ended } = await until(t, /it runs 42/, args, env);
    // the variable is the user's own, and of what stands for their command
    nowhere([SECRET], 'while it runs', (text) => text.includes(`VALUE=${SECRET}`));
    child.kill('SIGKILL');
    await ended;
    nowhere([SECRET], 'after SIGKILL');
    await ok(['build', '-q', ...NET, other]);
    await ok(['system', 'check']);
    nowhere([SECRET], 'recovered');
  }
});

test('the original engine refuses secrets and keys, and keeps the passwords of proxies out of images', async () => {
  const classic = { env: { DOCKER_BUILDKIT: '0' } };
  dockerfile('ARG HTTPS_PROXY', 'RUN busybox true');
  for (const flag of [
    ['--secret', `id=one,src=${outside}/secret`],
    ['--ssh', `default=${outside}/secret`],
  ]) {
    const refused = await slipway(['build', ...flag, ...NET, context], classic);
    assert.notEqual(refused.exitCode, 0);
    assert.match(refused.stderr, /buildkit/i);
  }
  dockerfile(USED[0]);
  const mounted = await slipway(['build', ...NET, context], classic);
  assert.notEqual(mounted.exitCode, 0);
  dockerfile('RUN busybox true');
  await ok(
    ['build', '-t', 'classic', '--build-arg', `HTTPS_PROXY=http://user:${encodeURIComponent(SECRET)}@proxy.invalid`, ...NET, context],
    classic,
  );
  await ok(['history', '--no-trunc', 'classic']);
  await ok(['image', 'inspect', 'classic']);
  nowhere([SECRET], 'after the builds');
});

test('passwords of registries are where Docker keeps them, and nowhere else', async (t) => {
  dockerfile('RUN busybox true');
  const name = `${guarded}/lab/app:1`;
  await ok(['build', '-q', '-t', name, ...NET, context]);
  await ok(['login', '-u', 'me', '--password-stdin', guarded], { input: `${PASSWORD}\n` });
  await ok(['push', name]);
  await ok(['rmi', name]);
  await ok(['pull', name]);
  await ok(['build', '--push', '-t', name, '--cache-to', `type=registry,ref=${guarded}/lab/app:cache,mode=max`, ...NET, context]);
  await ok(['build', '--no-cache', '--cache-from', `${guarded}/lab/app:cache`, ...NET, context]);
  await ok(['copy', name, `${registry.host}/copied:1`]);
  await ok(['manifest', 'inspect', name]);
  const wrong = await slipway(['login', '-u', 'me', '--password-stdin', guarded], { input: `not ${PASSWORD}` });
  assert.notEqual(wrong.exitCode, 0);
  nowhere([PASSWORD], 'afterwards');
  assert.equal(leaks([PASSWORD], { folders: [join(outside, 'docker')] }).length, 1, "Docker's own file has it");
  // in the middle
  for (const args of [
    ['pull', name],
    ['push', name],
  ]) {
    await ok(['rmi', '-f', name]);
    if (args[0] === 'push') {
      writeFileSync(join(context, 'other'), String(Math.random()));
      dockerfile('COPY other /');
      await ok(['build', '-q', '-t', name, ...NET, context]);
    }
    const reached = Promise.withResolvers<void>();
    proxy.fault = ({ path, headers }) => {
      if (headers.authorization === undefined || !/\/blobs\//.test(path)) return undefined;
      reached.resolve();
      return { kind: 'stall', after: 0 };
    };
    const child = store.start(args);
    t.after(() => child.kill('SIGKILL'));
    const ended = once(child, 'close');
    await reached.promise;
    nowhere([PASSWORD], `during ${args[0]}`);
    child.kill('SIGKILL');
    await ended;
    proxy.fault = () => undefined;
    await ok(['images']);
    nowhere([PASSWORD], `after ${args[0]} was killed`);
  }
});

test('private keys for --ssh', async (t) => {
  const key = join(outside, 'key');
  spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  const lines = readFileSync(key, 'utf8')
    .split('\n')
    .filter((line) => line.length === 70);
  assert.ok(lines.length > 2);
  // the last lines hold the secret part, as bytes too
  const bytes = Buffer.from(lines.slice(1).join(''), 'base64');
  assert.ok(bytes.length > 64);
  const words = lines.slice(2);
  dockerfile('RUN --mount=type=ssh,required busybox test -S $SSH_AUTH_SOCK; busybox echo "it runs $((40 + 2))"; busybox sleep 1000');
  const { child, ended } = await until(t, /it runs 42/, ['build', '--ssh', `default=${key}`, '--progress', 'plain', ...NET, context]);
  nowhere(words, 'while the step runs');
  child.kill('SIGKILL');
  await ended;
  await ok(['ps', '-a']);
  nowhere(words, 'after SIGKILL');
});

/** A server that asks for a header, and holds what is asked for until `release`. */
async function holding(t: TestContext, files: (path: string) => Buffer | undefined) {
  const asked: (string | undefined)[] = [];
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { authorization } = request.headers;
    if (authorization === undefined) return void response.writeHead(401, { 'www-authenticate': 'Basic' }).end();
    asked.push(authorization);
    reached.resolve();
    await released.promise;
    const body = files(new URL(request.url!, 'http://server').pathname);
    response.writeHead(body === undefined ? 404 : 200).end(body);
  };
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked, reached: reached.promise, release: released.resolve };
}

test('tokens for ADD and contexts by HTTP, and passwords in addresses', async (t) => {
  const file = (): Buffer => Buffer.from('FROM scratch\nCOPY <<E /f\nx\nE\n');
  writeFileSync(join(outside, 'token'), SECRET);
  const password = encodeURIComponent(SECRET);
  for (const [lines, args] of [
    [['ADD http://HOST/file /'], ['--secret', `id=HTTP_AUTH_TOKEN_127.0.0.1,src=${outside}/token`, context]],
    [['ADD http://HOST/file /'], ['--secret', `id=HTTP_AUTH_HEADER_127.0.0.1,src=${outside}/token`, context]],
    [[], ['--secret', `id=HTTP_AUTH_TOKEN_127.0.0.1,src=${outside}/token`, 'http://HOST/Dockerfile']],
    [[`ADD http://me:${password}@HOST/file /`], [context]],
    [[], [`http://me:${password}@HOST/Dockerfile`]],
  ] as const) {
    const server = await holding(t, file);
    dockerfile(...lines.map((line) => line.replace('HOST', server.host)));
    const all = [...args].map((arg) => arg.replace('HOST', server.host));
    const out = ['-o', `type=oci,tar=false,dest=${exported}/layout-${outputs.length}`, '--provenance=mode=max'];
    const building = slipway(['build', '--progress', 'rawjson', ...NET, ...out, ...all]);
    await server.reached;
    // the user's own argument
    nowhere([SECRET], 'while it is fetched', (text) => text.includes('\0build\0'));
    server.release();
    const { exitCode, stderr } = await building;
    assert.equal(exitCode, 0, stderr);
    await ok(['builder', 'history', 'ls', '--no-trunc', '--format', 'json']);
    // an address in a Dockerfile is text of the user's; what is kept of it has no password
    nowhere([SECRET], `after ${JSON.stringify(lines)}`);
  }
});

test('tokens and passwords of Git repositories', async (t) => {
  const repository = join(outside, 'repository');
  const git = (...args: string[]): void => {
    const { status, stderr } = spawnSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  };
  git('init', '-q', '-b', 'main', repository);
  writeFileSync(join(repository, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n');
  git('-C', repository, 'add', '.');
  git('-C', repository, 'commit', '-q', '-m', 'one');
  git('-C', repository, 'update-server-info');
  const file = (path: string): Buffer | undefined => {
    try {
      return readFileSync(join(repository, '.git', path.replace('/repo.git', '')));
    } catch {
      return undefined;
    }
  };
  const token = ['--secret', `id=GIT_AUTH_TOKEN,src=${outside}/secret`];
  const password = encodeURIComponent(SECRET);
  for (const [lines, args] of [
    [['ADD --keep-git-dir http://HOST/repo.git#main /r'], [...token, context]],
    [['ADD http://HOST/repo.git#main /r'], ['--secret', `id=GIT_AUTH_HEADER.HOST,src=${outside}/secret`, context]],
    [[], [...token, 'http://HOST/repo.git#main']],
    [[`ADD --keep-git-dir http://me:${password}@HOST/repo.git#main /r`], [context]],
    [[], [`http://me:${password}@HOST/repo.git#main`]],
  ] as const) {
    const server = await holding(t, file);
    dockerfile(...lines.map((line) => line.replace('HOST', server.host)));
    const all = [...args].map((arg) => arg.replace('HOST', server.host));
    const out = ['-o', `type=oci,tar=false,dest=${exported}/layout-${outputs.length}`, '--provenance=mode=max'];
    const building = slipway(['build', '--progress', 'plain', ...NET, ...out, ...all]);
    await server.reached;
    // git has it from its environment, which its user alone can read
    nowhere([SECRET], 'while it is fetched', (text) => text.includes('\0build\0') || text.includes('GIT_CONFIG_VALUE_0='));
    server.release();
    const { exitCode, stderr } = await building;
    assert.equal(exitCode, 0, stderr);
    nowhere([SECRET], `after ${JSON.stringify(lines)}`);
  }
});
