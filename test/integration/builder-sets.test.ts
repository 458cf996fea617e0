// Sets of builders elsewhere: named, listed, chosen and forgotten; reached by TLS with certificates, and by ssh.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Buildx, noBuildx } from '../support/buildx.ts';
import { removeTree } from '../../src/sys/index.ts';
import { makeCertificates } from '../support/certificates.ts';
import { type Fleet, fleet } from '../support/fleet.ts';

let f: Fleet;
let certs: string;
before(async () => {
  certs = `/dev/shm/slipway-certs-${process.pid}`;
  makeCertificates(certs, 'builder.test');
  const file = (name: string): Buffer => readFileSync(join(certs, name));
  f = await fleet(1, { tls: { ca: file('ca.pem'), cert: file('server.pem'), key: file('server.key') } });
  f.write({ 'app/Dockerfile': 'FROM base\nRUN echo built > /x\n' });
});
after(async () => {
  await f.close();
  removeTree(certs);
});

const options = (): string => `cacert=${certs}/ca.pem,cert=${certs}/cert.pem,key=${certs}/key.pem,servername=builder.test`;

test('a set is created, listed, used by builds, changed and forgotten', async () => {
  const { here, addresses } = f;
  const [address = ''] = addresses;
  assert.equal(await here.ok('builder', 'create', '--name', 'fleet', '--bootstrap', '--use', address), 'fleet\n');
  const list = await here.ok('builder', 'ls');
  assert.match(list, /^fleet\* +remote/m);
  assert.match(list, /^ \\_ fleet0 +\\_ unix:\S+ +running +v\d\S* +linux\//m);
  assert.match(list, /^default +slipway/m);
  assert.match(await here.ok('builder', 'inspect'), /Name: +fleet\n[\s\S]*Name: +fleet0\n[\s\S]*Status: +running/);
  const { stderr, status } = await here.run(['build', '--progress', 'plain', '--no-cache', 'app']);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /on builder unix:/);
  assert.doesNotMatch((await here.run(['build', '--progress', 'plain', '--builder', 'default', 'app'])).stderr, /on builder/);
  await here.ok('builder', 'create', '--name', 'fleet', '--append', '--node', 'gone', `unix://${f.cwd}/gone.sock`);
  const two = await here.run(['builder', 'ls']);
  assert.match(two.stdout, /\\_ gone +\\_ unix:\S+ +error/);
  assert.match(two.stderr, /gone\.sock cannot be reached/);
  const json = (await here.ok('builder', 'ls', '--format', 'json')).split('\n').map((line) => line && JSON.parse(line));
  assert.deepEqual(
    json[0].Nodes.map((n: { Status: string }) => n.Status),
    ['running', 'error'],
  );
  await here.ok('builder', 'create', '--name', 'fleet', '--leave', '--node', 'gone');
  await here.ok('builder', 'create', '--name', 'lost', `unix://${f.cwd}/gone.sock`);
  assert.equal(await here.ok('builder', 'rm', '--all-inactive', '--force'), 'lost removed\n');
  assert.equal(await here.ok('builder', 'rm', 'fleet'), 'fleet removed\n');
  assert.match(await here.ok('builder', 'ls'), /^default\* +slipway/m);
});

test('an address of the network is reached by TLS: with the certificate of the client, and the name of the builder', async () => {
  const { here, servers } = f;
  const address = `tcp://127.0.0.1:${servers[0]?.port}`;
  await here.ok('builder', 'create', '--name', 'tls', '--driver-opt', options(), address);
  const { stderr, status } = await here.run(['build', '--progress', 'plain', '--builder', 'tls', '--no-cache', 'app']);
  assert.equal(status, 0, stderr);
  await here.ok('builder', 'create', '--name', 'anonymous', '--driver-opt', `cacert=${certs}/ca.pem,servername=builder.test`, address);
  assert.match((await here.run(['build', '--builder', 'anonymous', 'app'])).stderr, /cannot be reached/);
  await here.ok(
    'builder',
    'create',
    '--name',
    'other',
    '--driver-opt',
    options().replace(/servername=.*/, 'servername=other.test'),
    address,
  );
  assert.match((await here.run(['build', '--builder', 'other', 'app'])).stderr, /cannot be reached: .*altnames/);
  // by the environment the name is that of the address, which this certificate is not for
  const env = { SLIPWAY_BUILDERS: address, SLIPWAY_BUILDER_CERTS: certs };
  assert.match((await here.run(['build', 'app'], { env })).stderr, /cannot be reached: .*127\.0\.0\.1/);
  for (const name of ['tls', 'anonymous', 'other']) await here.ok('builder', 'rm', name);
});

test('buildx reaches the same address, and insists on HTTP/2 being agreed', { skip: noBuildx }, async () => {
  using buildx = new Buildx(`tcp://127.0.0.1:${f.servers[0]?.port}`);
  await buildx.create('--driver-opt', options());
  const { status, stderr } = await buildx.run('build', join(f.cwd, 'app'));
  assert.equal(status, 0, stderr);
});

test('ssh runs buildctl beside the builder', async () => {
  // stands for ssh and for what it runs: what is asked for is written down, and the streams are passed on to a server
  const bin = join(f.cwd, 'bin');
  mkdirSync(bin, { recursive: true });
  const program = `import { connect } from 'node:net'; import { writeFileSync } from 'node:fs';
writeFileSync(${JSON.stringify(join(f.cwd, 'ssh-words'))}, process.argv.slice(2).join(' '));
const socket = connect(${JSON.stringify(f.servers[0]?.path)}); process.stdin.pipe(socket); socket.pipe(process.stdout);`;
  writeFileSync(join(bin, 'ssh.mjs'), program);
  writeFileSync(join(bin, 'ssh'), `#!/bin/sh\nexec ${process.execPath} ${join(bin, 'ssh.mjs')} "$@"\n`);
  chmodSync(join(bin, 'ssh'), 0o755);
  const env = { PATH: `${bin}:${process.env['PATH']}` };
  const { stderr, status } = await f.here.run(['build', '--builder', 'ssh://me@far:2222/run/b.sock', '--no-cache', 'app'], { env });
  assert.equal(status, 0, stderr);
  assert.equal(readFileSync(join(f.cwd, 'ssh-words'), 'utf8'), '-T -p 2222 -l me -- far buildctl --addr unix:///run/b.sock dial-stdio');
  writeFileSync(join(bin, 'ssh'), '#!/bin/sh\necho "Permission denied (publickey)." >&2; exit 255\n');
  const refused = await f.here.run(['build', '--builder', 'ssh://far', 'app'], { env });
  assert.match(refused.stderr, /the builder ssh:\/\/far cannot be reached: .*Permission denied/);
});

for (const [what, args, pattern] of [
  ['a driver that would start builders', ['--driver', 'docker-container', 'unix:///x'], /no driver "docker-container"/],
  ['an address of the network without TLS', ['tcp://192.0.2.1:1'], /would be reached without TLS/],
  ['a key without its certificate', ['--driver-opt', 'key=k.pem', 'tcp://192.0.2.1:1'], /a key its certificate/],
  ['an option that there is not', ['--driver-opt', 'speed=7', 'unix:///x'], /invalid driver option speed=7/],
  ['the name of this machine', ['--name', 'default', 'unix:///x'], /no name for a set/],
  ['no address', [], /where are the builders/],
  ['a set that is not there', ['--name', 'nope', '--append', 'unix:///x'], /no builder "nope" found/],
  ['one that cannot be reached, with --bootstrap', ['--bootstrap', 'unix:///nowhere'], /cannot be reached/],
] as const)
  test(`builder create refuses ${what}`, async () => {
    const { status, stderr } = await f.here.run(['builder', 'create', ...args]);
    assert.notEqual(status, 0);
    assert.match(stderr, pattern);
  });

test('what is about this machine alone takes no other builder', async () => {
  const { status, stderr } = await f.here.run(['builder', 'du', '--builder', 'fleet']);
  assert.equal(status, 1);
  assert.match(stderr, /no builder "fleet" found\n\nhint: only builds run elsewhere: builder du is about this machine/);
});
