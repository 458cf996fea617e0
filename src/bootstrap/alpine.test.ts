// The apk of a stand-in, run by sh with tools of Debian that only record what they are asked.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ALPINE_SETUP, asksForAlpine } from './alpine.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-apk-'));
const asked = join(folder, 'asked');

before(() => {
  for (const name of ['sbin', 'usr/local/sbin', 'tools']) mkdirSync(join(folder, name), { recursive: true });
  for (const line of ALPINE_SETUP.slice(0, 3))
    assert.equal(spawnSync('sh', ['-ec', line.replaceAll(/(cat > |chmod 755 )\//g, `$1${folder}/`)]).status, 0);
  // useradd and the like say what they are asked as well
  for (const tool of ['apt-get', 'useradd', 'groupadd', 'usermod'])
    writeFileSync(join(folder, 'tools', tool), `#!/bin/sh\necho ${tool} "$@" >> ${asked}\n`, { mode: 0o755 });
  writeFileSync(join(folder, 'tools/apt-cache'), '#!/bin/sh\n[ "$2" != nonesuch ]\n', { mode: 0o755 });
  writeFileSync(join(folder, 'tools/dpkg-query'), '#!/bin/sh\necho base-files\n', { mode: 0o755 });
});
after(() => rmSync(folder, { recursive: true }));

function type(line: string): { status: number | null; stderr: string; asked: string[] } {
  rmSync(asked, { force: true });
  const { status, stderr } = spawnSync('sh', ['-c', line], {
    encoding: 'utf8',
    env: { PATH: `${folder}/tools:${folder}/sbin:${folder}/usr/local/sbin:/usr/bin:/bin` },
  });
  return { status, stderr, asked: existsSync(asked) ? readFileSync(asked, 'utf8').trim().split('\n') : [] };
}

const installed = (line: string): string | undefined =>
  type(line)
    .asked.find((l) => l.startsWith('apt-get install'))
    ?.replace(/^apt-get install -y -qq --no-install-recommends /, '');

test('apk add installs from Debian, by the names that Debian has, and says so', () => {
  assert.equal(installed('apk --no-progress add git build-base musl-dev py3-yaml'), 'git build-essential libc6-dev python3-yaml');
  assert.match(type('apk add git').stderr, /a stand-in for Alpine; from Debian: git/);
});

test('apk refuses what only Alpine has', () => {
  for (const [line, said] of [
    ['apk add git=2.30.1-r0', /no version of Alpine/],
    ['apk add nonesuch', /nonesuch \(no such package\)/],
    ['apk add -X http://a/b git', /repositories of Alpine/],
    ['apk audit', /apk audit is not to be had/],
  ] as const) {
    const { status, stderr, asked: calls } = type(line);
    assert.equal(status, 1, line);
    assert.match(stderr, said);
    assert.equal(
      calls.some((l) => l.startsWith('apt-get install')),
      false,
    );
  }
});

test('adduser and addgroup take the flags of busybox', () => {
  assert.deepEqual(type('addgroup -S app && adduser -S -G app app').asked, [
    'groupadd -r app',
    'useradd -M -r -s /sbin/nologin -g app app',
  ]);
  assert.deepEqual(type('adduser -D -u 1000 -h /srv dev').asked, ['useradd -m -d /srv -u 1000 -U dev']);
  assert.deepEqual(type('adduser dev app').asked, ['usermod -aG app dev']);
});

test('words that ask for Alpine', () => {
  for (const tag of ['alpine', '1.19-alpine', '18-alpine3.18']) assert.equal(asksForAlpine(tag), true, tag);
  for (const tag of ['1.19', 'alpinist', 'bookworm']) assert.equal(asksForAlpine(tag), false, tag);
});
