// Details in which the engines follow Docker, and each other only where Docker's do: each was looked up with Docker Engine 28.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setXattr } from '../../src/sys/index.ts';
import { openShop, type Shop } from '../support/shop.ts';

let graph: Shop;
let classic: Shop;
let made = 0;

before(async () => {
  const shop = openShop('build-details');
  await shop.ok('bootstrap', 'busybox');
  graph = shop.with({ DOCKER_BUILDKIT: '1' });
  classic = shop.with({ DOCKER_BUILDKIT: '0' });
});
after(() => graph.close());

function context(dockerfile: string, files: Record<string, string> = {}): string {
  const folder = join(graph.folder, `context-${made++}`);
  for (const [name, text] of Object.entries({ ...files, Dockerfile: dockerfile })) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** Builds, and what `command` says in a container of the image. */
async function said(shop: Shop, folder: string, command: string, ...args: string[]): Promise<string> {
  const id = (await shop.ok('build', '-q', '--network', 'none', ...args, folder)).stdout.trim();
  return (await shop.ok('run', '--rm', '--network', 'none', '--entrypoint', 'sh', id, '-c', command)).stdout.trim();
}

async function config(shop: Shop, folder: string): Promise<{ Cmd?: string[]; Entrypoint?: string[]; WorkingDir?: string }> {
  const id = (await shop.ok('build', '-q', folder)).stdout.trim();
  return JSON.parse((await shop.ok('image', 'inspect', '--format', '{{json .Config}}', id)).stdout) as { Cmd?: string[] };
}

async function refused(shop: Shop, folder: string, why: RegExp): Promise<void> {
  const { status, stdout, stderr } = await shop.run('build', '--progress', 'plain', folder);
  assert.equal(status, 1, stdout);
  assert.match(stdout + stderr, why);
}

test('ADD of an archive: links in it stay in the directory, which no flag but the graph engine’s --chown touches', async () => {
  const folder = context('FROM busybox\nADD --chown=7:8 t.tar /o\n');
  const link = spawnSync('python3', ['-c', ARCHIVE, join(folder, 't.tar')]);
  assert.equal(link.status, 0, String(link.stderr));
  const look = 'cat /o/etc/through; stat -c "%a %u" /o; test -e /etc/through || echo inside';
  assert.equal(await said(graph, folder, look), 'through755 7\ninside');
  assert.equal(await said(classic, folder, look), 'through755 0\ninside');
  writeFileSync(join(folder, 'Dockerfile'), 'FROM busybox\nADD --chmod=0700 t.tar /o\n');
  assert.equal(await said(graph, folder, look), 'through755 0\ninside');
});

/** A link to /etc, and a file through it. */
const ARCHIVE = `
import io, sys, tarfile
t = tarfile.open(sys.argv[1], 'w')
link = tarfile.TarInfo('l')
link.type, link.linkname = tarfile.SYMTYPE, '/etc'
t.addfile(link)
file = tarfile.TarInfo('l/through')
file.size = 7
t.addfile(file, io.BytesIO(b'through'))
t.close()
`;

test('a group that nobody knows leaves the group of the user', async () => {
  const folder = context('FROM busybox\nCOPY --chown=daemon:nosuch f /f\n', { f: '' });
  assert.equal(await said(graph, folder, 'stat -c "%u %g" /f'), '1 1');
  await refused(classic, folder, /can't find gid for group nosuch/);
});

test('COPY --from=scratch is empty to the graph engine, and a reserved name to the original', async () => {
  const folder = context('FROM busybox\nCOPY --from=scratch / /x\n');
  assert.equal(await said(graph, folder, 'ls -A /x | wc -l'), '0');
  await refused(classic, folder, /invalid from flag value scratch: 'scratch' is a reserved name/);
});

test('CMD and ENTRYPOINT without words', async () => {
  const folder = context('FROM busybox\nCMD\nENTRYPOINT\n');
  const [ofGraph, ofClassic] = [await config(graph, folder), await config(classic, folder)];
  assert.deepEqual(
    [ofGraph.Cmd, ofGraph.Entrypoint],
    [
      ['/bin/sh', '-c', ''],
      ['/bin/sh', '-c', ''],
    ],
  );
  assert.deepEqual([ofClassic.Cmd, ofClassic.Entrypoint ?? []], [['/bin/sh', '-c'], []]);
});

test('WORKDIR: an absolute one is kept as written by the graph engine; an empty one is refused by the original', async () => {
  const folder = context('FROM busybox\nWORKDIR /x//y/\nRUN touch here\n');
  assert.equal((await config(graph, folder)).WorkingDir, '/x//y/');
  assert.equal((await config(classic, folder)).WorkingDir, '/x/y');
  assert.equal(await said(graph, folder, 'ls /x/y'), 'here');
  await refused(classic, context('FROM busybox\nWORKDIR $NOTHING\n'), /cannot normalize nothing/);
});

test('TARGETSTAGE is the target, else the last stage, and unknown to the original engine', async () => {
  const folder = context('FROM busybox AS one\nARG TARGETSTAGE\nRUN echo "<$TARGETSTAGE>" > /stage\nFROM one AS two\n');
  assert.equal(await said(graph, folder, 'cat /stage'), '<two>');
  assert.equal(await said(graph, folder, 'cat /stage', '--target', 'one'), '<one>');
  assert.equal(await said(classic, folder, 'cat /stage'), '<>');
});

test('the name of the machine: of the sandbox or the container, and BUILDKIT_SANDBOX_HOSTNAME', async () => {
  const folder = context('FROM busybox\nRUN hostname > /name; env | grep ^HOSTNAME= > /variable || true; head -n1 /etc/hosts > /hosts\n');
  const look = 'cat /name /variable /hosts';
  assert.equal(await said(graph, folder, look), 'buildkitsandbox\n127.0.0.1\tlocalhost buildkitsandbox');
  assert.equal(await said(graph, folder, look, '--build-arg', 'BUILDKIT_SANDBOX_HOSTNAME=mine'), 'mine\n127.0.0.1\tlocalhost mine');
  assert.match(await said(classic, folder, look), /^([0-9a-f]{12})\nHOSTNAME=\1\n127\.0\.0\.1\tlocalhost$/);
});

test('a proxy that is declared by ARG is in the environment under both spellings', async () => {
  const folder = context('FROM busybox\nARG HTTP_PROXY\nRUN env | grep -i ^http_proxy | sort > /proxies\n');
  const proxies = await said(graph, folder, 'cat /proxies', '--build-arg', 'HTTP_PROXY=http://p.example');
  assert.equal(proxies, 'HTTP_PROXY=http://p.example\nhttp_proxy=http://p.example');
});

test('the original engine’s client does not look into a directory that no `!` rule begins with', async () => {
  const folder = context('FROM busybox\nCOPY . /c\n', { '.dockerignore': '**\n!**/*.md\n', 'top.md': '', 'd/in.md': '' });
  assert.equal(await said(graph, folder, 'cd /c; find . -type f | sort'), './d/in.md\n./top.md');
  assert.equal(await said(classic, folder, 'cd /c; find . -type f | sort'), './top.md');
});

test('two stages of one name: the later counts to the graph engine, the original refuses', async () => {
  const folder = context('FROM busybox AS a\nRUN echo 1 > /n\nFROM busybox AS a\nRUN echo 2 > /n\nFROM busybox\nCOPY --from=a /n /n\n');
  assert.equal(await said(graph, folder, 'cat /n'), '2');
  await refused(classic, folder, /a stage name already used/);
});

test('a NUL byte in a command is refused, not cut off', async () => {
  for (const shop of [graph, classic]) await refused(shop, context('FROM busybox\nRUN echo a\0b\n'), /invalid argument[^]*NUL/);
  const folder = context('FROM busybox\nRUN --mount=type=secret,id=s,env=TOKEN true\n', { secret: 'hidden\0hidden' });
  const { status, stdout, stderr } = await graph.run('build', '--secret', `id=s,src=${join(folder, 'secret')}`, folder);
  assert.equal(status, 1);
  assert.match(stderr, /invalid argument: TOKEN/);
  assert.doesNotMatch(stdout + stderr, /hidden/);
});

test('BUILDKIT_CACHE_MOUNT_NS keeps caches apart', async () => {
  const folder = context('FROM busybox\nRUN --mount=type=cache,target=/c mktemp /c/XXXXXX; ls /c > /seen\n');
  const seen = (...args: string[]) => said(graph, folder, 'wc -l < /seen', '--no-cache', ...args);
  const apart = ['--build-arg', 'BUILDKIT_CACHE_MOUNT_NS=apart'];
  assert.deepEqual([await seen(), await seen(), await seen(...apart), await seen(...apart)], ['1', '2', '1', '2']);
});

test('capabilities of a file of the context stay behind', async () => {
  const folder = context('FROM busybox\nCOPY f /f\n', { f: 'x' });
  // VFS_CAP_REVISION_2, cap_net_raw permitted and effective (linux/capability.h)
  setXattr(join(folder, 'f'), 'security.capability', Buffer.from('0100000200200000000000000000000000000000', 'hex'));
  for (const shop of [graph, classic]) {
    const id = (await shop.ok('build', '-q', folder)).stdout.trim();
    const archive = join(graph.folder, 'saved.tar');
    await shop.ok('save', '-o', archive, id);
    assert.equal(readFileSync(archive).includes('security.capability'), false);
  }
});

test('--network host for all steps needs no --allow; for one step it does', async () => {
  await graph.ok('build', '-q', '--network', 'host', context('FROM busybox\nRUN true\n'));
  await refused(graph, context('FROM busybox\nRUN --network=host true\n'), /network\.host is not allowed/);
});

test('BUILDKIT_BUILD_NAME is what the history calls a build', async () => {
  await graph.ok('build', '-q', '--no-cache', '--build-arg', 'BUILDKIT_BUILD_NAME=of-mine', context('FROM busybox\nRUN true\n'));
  assert.match((await graph.ok('builder', 'history', 'ls')).stdout, /of-mine/);
});

test('of several relative WORKDIRs the first is warned of', async () => {
  const { stdout, stderr } = await graph.run('build', '--check', context('FROM busybox\nWORKDIR a\nWORKDIR b\n'));
  assert.equal((stdout + stderr).match(/WARNING: WorkdirRelativePath/g)?.length, 1);
});

test('a build that would fail is a finding of --check, after what was found before', async () => {
  const folder = context('FROM busybox AS B\nENV a b\nFROM nosuch.invalid/x:1\nCMD x\n');
  const text = await graph.run('build', '--check', folder);
  assert.equal(text.status, 1);
  assert.match(text.stdout, /^Check complete, 1 warning has been found!/);
  assert.match(text.stderr, /^ERROR: nosuch\.invalid\/x:1: [^]*\nDockerfile:3\n/);
  const json = await graph.run('build', '--call', 'check,format=json', folder);
  const found = JSON.parse(json.stdout) as { warnings: { ruleName: string }[]; buildError: { message: string; location: unknown } };
  assert.deepEqual(
    found.warnings.map((w) => w.ruleName),
    ['StageNameCasing'],
  );
  assert.deepEqual(found.buildError.location, { ranges: [{ start: { line: 3 }, end: { line: 3 } }] });
  const broken = await graph.run('build', '--call', 'check,format=json', context('FROM busybox AS B\nRUM x\n'));
  assert.match(broken.stdout, /"StageNameCasing"[^]*"buildError"[^]*unknown instruction: RUM/);
  // of a named target alone
  assert.equal((await graph.run('build', '--check', '--target', 'b', context('FROM busybox AS b\nFROM nosuch.invalid/x:1\n'))).status, 0);
});

test('a file of another language is refused', async () => {
  await refused(graph, context('# syntax=other/language:1\nFROM busybox\n'), /frontend other\/language:1 cannot be run/);
  const { stderr } = await graph.ok('build', '--progress', 'plain', context('# syntax=docker/dockerfile:1.99\nFROM busybox\n'));
  assert.match(stderr, /SyntaxVersion: docker\/dockerfile:1\.99 is newer/);
});

test('an image is inspected with the fields that are set, in the order of Docker; templates see the others too', async () => {
  const folder = context('FROM busybox\nEXPOSE 81 80-82\nENV PATH=/bin\nCMD []\nSTOPSIGNAL 9\nUSER 1\n');
  for (const [shop, more] of [
    [graph, { ArgsEscaped: true }],
    [classic, {}],
  ] as const) {
    const id = (await shop.ok('build', '-q', folder)).stdout.trim();
    const inspect = async (format: string) => (await shop.ok('image', 'inspect', '--format', format, id)).stdout.trim();
    const ExposedPorts = { '80/tcp': {}, '81/tcp': {}, '82/tcp': {} };
    const Labels = { 'dev.slipway.stand-in-for': 'busybox:latest' };
    const json = JSON.stringify({ User: '1', ExposedPorts, Env: ['PATH=/bin'], Labels, StopSignal: '9', ...more });
    assert.equal(await inspect('{{json .Config}}'), json);
    const [whole] = JSON.parse((await shop.ok('image', 'inspect', id)).stdout) as { Config: object }[];
    const unset = { Cmd: null, Entrypoint: null, OnBuild: null, Volumes: null, WorkingDir: '' };
    assert.deepEqual(whole?.Config, { ...unset, ...JSON.parse(json) });
    assert.equal(
      await inspect('{{.Config.Entrypoint}} {{.Config.Volumes}} {{.Config.Healthcheck}} {{json .Config.Cmd}}'),
      '[] map[] <nil> null',
    );
  }
  const { stdout } = await graph.ok(
    'history',
    '--no-trunc',
    '--format',
    '{{.CreatedBy}}',
    (await graph.ok('build', '-q', folder)).stdout.trim(),
  );
  assert.match(stdout, /EXPOSE \[80\/tcp 81\/tcp 82\/tcp 81\/tcp\]/);
});
