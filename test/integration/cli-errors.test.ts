// Bad input to the real program: one clear line on standard error, what to do about it, an exit code, and never a stack trace.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeTar } from '../../src/archive/testing.ts';
import { removeTree } from '../../src/sys/index.ts';

const folder = mkdtempSync('/dev/shm/slipway-cli-');
const bin = fileURLToPath(new URL('../../bin/slipway', import.meta.url));
const env = {
  ...process.env,
  SLIPWAY_ROOT: join(folder, 'root'),
  SLIPWAY_RUN: join(folder, 'run'),
  SLIPWAY_SOURCES: process.env['SLIPWAY_SOURCES'] ?? '1',
  NO_COLOR: '1',
};
const at = (name: string): string => join(folder, name);

interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function slipway(args: readonly string[], o: { env?: Record<string, string>; input?: string; as?: number } = {}): Run {
  const [command, ...words] =
    o.as === undefined ? [bin, ...args] : ['setpriv', `--reuid=${o.as}`, `--regid=${o.as}`, '--clear-groups', bin, ...args];
  const { status, stdout, stderr } = spawnSync(command!, words, {
    cwd: folder,
    env: { ...env, ...o.env },
    encoding: 'utf8',
    input: o.input ?? '',
  });
  return { status, stdout, stderr };
}

/** The program refuses: with this exit code, these words, a hint, and no trace of its own insides. */
function refuses(run: Run, status: number, message: RegExp, hint?: RegExp): void {
  assert.match(run.stderr, message);
  assert.equal(run.status, status, run.stderr);
  assert.doesNotMatch(run.stderr, /\n\s+at .*\.(?:ts|mjs|js)|node:internal/, 'no stack trace');
  if (hint) assert.match(run.stderr, hint);
}

before(() => {
  mkdirSync(at('context'));
  writeFileSync(at('context/a'), 'a');
  writeFileSync(at('base.tar'), makeTar([{ path: 'bin/', type: 'dir' }]));
  assert.equal(slipway(['import', 'base.tar', 'base']).status, 0);
});
after(() => removeTree(folder));

for (const engine of ['1', '0']) {
  const build = (dockerfile: string, ...flags: string[]): Run =>
    slipway(['build', ...flags, '-f', '-', 'context'], { env: { DOCKER_BUILDKIT: engine }, input: dockerfile });

  test(`no Dockerfile (DOCKER_BUILDKIT=${engine})`, () => {
    refuses(slipway(['build', 'context'], { env: { DOCKER_BUILDKIT: engine } }), 1, /Dockerfile: no such file or directory/, /hint: .*-f/);
    refuses(slipway(['build', 'nowhere'], { env: { DOCKER_BUILDKIT: engine } }), 1, /path "nowhere" not found/);
  });

  test(`a Dockerfile with an error: file, line, excerpt with a caret (DOCKER_BUILDKIT=${engine})`, () => {
    refuses(build('FROM base\nRUM echo\n'), 1, /unknown instruction: RUM/);
    const run = build('FROM base\nRUM echo\n');
    assert.match(run.stderr, /Dockerfile:2/);
    assert.match(run.stderr, /2 \| >>> RUM echo\n\s+\|\s+\^+/);
    assert.match(run.stderr, /RUN/);
  });

  test(`a file that is not there, one that the list excludes (DOCKER_BUILDKIT=${engine})`, () => {
    refuses(build('FROM base\nCOPY nope /\n'), 1, /nope/);
    writeFileSync(at('context/.dockerignore'), '# first\nsecret\n');
    writeFileSync(at('context/secret'), '');
    refuses(build('FROM base\nCOPY secret /\n'), 1, /secret/);
  });

  test(`a missing base image (DOCKER_BUILDKIT=${engine})`, () => {
    refuses(build('FROM nobody/has:this\n'), 1, /nobody\/has:this.*not found/s, /hint: .*slipway load/);
  });

  test(`a base that bootstrap can make is said to be one (DOCKER_BUILDKIT=${engine})`, () => {
    refuses(build('FROM golang:1.19-bookworm\n'), 1, /not found/, /hint: .*slipway bootstrap golang:1\.19-bookworm/);
  });
}

test('an unknown command, an unknown flag: the nearest one is named', () => {
  refuses(slipway(['biuld', '.']), 1, /biuld/, /build/);
  refuses(slipway(['build', '--targte', 'x', '.']), 125, /unknown flag: --targte/, /did you mean --target\?/);
  refuses(slipway(['run', '-Q', 'base']), 125, /unknown shorthand flag: 'Q' in -Q/);
  refuses(slipway(['build']), 1, /requires (?:exactly )?1 argument/);
  refuses(slipway(['run', '-p', 'x:y:z:w', 'base']), 125, /Invalid ip address: x:y/);
});

test('a broken archive', () => {
  writeFileSync(at('noise'), createHash('sha512').update('noise').digest());
  refuses(slipway(['load', '-i', 'noise']), 1, /not|archive/);
  refuses(slipway(['load', '-i', 'nowhere.tar']), 1, /no such file or directory/);
  assert.equal(slipway(['save', '-o', 'whole.tar', 'base']).status, 0);
  const whole = spawnSync('cat', [at('whole.tar')]).stdout;
  writeFileSync(at('cut.tar'), whole.subarray(0, whole.length / 2));
  refuses(slipway(['load', '-i', 'cut.tar']), 1, /archive|truncated|ends/);
  const wrong = Buffer.from(whole);
  const layer = wrong.indexOf('bin/');
  wrong[layer] = 0x63;
  writeFileSync(at('wrong.tar'), wrong);
  // a store that has the layer already would not read it
  refuses(slipway(['load', '-i', 'wrong.tar'], { env: { SLIPWAY_ROOT: at('other') } }), 1, /the archive is damaged/);
  refuses(slipway(['import', 'noise', 'x']), 1, /not a tar archive/);
});

test('a port in use', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    refuses(slipway(['run', '--rm', '-p', `127.0.0.1:${port}:80`, 'base', 'true']), 125, new RegExp(`${port}.*(?:in use|allocated)`));
  } finally {
    server.close();
  }
  assert.equal(slipway(['ps', '-aq']).stdout, '');
});

test('no permission', () => {
  mkdirSync(at('closed'), { mode: 0o700 });
  chmodSync(folder, 0o755);
  const mine = { SLIPWAY_ROOT: join(at('closed'), 'root'), SLIPWAY_RUN: join(at('closed'), 'run') };
  refuses(slipway(['images'], { env: mine, as: 65534 }), 1, /cannot be written/, /hint: run as root/);
});

test('what is missing of the system is named', () => {
  refuses(slipway(['run', '--rm', 'base', 'true'], { env: { SLIPWAY_RUNTIME: '/nowhere/crun' } }), 125, /crun|runtime/, /hint: /);
  refuses(slipway(['images'], { env: { SLIPWAY_SNAPSHOTTER: 'magic' } }), 1, /SLIPWAY_SNAPSHOTTER/);
});

test('a container that is not there, a program that is not there', () => {
  refuses(slipway(['logs', 'nobody']), 1, /No such container: nobody/);
  refuses(slipway(['rmi', 'nobody']), 1, /No such image: nobody/);
  refuses(slipway(['run', '--rm', '--network', 'none', 'base', '/no/program']), 127, /\/no\/program/);
});
