// The lists and inspections of containers, images, volumes and networks print what Docker's do, field by field.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { removeTree } from '../../src/sys/index.ts';
import { CommandLine } from '../support/command-line.ts';

const folder = mkdtempSync('/dev/shm/slipway-lists-');
const env = {
  PATH: process.env['PATH'],
  HOME: folder,
  DOCKER_CONFIG: join(folder, 'config'),
  SLIPWAY_ROOT: join(folder, 'root'),
  SLIPWAY_RUN: join(folder, 'run'),
  SLIPWAY_SOURCES: process.env['SLIPWAY_SOURCES'] ?? '1',
};

const line = new CommandLine({ env, cwd: folder });
const slipway = (...args: string[]): Promise<string> => line.ok(...args);

before(async () => {
  mkdirSync(env.DOCKER_CONFIG);
  const built = await line.run(['build', '-q', '-t', 'lists:1', '-'], { input: 'FROM scratch\nLABEL made=by\nCMD ["x"]\n' });
  assert.equal(built.status, 0, built.stderr);
  await slipway(
    'create',
    '--name',
    'one',
    '-v',
    '/data',
    '-v',
    'kept:/kept',
    '-l',
    'a=b',
    '-l',
    'org.example.app-name=web',
    'lists:1',
    'sh',
    '-c',
    'exit 3',
  );
});
after(() => removeTree(folder));

test('lists as JSON have all of Docker’s fields, escaped as Go does', async () => {
  const keys = (line: string): string => Object.keys(JSON.parse(line) as object).join(' ');
  assert.equal(
    keys(await slipway('images', '--format', 'json')),
    'Containers CreatedAt CreatedSince Digest ID Repository SharedSize Size Tag UniqueSize VirtualSize',
  );
  assert.match(await slipway('images', '--format', 'json'), /"Digest":"\\u003cnone\\u003e"/);
  assert.equal(
    keys(await slipway('ps', '-a', '--format', 'json')),
    'Command CreatedAt ID Image Labels LocalVolumes Mounts Names Networks Platform Ports RunningFor Size State Status',
  );
  assert.equal(
    keys(await slipway('volume', 'ls', '-f', 'name=kept', '--format', 'json')),
    'Availability Driver Group Labels Links Mountpoint Name Scope Size Status',
  );
  assert.equal(
    keys(await slipway('network', 'ls', '-f', 'name=host', '--format', 'json')),
    'CreatedAt Driver ID IPv4 IPv6 Internal Labels Name Scope',
  );
});

test('fields of ps', async () => {
  const ps = async (format: string, ...args: string[]): Promise<string> =>
    (await slipway('ps', '-a', '--format', format, ...args)).trimEnd();
  assert.equal(
    await ps('{{.Command}} {{.LocalVolumes}} {{.Label "a"}} {{.Label "none"}}|{{.Size}}'),
    `"sh -c 'exit 3'" 2 b |0B (virtual 0B)`,
  );
  assert.match(await ps('{{.CreatedAt}}'), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4} \w+$/);
  assert.match(await ps('table {{.Names}}\t{{.Label "org.example.app-name"}}'), /^NAMES     app name\none       web$/);
  assert.match(await slipway('ps', '-as'), /NAMES     SIZE\n.* one       0B \(virtual 0B\)\n$/);
  const wrong = await line.run(['ps', '-f', 'nope']);
  assert.deepEqual(
    [wrong.status, wrong.stderr],
    [125, 'error: invalid argument "nope" for "-f, --filter" flag: bad format of filter (expected name=value)\n'],
  );
});

test('the formats of config.json hold for lists, unless one is given', async () => {
  const config = { psFormat: '{{.Names}}!', imagesFormat: '{{.Repository}}?', volumesFormat: 'v={{.Name}}', networksFormat: 'n={{.Name}}' };
  writeFileSync(join(env.DOCKER_CONFIG, 'config.json'), JSON.stringify(config));
  assert.equal(await slipway('ps', '-a'), 'one!\n');
  assert.equal(await slipway('ps', '-a', '--format', '{{.Names}}'), 'one\n');
  assert.equal(await slipway('images'), 'lists?\n');
  assert.equal(await slipway('volume', 'ls', '-f', 'name=kept'), 'v=kept\n');
  assert.equal(await slipway('network', 'ls', '-f', 'name=host'), 'n=host\n');
  writeFileSync(join(env.DOCKER_CONFIG, 'config.json'), '[1]');
  assert.match((await line.run(['images'])).stderr, /^error: .*config\.json is not a JSON object\n$/);
  writeFileSync(join(env.DOCKER_CONFIG, 'config.json'), '{}');
});

test('the proxies of config.json reach containers and builds', async () => {
  writeFileSync(join(env.DOCKER_CONFIG, 'config.json'), JSON.stringify({ proxies: { default: { httpsProxy: 'http://p:1' } } }));
  const id = (await slipway('create', '-e', 'https_proxy=mine', 'lists:1')).trim();
  const set = await slipway('inspect', '-f', '{{range .Config.Env}}{{println .}}{{end}}', id);
  assert.match(set, /^HTTPS_PROXY=http:\/\/p:1$/m);
  assert.match(set, /^https_proxy=mine$/m);
  assert.doesNotMatch(set, /^https_proxy=http/m);
  await slipway('rm', id);
  writeFileSync(join(env.DOCKER_CONFIG, 'config.json'), '{}');
});

test('volumes are filtered, inspected and pruned', async () => {
  assert.equal(await slipway('volume', 'create', 'cache', '--label', 'for=tests'), 'cache\n');
  assert.equal(await slipway('volume', 'create', 'other'), 'other\n');
  assert.equal(await slipway('volume', 'ls', '-q', '-f', 'label=for=tests'), 'cache\n');
  assert.equal(await slipway('volume', 'ls', '-q', '-f', 'dangling=true'), 'cache\nother\n');
  assert.equal(await slipway('volume', 'ls', '-q', '-f', 'dangling=false', '-f', 'name=ke'), 'kept\n');
  assert.equal(
    await slipway('volume', 'inspect', '-f', '{{.Name}} {{.Driver}} {{.Scope}} {{.Labels}} {{.Options}}', 'cache'),
    'cache local local map[for:tests] map[]\n',
  );
  assert.equal(await slipway('inspect', '--type', 'volume', '-f', '{{.Name}}', 'cache'), 'cache\n');
  assert.equal(await slipway('inspect', '-f', '{{.Name}}', 'other'), 'other\n');
  assert.equal(await slipway('volume', 'prune', '-f'), 'Total reclaimed space: 0B\n');
  assert.equal(await slipway('volume', 'prune', '-af', '--filter', 'label!=for'), 'Deleted Volumes:\nother\n\nTotal reclaimed space: 0B\n');
  assert.equal(await slipway('volume', 'rm', '-f', 'cache', 'none'), 'cache\nnone\n');
  for (const [args, status, message] of [
    [['volume', 'ls', '-f', 'foo=1'], 1, "invalid filter 'foo'"],
    [['volume', 'create', 'd'], 1, 'create d: volume name is too short, names should be at least two alphanumeric characters'],
    [['volume', 'create', '-d', 'nfs', 'dd'], 1, 'create dd: error looking up volume plugin nfs: plugin "nfs" not found'],
    [['volume', 'rm', 'kept'], 1, 'remove kept: volume is in use'],
    [['volume', 'inspect', 'none'], 1, 'get none: no such volume'],
  ] as const) {
    const answer = await line.run(args);
    assert.deepEqual([answer.status, answer.stderr.startsWith(`error: ${message}`)], [status, true], answer.stderr);
  }
});

test('networks are created, listed, inspected and removed', async () => {
  assert.match(await slipway('network', 'create', '--label', 'a=b', '--subnet', '10.231.7.0/24', 'apart'), /^[0-9a-f]{64}\n$/);
  assert.match(
    await slipway('network', 'ls'),
    /^NETWORK ID     NAME      DRIVER    SCOPE\n[0-9a-f]{12}   apart     bridge    local\n[0-9a-f]{12}   bridge    bridge    local\n[0-9a-f]{12}   host      host      local\n[0-9a-f]{12}   none      null      local\n$/,
  );
  assert.equal(
    await slipway(
      'network',
      'inspect',
      '-f',
      '{{.Name}} {{.Driver}} {{(index .IPAM.Config 0).Subnet}} {{len .Containers}} {{.Labels}}',
      'apart',
    ),
    'apart bridge 10.231.7.0/24 0 map[a:b]\n',
  );
  assert.equal(await slipway('inspect', '--type', 'network', '-f', '{{.Name}}', 'host'), 'host\n');
  assert.equal(await slipway('network', 'prune', '-f', '--filter', 'label=none'), '');
  assert.equal(await slipway('network', 'prune', '-f', '--filter', 'label=a'), 'Deleted Networks:\napart\n\n');
  for (const [name, message] of [
    ['apart', 'network apart not found'],
    ['bridge', 'bridge is a pre-defined network and cannot be removed'],
    ['none', 'none is a pre-defined network and cannot be removed'],
  ]) {
    const answer = await line.run(['network', 'rm', name ?? '']);
    assert.deepEqual([answer.status, answer.stderr], [1, `error: ${message}\n`]);
  }
});

test('what inspect does not find', async () => {
  for (const [args, stdout, message] of [
    [['inspect', '-f', '{{.Id}}', 'none2'], '\n', 'No such object: none2'],
    [['image', 'inspect', 'none'], '[]\n', 'No such image: none:latest'],
    [['inspect', '--type', 'image', 'none:1'], '[]\n', 'No such image: none:1'],
    [['container', 'inspect', 'none'], '[]\n', 'No such container: none'],
    [['network', 'inspect', 'none2'], '[]\n', 'network none2 not found'],
    [['inspect', '--type', 'pod', 'none'], '', 'unknown type: "pod": must be one of "container", "image", "network", "volume"'],
  ] as const) {
    const answer = await line.run(args);
    assert.deepEqual([answer.status, answer.stdout, answer.stderr], [1, stdout, `error: ${message}\n`]);
  }
  assert.equal(await slipway('inspect', '-s', '-f', '{{.SizeRw}} {{.SizeRootFs}}', 'one'), '0 0\n');
});

test('variables of a file', async () => {
  const file = join(folder, 'variables');
  writeFileSync(file, 'A=1\nFROM_CALLER\n');
  const id = (await line.run(['create', '--env-file', file, 'lists:1'], { env: { FROM_CALLER: 'yes' } })).stdout.trim();
  assert.match(await slipway('inspect', '-f', '{{.Config.Env}}', id), /^\[A=1 FROM_CALLER=yes /);
  await slipway('rm', id);
  writeFileSync(file, '=x');
  for (const [path, message] of [
    [file, `invalid env file (${file}): no variable name on line '=x'`],
    [`${file}-none`, `open ${file}-none: no such file or directory`],
  ] as const) {
    const { status, stderr } = await line.run(['create', '--env-file', path, 'lists:1']);
    assert.deepEqual([status, stderr], [125, `error: ${message}\n`]);
  }
});
