// Where secrets of a build come from: files, variables, and pipes, which are waited for and read once.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findExecutable, removeTree } from '../../src/sys/index.ts';
import { SLIPWAY, TestStore, scratch } from '../support/store.ts';

const store = new TestStore(scratch());
const context = join(store.folder, 'context');
const pipe = join(store.folder, 'pipe');
const BUILD = ['build', '--network', 'none', '--no-cache', '--progress', 'plain'];
mkdirSync(context);
copyFileSync(findExecutable('busybox')!, join(context, 'busybox'));
spawnSync('mkfifo', [pipe]);
after(() => removeTree(store.folder));

const dockerfile = (...steps: string[]): void =>
  writeFileSync(join(context, 'Dockerfile'), ['FROM scratch', 'COPY busybox /bin/sh', 'COPY busybox /bin/', ...steps].join('\n'));

/** Runs a line of bash in which `$BUILD` stands for the command. */
function bash(line: string): { status: number | null; text: string } {
  const env = { ...store.env, BUILD: [SLIPWAY, ...BUILD].join(' '), PIPE: pipe, CONTEXT: context };
  const { status, stdout, stderr } = spawnSync('bash', ['-c', line], { env, encoding: 'utf8' });
  return { status, text: stdout + stderr };
}

test('a secret that is a pipe goes to all that ask for it', () => {
  dockerfile(
    'RUN --mount=type=secret,id=x,target=/s busybox cat /s',
    'RUN --mount=type=secret,id=x,env=V busybox test "$V" = "from elsewhere"',
  );
  for (const line of [
    '$BUILD --secret id=x,src=<(printf "from elsewhere") $CONTEXT',
    'printf "from elsewhere" | $BUILD --secret id=x,src=/dev/stdin $CONTEXT',
    // whoever writes to it may come later
    '$BUILD --secret id=x,src=$PIPE $CONTEXT & printf "from elsewhere" > $PIPE; wait $!',
  ]) {
    const { status, text } = bash(line);
    assert.equal(status, 0, text);
    assert.match(text, /\d from elsewhere\n/, line);
  }
});

test('/dev/null is an empty secret; other devices are refused', () => {
  dockerfile('RUN --mount=type=secret,id=x,target=/s busybox wc -c /s');
  assert.match(bash('$BUILD --secret id=x,src=/dev/null $CONTEXT').text, /\d 0 \/s\n/);
  const { status, text } = bash('$BUILD --secret id=x,src=/dev/zero $CONTEXT');
  assert.equal(status, 1);
  assert.match(text, /failed to read secret x: open \/dev\/zero: not a regular file/);
});

test('a pipe that nobody writes to is waited for until the build is interrupted', async (t) => {
  dockerfile('RUN --mount=type=secret,id=x,target=/s busybox cat /s');
  const build = store.start([...BUILD, '--secret', `id=x,src=${pipe}`, context]);
  t.after(() => build.kill('SIGKILL'));
  let text = '';
  for await (const chunk of build.stderr!) {
    text += String(chunk);
    if (/RUN --mount.*\n#\d+ not cached/.test(text)) build.kill('SIGINT');
  }
  assert.match(text, /interrupted/);
});

test('a token for ADD and for a context by HTTP comes from a pipe as well', async (t) => {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers.authorization);
    response.end(request.url === '/Dockerfile' ? 'FROM scratch\nADD http://127.0.0.1:PORT/file /\n'.replace('PORT', port) : 'file');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const port = String((server.address() as AddressInfo).port);
  const build = store.start(['build', '--secret', `id=HTTP_AUTH_TOKEN_127.0.0.1,src=${pipe}`, `http://127.0.0.1:${port}/Dockerfile`]);
  const ended = new Promise((resolve) => build.on('close', resolve));
  spawnSync('sh', ['-c', 'printf token > "$0"', pipe]);
  assert.equal(await ended, 0);
  assert.deepEqual(new Set(asked), new Set(['Bearer token']));
});
