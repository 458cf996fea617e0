// Keys that a build was given as files, and agents, as OpenSSH's own programs see them: they list, sign and verify; the agent of the
// user is changed by nothing; no bytes of a key are on a disk.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { openAgent, serveAgent } from '../../src/builder/steps/run/ssh.ts';
import { findExecutable, removeTree } from '../../src/sys/index.ts';
import { scratch, TestStore } from '../support/store.ts';

const store = new TestStore(scratch());
const at = (name: string): string => join(store.folder, name);
after(() => removeTree(store.folder));

const run = promisify(execFile);
const { signal } = new AbortController();
const ANYBODY = { mode: 0o600, uid: 0, gid: 0 };

/** Files of a new private key, and of its public half. */
function newKey(name: string, ...args: string[]): string {
  execFileSync('ssh-keygen', ['-q', '-C', name, '-f', at(name), ...args]);
  return at(name);
}

const kinds = [
  ['ed25519', '-t', 'ed25519'],
  ['rsa', '-t', 'rsa', '-b', '2048'],
  ['rsa-pem', '-t', 'rsa', '-b', '2048', '-m', 'PEM'],
  ['rsa-pkcs8', '-t', 'rsa', '-b', '2048', '-m', 'PKCS8'],
  ['ecdsa-256', '-t', 'ecdsa', '-b', '256'],
  ['ecdsa-384', '-t', 'ecdsa', '-b', '384', '-m', 'PEM'],
  ['ecdsa-521', '-t', 'ecdsa', '-b', '521'],
] as const;

test('keys of all kinds and formats are listed, and sign what OpenSSH verifies', async () => {
  const keys = kinds.map(([name, ...args]) => newKey(name, '-N', '', ...args));
  const close = await serveAgent(at('agent'), await openAgent(keys, signal), ANYBODY);
  try {
    const env = { ...process.env, SSH_AUTH_SOCK: at('agent') };
    const listed = (await run('ssh-add', ['-L'], { env })).stdout.trimEnd().split('\n');
    const blobs = (lines: readonly string[]): string[] => lines.map((line) => line.split(' ').slice(0, 2).join(' '));
    assert.deepEqual(blobs(listed), blobs(keys.map((key) => readFileSync(`${key}.pub`, 'utf8'))));
    assert.match(listed[0]!, / ed25519$/); // OpenSSH's format has a comment
    await run('ssh-add', ['-T', ...keys.map((key) => `${key}.pub`)], { env });
    for (const key of keys) {
      writeFileSync(at('text'), key);
      const { stdout } = await run('sh', ['-c', `rm -f text.sig; ssh-keygen -q -Y sign -f ${key}.pub -n file text && cat text.sig`], {
        env,
        cwd: store.folder,
      });
      assert.match(stdout, /BEGIN SSH SIGNATURE/);
      const checked = spawnSync('ssh-keygen', ['-Y', 'check-novalidate', '-n', 'file', '-s', at('text.sig')], {
        input: key,
        encoding: 'utf8',
      });
      assert.equal(checked.status, 0, `${key}: ${checked.stderr}`);
    }
    // for a key that it lacks
    const other = newKey('other', '-N', '', '-t', 'ed25519');
    await assert.rejects(run('ssh-add', ['-T', `${other}.pub`], { env }));
  } finally {
    await close();
  }
});

test('the user’s agent may be asked, and not be changed', async (t) => {
  const key = newKey('of-the-agent', '-N', '', '-t', 'ed25519');
  const other = newKey('of-the-step', '-N', '', '-t', 'ed25519');
  const started = /SSH_AUTH_SOCK=(.*?);[^]*SSH_AGENT_PID=(\d+)/.exec(
    execFileSync('ssh-agent', ['-s', '-a', at('real')], { encoding: 'utf8' }),
  );
  t.after(() => process.kill(Number(started![2])));
  const real = { ...process.env, SSH_AUTH_SOCK: started![1]! };
  execFileSync('ssh-add', ['-q', key], { env: real, stdio: 'ignore' });
  const close = await serveAgent(at('lent'), await openAgent([at('real')], signal), ANYBODY);
  try {
    const env = { ...process.env, SSH_AUTH_SOCK: at('lent') };
    await run('ssh-add', ['-T', `${key}.pub`], { env });
    for (const args of [['-D'], ['-d', key], [other]]) await assert.rejects(run('ssh-add', args, { env }), args.join(' '));
    assert.match(execFileSync('ssh-add', ['-L'], { env: real, encoding: 'utf8' }), /^ssh-ed25519 \S+ of-the-agent\n$/);
  } finally {
    await close();
  }
  await assert.rejects(openAgent([at('real'), key], signal), /only single socket allowed/);
});

test('what is no key, or has a passphrase, is refused', async () => {
  writeFileSync(at('text'), 'text');
  newKey('protected', '-N', 'passphrase', '-t', 'ed25519');
  newKey('protected-pem', '-N', 'passphrase', '-t', 'rsa', '-m', 'PEM');
  newKey('protected-pkcs8', '-N', 'passphrase', '-t', 'rsa', '-m', 'PKCS8');
  for (const [name, message] of [
    ['text', /^failed to parse .*\/text: ssh: no key found$/],
    ['protected', /^failed to parse .*: ssh: this private key is passphrase protected$/],
    ['protected-pem', /^failed to parse .*: ssh: this private key is passphrase protected$/],
    ['protected-pkcs8', /^failed to parse .*: ssh: this private key is passphrase protected$/],
    ['missing', /^stat .*\/missing: no such file or directory$/],
    ['.', /^failed to read .*: is a directory$/],
    ['../zero', /^failed to read .*: not a regular file$/],
  ] as const)
    await assert.rejects(openAgent([name === '../zero' ? '/dev/zero' : at(name)], signal), { code: 'flag.ssh', message }, name);
});

test('--ssh default=KEY: a step signs with it, and the key is on no disk', async () => {
  const context = at('context');
  const program = findExecutable('ssh-add')!;
  const libraries = execFileSync('ldd', [program], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g);
  for (const path of [program, ...[...libraries].map((m) => m[1]!)]) {
    mkdirSync(join(context, dirname(path)), { recursive: true });
    copyFileSync(path, join(context, path));
  }
  const key = newKey('of-the-build', '-N', '', '-t', 'ed25519');
  copyFileSync(`${key}.pub`, join(context, 'key.pub'));
  writeFileSync(
    join(context, 'Dockerfile'),
    `FROM scratch\nCOPY . /\nRUN --mount=type=ssh,required ["${program}", "-T", "/key.pub"]\nRUN --mount=type=ssh ["${program}", "-L"]\n`,
  );
  const args = ['build', '--network', 'none', '--progress', 'plain', '--provenance=mode=max', '-o', `type=oci,dest=${at('image.tar')}`];
  const built = await store.slipway([...args, '--ssh', `default=${key}`, context]);
  assert.equal(built.exitCode, 0, built.stderr);
  assert.ok(built.stderr.includes(readFileSync(`${key}.pub`, 'utf8').split(' ')[1]!), built.stderr);
  const line = readFileSync(key, 'utf8').split('\n')[3]!;
  assert.equal(spawnSync('grep', ['-rlaF', line, store.root, store.run, at('image.tar')], { encoding: 'utf8' }).stdout, '');
  const refused = await store.slipway([...args, '--ssh', `default=${join(context, 'Dockerfile')}`, context]);
  assert.match(refused.stderr, /^ERROR: .*failed to parse .*Dockerfile: ssh: no key found$/m);
});
