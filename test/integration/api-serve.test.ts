// `serve` as a process: who is asked about requests, sockets that systemd opens, and what becomes of containers when it is killed.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, converse } from '../support/raw-http.ts';
import { SLIPWAY, TestStore } from '../support/store.ts';
import { type Fixture, fixture } from './container-fixture.ts';

let f: Fixture;
let store: TestStore;
before(async () => {
  f = await fixture();
  store = new TestStore(f.folder, f.root);
});
after(() => f.dispose());

async function listening(child: ChildProcess): Promise<ChildProcess> {
  let said = '';
  for await (const chunk of child.stderr!) {
    said += String(chunk);
    if (said.includes('listening on')) break;
  }
  assert.match(said, /listening on/);
  return child;
}
const serve = (path: string, ...args: string[]): Promise<ChildProcess> =>
  listening(spawn(SLIPWAY, ['serve', '-H', `unix://${path}`, ...args], { env: store.env, stdio: ['ignore', 'ignore', 'pipe'] }));
async function ended(child: ChildProcess, signal?: NodeJS.Signals): Promise<number | null> {
  const exit = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
  if (signal !== undefined) child.kill(signal);
  await exit;
  return child.exitCode;
}

test('a program is asked about each request', async () => {
  const [path, program, log] = ['asking.sock', 'ask', 'asked'].map((name) => join(f.folder, name)) as [string, string, string];
  writeFileSync(
    program,
    `#!/bin/sh
read -r asked; echo "$asked" >> ${log}
case $asked in
  *'"path":"/containers/create"'*) echo 'no containers today'; exit 1;;
  *'"path":"/grpc"'*) exit 1;;
  *'"path":"/version"'*) kill -9 $$;;
esac`,
    { mode: 0o755 },
  );
  const server = await serve(path, '--authorize', program);
  assert.equal((await ask(path, 'GET /v1.51/containers/json?all=1')).status, 200);
  const denied = await ask(path, 'POST /v1.51/containers/create?name=x', { body: { Image: 'tiny' } });
  assert.deepEqual([denied.status, denied.body], [403, '{"message":"authorization denied by ask: no containers today"}\n']);
  assert.match((await ask(path, 'GET /version')).body, /denied by ask: it was ended by SIGKILL/);
  const http2 = connect(path);
  http2.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  http2.on('error', () => {}).resume();
  await once(http2, 'close');
  const asked = readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const user = { pid: process.pid, uid: process.getuid!(), gid: process.getgid!() };
  assert.deepEqual(asked, [
    { method: 'GET', path: '/containers/json', query: { all: '1' }, user },
    { method: 'POST', path: '/containers/create', query: { name: 'x' }, user },
    { method: 'GET', path: '/version', query: {}, user },
    { method: 'POST', path: '/grpc', query: {}, user },
  ]);
  assert.equal(await ended(server, 'SIGTERM'), 0);
  const { exitCode, stderr } = await store.slipway(['serve', '--authorize', '/nothing']);
  assert.deepEqual([exitCode, stderr.split('\n')[0]], [1, 'error: --authorize: there is no program /nothing']);
});

test('a socket that systemd has opened, and the end of a server that nobody uses', async () => {
  const path = join(f.folder, 'activated.sock');
  // as systemd does: the socket is descriptor 3, and LISTEN_PID the process itself
  const open = '$^F = 9; socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, pack_sockaddr_un(shift)); listen(S, 5); fileno(S) == 3 or die; ';
  const start = `perl -MSocket -e '${open} $ENV{LISTEN_PID} = $$; $ENV{LISTEN_FDS} = 1; exec @ARGV' "$@"`;
  const args = [path, SLIPWAY, 'serve', '-H', 'fd://', '--idle-timeout', '300ms'];
  const server = spawn('sh', ['-c', start, 'sh', ...args], { env: store.env, stdio: ['ignore', 'ignore', 'pipe'] });
  while (!existsSync(path)) await sleep(5);
  // before the server itself runs: it stands in the queue of the socket
  const connected = new Promise<void>((resolve) => {
    const attempt = (): void => {
      const socket = connect(path, () => resolve(void socket.destroy()));
      socket.on('error', () => setTimeout(attempt, 5));
    };
    attempt();
  });
  await connected;
  assert.equal((await ask(path, 'GET /_ping')).body, 'OK');
  assert.equal(await ended(server), 0);
  assert.ok(existsSync(path), 'the socket is systemd’s');
  const { exitCode, stderr } = await store.slipway(['serve', '-H', 'fd://']);
  assert.deepEqual([exitCode, stderr.split('\n')[0]], [1, 'error: fd:// means sockets of systemd, and none was handed over']);
});

test('a server that is killed leaves containers as they are, and the next one finds everything', async () => {
  const path = join(f.folder, 'killed.sock');
  const first = await serve(path);
  const create = async (name: string, o: object): Promise<string> => {
    const answer = await ask(path, `POST /containers/create?name=${name}`, {
      body: { Image: 'tiny', HostConfig: { NetworkMode: 'none' }, ...o },
    });
    return (JSON.parse(answer.body) as { Id: string }).Id;
  };
  const script = 'mkfifo /tmp/go; echo up; read x < /tmp/go; echo "got $x"; exit 6';
  const id = await create('kept', { Cmd: ['sh', '-c', script] });
  assert.equal((await ask(path, `POST /containers/${id}/start`)).status, 204);
  const followed = converse(path, `GET /containers/kept/logs?stdout=1&follow=1 HTTP/1.1\r\nHost: d\r\n\r\n`);
  await followed.until(/up\n/);
  const waited = converse(path, `POST /containers/kept/wait HTTP/1.1\r\nHost: d\r\n\r\n`);
  await waited.until(/200 OK/);
  // a build whose step does not end by itself
  const marker = `98${process.pid}`;
  writeFileSync(join(f.folder, 'Dockerfile'), `FROM tiny\nRUN echo begun; sleep ${marker}\n`);
  const tar = await new Promise<Buffer>((resolve) => {
    const chunks: Buffer[] = [];
    const child = spawn('tar', ['-c', '-C', f.folder, 'Dockerfile'], { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => resolve(Buffer.concat(chunks)));
  });
  const head = `POST /build HTTP/1.1\r\nHost: d\r\nContent-Type: application/x-tar\r\nContent-Length: ${tar.length}\r\n\r\n`;
  const built = converse(path, Buffer.concat([Buffer.from(head), tar]));
  await built.until(/begun/);

  await ended(first, 'SIGKILL');
  // clients see the end of their connections
  await Promise.all([followed.ended, waited.ended, built.ended]);
  const second = await serve(path);
  const listed = JSON.parse((await ask(path, 'GET /containers/json')).body) as { Id: string; State: string }[];
  assert.deepEqual(
    listed.filter((one) => one.Id === id).map((one) => one.State),
    ['running'],
  );
  const again = converse(path, `POST /containers/kept/wait HTTP/1.1\r\nHost: d\r\n\r\n`);
  await again.until(/200 OK/);
  await store.ok(['exec', 'kept', 'sh', '-c', 'echo on > /tmp/go']);
  await again.until(/"StatusCode":6/);
  again.socket.destroy();
  assert.match((await ask(path, 'GET /containers/kept/logs?stdout=1')).body, /up\n.*got on\n/s);
  assert.equal((await ask(path, 'DELETE /containers/kept')).status, 204);
  // the step of the build has ended with its worker, or is ended by whoever comes next
  const steps = async (): Promise<string> => {
    await store.ok(['ps', '-aq']);
    return new Promise((resolve) => {
      const child = spawn('sh', ['-c', `grep -laz "^${marker}$" /proc/[0-9]*/cmdline 2>/dev/null | grep -v self`], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      let out = '';
      child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString())).on('end', () => resolve(out));
    });
  };
  while ((await steps()) !== '') await sleep(50);
  assert.equal(await ended(second, 'SIGTERM'), 0);
  assert.equal((await store.slipway(['system', 'check'])).exitCode, 0);
});
