// Flags of `run` with values that cannot be, and programs that cannot start: refused in the words of Docker's client (28.5).
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type CommandLine, commandLineOn } from '../support/command-line.ts';
import { type Fixture, fixture } from './container-fixture.ts';

let f: Fixture;
let line: CommandLine;
before(async () => {
  f = await fixture();
  line = commandLineOn(f);
});
after(() => f.dispose());

const argument = (value: string, flag: string, why: string): string =>
  `invalid argument ${JSON.stringify(value)} for "${flag}" flag: ${why}`;

for (const [flag, value, message] of [
  ['--cpus', 'x', argument('x', '--cpus', 'failed to parse x as a rational number')],
  ['--cpus', '', argument('', '--cpus', 'failed to parse  as a rational number')],
  ['--cpus', '0.00000000001', argument('0.00000000001', '--cpus', 'value is too precise')],
  ['--pids-limit', '1.5', argument('1.5', '--pids-limit', 'strconv.ParseInt: parsing "1.5": invalid syntax')],
  ['--add-host', 'foo', argument('foo', '--add-host', 'bad format for add-host: "foo"')],
  ['--add-host', ':1.2.3.4', argument(':1.2.3.4', '--add-host', 'bad format for add-host: ":1.2.3.4"')],
  ['--add-host', 'foo:bar', argument('foo:bar', '--add-host', 'invalid IP address in add-host: "bar"')],
  ['--dns', 'x', argument('x', '--dns', 'IP address is not correctly formatted: x')],
  ['--label', '=x', argument('=x', '-l, --label', "invalid label '=x': empty name")],
  ['--label', 'a b=x', argument('a b=x', '-l, --label', "label 'a b' contains whitespaces")],
  ['--rm=x', undefined, argument('x', '--rm', 'strconv.ParseBool: parsing "x": invalid syntax')],
  ['--expose', 'x', 'invalid range format for --expose: x, error: strconv.ParseUint: parsing "x": invalid syntax'],
  ['--expose', '99999', 'invalid range format for --expose: 99999, error: strconv.ParseUint: parsing "99999": value out of range'],
  ['--expose', '80:90', 'invalid port format for --expose: 80:90'],
  ['--expose', '90-80', 'invalid range format for --expose: 90-80, error: invalid range specified for port: 90-80'],
  ['--expose', '', 'invalid range format for --expose: , error: empty string specified for ports'],
  ['--volume', '', 'invalid empty volume spec'],
  ['--volume', ':/x', 'invalid spec: :/x: empty section between colons'],
  ['--platform', 'x', 'error parsing specified platform: "x": unknown operating system or architecture: invalid argument'],
  ['--cap-add', 'x', 'invalid CapAdd: unknown capability: "CAP_X"'],
  ['--cap-drop', 'x', 'invalid CapDrop: unknown capability: "CAP_X"'],
] as const)
  test(`run ${flag} ${value === undefined ? '' : JSON.stringify(value)} is refused`, async () => {
    const answer = await line.run(['run', '--rm', '--network', 'none', flag, ...(value === undefined ? [] : [value]), 'tiny', 'true']);
    assert.deepEqual([answer.status, answer.stderr.split('\n')[0]], [125, `error: ${message}`]);
  });

test('values that Docker takes are taken', async () => {
  const taken = [
    '--cpus',
    '1/2',
    '--pids-limit',
    '-5',
    '--platform',
    '',
    '--add-host',
    'a=[::1]',
    '--add-host',
    'b:1.2.3.4',
    '--dns',
    ' 1.1.1.1',
  ];
  const { stdout } = await line.run(['run', '--rm', '--network', 'none', ...taken, 'tiny', 'grep', '-E', '[ab]$', '/etc/hosts']);
  assert.equal(stdout, '::1\ta\n1.2.3.4\tb\n');
  assert.match(await line.ok('volume', 'ls', '--cluster'), /^VOLUME NAME +GROUP +DRIVER +AVAILABILITY +STATUS\n$/);
});

/** ELF for x86-64 with nothing but a name of a loader and a segment. */
function withLoader(loader: string): Buffer {
  const name = Buffer.from(`${loader}\0`);
  const elf = Buffer.alloc(176);
  elf.write('\x7fELF\x02\x01\x01', 'latin1');
  for (const [at, value] of [
    [16, 2],
    [18, 62],
    [52, 64],
    [54, 56],
    [56, 2],
  ] as const)
    elf.writeUInt16LE(value, at);
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(64n, 32);
  elf.writeUInt32LE(3, 64);
  elf.writeBigUInt64LE(176n, 72);
  elf.writeBigUInt64LE(BigInt(name.length), 96);
  elf.writeUInt32LE(1, 120);
  return Buffer.concat([elf, name]);
}

test('a program whose loader or interpreter is missing, and one of no format', async () => {
  writeFileSync(join(f.folder, 'app'), withLoader('/lib64/none.so'), { mode: 0o755 });
  writeFileSync(join(f.folder, 'script'), '#!/nope/sh\n', { mode: 0o755 });
  writeFileSync(join(f.folder, 'junk'), 'text', { mode: 0o755 });
  for (const [name, why, hint] of [
    ['app', 'no such file or directory', '/b/app is there, but not /lib64/none.so, which is needed to start it'],
    ['script', 'no such file or directory', '/b/script is there, but not /nope/sh, which is needed to start it'],
    ['junk', 'exec format error', 'it is neither a program nor a script that begins with #!'],
  ] as const) {
    const run = await line.run(['run', '--rm', '--network', 'none', '-v', `${f.folder}:/b`, 'tiny', `/b/${name}`]);
    assert.deepEqual([run.status, ...run.stderr.split('\n').slice(0, 3)], [255, `error: exec /b/${name}: ${why}`, '', `hint: ${hint}`]);
  }
  const dockerfile = 'FROM tiny\nCOPY app /app\nRUN ["/app"]\n';
  writeFileSync(join(f.folder, 'Dockerfile'), dockerfile);
  const build = await line.run(['build', '--network', 'none', '--progress', 'plain', '-f', 'Dockerfile', '.']);
  assert.equal(build.status, 1);
  assert.match(build.stderr, /process "\/app" did not complete successfully: exec \/app: no such file or directory/);
  assert.doesNotMatch(build.stderr, /"msg"/);
});

test('rmi tells the layers that go, and only those', async () => {
  writeFileSync(join(f.folder, 'two'), 'FROM tiny\nCOPY script /script\nCOPY junk /junk\n');
  for (const name of ['first', 'second'])
    assert.equal((await line.run(['build', '-q', '-t', name, '-f', 'two', '--label', `n=${name}`, '.'])).status, 0);
  await line.ok('builder', 'prune', '-af');
  const first = await line.ok('rmi', 'first');
  assert.match(first, /^Untagged: first:latest\nDeleted: sha256:\w{64}\n$/, 'its layers are those of the other too');
  assert.match(
    await line.ok('rmi', 'second'),
    /^Untagged: second:latest\n(?:Deleted: sha256:\w{64}\n){3}$/,
    'two layers, not that of tiny',
  );
});
