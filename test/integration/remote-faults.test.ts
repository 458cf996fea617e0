// Files by HTTP and Git repositories from servers that mean no good, and onto disks that are too small; needs root.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test, type TestContext } from 'node:test';
import { download, resolveCommit } from '../../src/remote/index.ts';
import { scratch, SLIPWAY } from '../support/store.ts';

let folder: string;
before(() => (folder = scratch()));
after(() => rmSync(folder, { recursive: true }));

/** The address of a file that is served so. */
async function served(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`;
}

test('a server that trickles bytes for ever is given up', async (t) => {
  const url = await served(t, (_, response) => {
    const drip = setInterval(() => response.write('x'), 1);
    response.on('close', () => clearInterval(drip));
  });
  const pace = { window: 50, least: 4096 };
  await assert.rejects(download(url, { folder, name: 'file', signal: new AbortController().signal, pace }), {
    kind: 'unavailable',
    code: 'http.too-slow',
    message: `Get "${url}": the server sends next to nothing`,
  });
  assert.ok(!existsSync(join(folder, 'file')));
});

test('an abort ends a download that waits for its server', async (t) => {
  const stop = new AbortController();
  const url = await served(t, (_, response) => {
    response.write('x', () => stop.abort(new Error('stopped')));
  });
  await assert.rejects(download(url, { folder, name: 'file', signal: stop.signal }), /stopped/);
  assert.ok(!existsSync(join(folder, 'file')));
});

test('a file that does not fit on the disk is refused; at once when its size is known', async (t) => {
  const context = join(folder, 'context');
  mkdirSync(context);
  const small = join(folder, 'small');
  mkdirSync(small);
  /** A build whose store lies on a disk of 8 MiB. */
  const build = async (url: string): Promise<string> => {
    writeFileSync(join(context, 'Dockerfile'), `FROM scratch\nADD ${url} /file\n`);
    const script = `mount -t tmpfs -o size=8m tmpfs ${small} && ${SLIPWAY} build -q ${context}; echo "ended with $?"; ls ${small}/ingest`;
    const child = spawn('unshare', ['-m', 'sh', '-c', script], {
      env: { ...process.env, SLIPWAY_ROOT: small, SLIPWAY_RUN: join(folder, 'run'), DOCKER_BUILDKIT: '1', NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return err + out;
  };
  let written = 0;
  const endless = await served(t, (_, response) => {
    const more = (): void => {
      written += 65536;
      response.write(Buffer.alloc(65536), (e) => e ?? more());
    };
    more();
  });
  const full = /no space left on device: the disk that holds .* is full[^]*ended with 1\n$/;
  assert.match(await build(endless), full);
  assert.ok(written > 1 << 20);
  const announced = await served(t, (_, response) => void response.writeHead(200, { 'content-length': String(2 ** 40) }).write('x'));
  assert.match(await build(announced), full);
});

for (const protocol of ['git', 'http', 'ssh'])
  test(`a repository by ${protocol} whose server says nothing is given up, and leaves no helper of git`, async (t) => {
    const met = new Set<Socket>();
    const server = createTcpServer((socket) => void met.add(socket.on('error', () => {}))).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const remote = `${protocol}://127.0.0.1:${port}/x.git`;
    const environment = { PATH: process.env['PATH'] ?? '', HOME: folder };
    const { signal } = new AbortController();
    await assert.rejects(resolveCommit({ remote }, { signal, environment, patience: 1000 }), {
      kind: 'unavailable',
      code: 'git.stalled',
      message: `git ls-remote of ${remote}: the server sends nothing`,
    });
    assert.ok(met.size > 0);
    // each connection ends with the program that made it
    for (const socket of met) if (!socket.resume().destroyed) await once(socket, 'close');
  });
