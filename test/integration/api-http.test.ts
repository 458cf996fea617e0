// The HTTP of `serve`: connections that are taken over, in both of Docker's ways; who may connect; beginning and end.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { Execs } from '../../src/api/containers/exec-records.ts';
import { Ended } from '../../src/api/containers/ended.ts';
import { Waiting } from '../../src/api/containers/waiting.ts';
import { JsonLines, RAW_STREAM } from '../../src/api/http/reply.ts';
import { get, post, RouteTable } from '../../src/api/http/routes.ts';
import { HttpServer } from '../../src/api/http/server.ts';
import { type Host, serveApi, type ServeOptions } from '../../src/api/index.ts';
import { Engine, SpareWorker } from '../../src/engine/index.ts';
import { SlipwayError } from '../../src/model/index.ts';
import { ask, converse } from '../support/raw-http.ts';
import { SLIPWAY } from '../support/store.ts';

const folder = mkdtempSync('/dev/shm/slipway-api-http-');
const engine = Engine.open({ root: join(folder, 'root'), run: join(folder, 'run'), selfCommand: [SLIPWAY] });
const worker = { command: [SLIPWAY], environment: process.env };
const program = { version: '1.2.3', debug: false, root: folder, environment: {}, registries: {} };
after(() => {
  engine.close();
  rmSync(folder, { recursive: true, force: true });
});

const PATH = join(folder, 'routes.sock');
let plain: Server;
let gone: SlipwayError | undefined;

before(async () => {
  const echo = [
    post(
      '/echo',
      async ({ reply, request, query }) => {
        if (query.flag('fail')) throw new SlipwayError('not-found', 'test', 'there is nothing');
        const greeting = query.flag('greet')
          ? (await (await import('../../src/api/http/body.ts')).jsonBody(request)).text('Word')
          : undefined;
        const { input, output } = reply.hijack(RAW_STREAM);
        if (greeting !== undefined) output.write(`${greeting}\n`);
        for await (const chunk of input.iterator({ destroyOnReturn: false })) output.write(`<${String(chunk)}>`);
        output.end('after the end\n');
      },
      ['tcp'],
    ),
    get('/hang', async ({ signal, reply }) => {
      reply.stream('text/plain').write('begun');
      await new Promise<void>((resolve) =>
        signal.addEventListener('abort', () => {
          gone = signal.reason as SlipwayError;
          resolve();
        }),
      );
    }),
    get('/lines', async ({ reply }) => {
      const lines: JsonLines = reply.lines();
      lines.write({ status: 'one' });
      lines.fail(new SlipwayError('process-failed', 'test', 'it failed', { exitCode: 3 }));
      lines.end();
    }),
    post('/typed', async (call) => call.reply.json({ name: (await call.json()).text('Name') })),
  ];
  const stopping = new AbortController().signal;
  const server = new HttpServer(
    {
      engine,
      program,
      worker: { ...worker, spare: new SpareWorker(worker) },
      execs: new Execs(),
      ended: new Ended(),
      waiting: new Waiting(),
      builds: new Map(),
      clientSession: () => Promise.reject(new Error('there is none')),
      stopping,
      warn: () => {},
      now: Date.now,
    },
    new RouteTable(echo),
  );
  plain = createServer({ allowHalfOpen: true }, (socket) => server.connect(socket));
  await new Promise<void>((resolve) => plain.listen(PATH, resolve));
});
after(() => void plain.close());

const UPGRADE = 'Connection: Upgrade\r\nUpgrade: tcp\r\n';

test('a connection is taken over, and goes on after the client has ended its half', async () => {
  const c = converse(PATH, `POST /v1.51/echo HTTP/1.1\r\nHost: d\r\n${UPGRADE}\r\nearly`);
  await c.until(/<early>/);
  c.socket.write('late');
  await c.until(/<late>/);
  c.socket.end();
  const all = await c.ended;
  assert.match(
    all,
    /^HTTP\/1\.1 101 UPGRADED\r\nContent-Type: application\/vnd\.docker\.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nApi-Version: 1\.51\r\n/,
  );
  assert.match(all, /\r\n\r\n<early><late>after the end\n$/);
});

test('a body stands before what is sent on the connection', async () => {
  const body = '{"Word":"hello"}';
  const head = `POST /echo?greet=1 HTTP/1.1\r\nHost: d\r\n${UPGRADE}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  const c = converse(PATH, `${head}${body}typed`);
  await c.until(/hello\n<typed>/);
  c.socket.end();
  assert.match(await c.ended, /after the end\n$/);
});

test('the old way, without an upgrade', async () => {
  const c = converse(PATH, 'POST /echo HTTP/1.1\r\nHost: d\r\n\r\n');
  await c.until(/^HTTP\/1\.1 200 OK\r\nContent-Type: application\/vnd\.docker\.raw-stream\r\n[^]*\r\n\r\n/);
  c.socket.write('raw');
  await c.until(/<raw>/);
  c.socket.end();
  assert.match(await c.ended, /\r\n\r\n<raw>after the end\n$/);
});

test('the old way, with a body in chunks as its input', async () => {
  const c = converse(PATH, 'POST /echo HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
  await c.until(/<abc>/);
  c.socket.write('0\r\n\r\n');
  assert.match(await c.ended, /<abc>after the end\n$/);
});

test('a failure before the connection is taken over is an answer', async () => {
  const c = converse(PATH, `POST /echo?fail=1 HTTP/1.1\r\nHost: d\r\n${UPGRADE}\r\n`);
  assert.match(await c.ended, /^HTTP\/1\.1 404 Not Found\r\n[^]*\{"message":"there is nothing"\}\n$/);
});

test('who does not know the protocol answers as without it', async () => {
  const { status } = await ask(PATH, 'GET /lines', { headers: { Connection: 'close, Upgrade', Upgrade: 'websocket' } });
  assert.equal(status, 200);
});

test('lines of JSON, the last of which may be a failure', async () => {
  const { body, head } = await ask(PATH, 'GET /lines');
  assert.match(head, /content-type: application\/json/i);
  assert.equal(body, '{"status":"one"}\r\n{"errorDetail":{"code":3,"message":"it failed"},"error":"it failed"}\r\n');
});

test('a client that goes away stops its request', async () => {
  const c = converse(PATH, 'GET /hang HTTP/1.1\r\nHost: d\r\n\r\n');
  await c.until(/begun/);
  c.socket.destroy();
  while (gone === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(gone.code, 'api.client-gone');
});

test('bodies that are no JSON, of another type, or too large', async () => {
  const message = async (o: Parameters<typeof ask>[2]): Promise<string> => {
    const { status, body } = await ask(PATH, 'POST /typed', o);
    return `${status} ${(JSON.parse(body) as { message?: string; name?: string }).message ?? body}`;
  };
  assert.match(await message({ body: '{' }), /^400 invalid JSON: /);
  assert.equal(await message({ body: '' }), '400 invalid JSON: got EOF while reading request body');
  assert.equal(await message({ body: '[1]' }), '400 invalid JSON: the body must be an object');
  assert.equal(await message({ body: { Name: 3 } }), '400 invalid JSON: Name must be a string');
  assert.equal(
    await message({ body: '{}', headers: { 'Content-Type': 'text/plain' } }),
    "400 unsupported Content-Type header (text/plain): must be 'application/json'",
  );
  assert.match(await message({ body: `{"Name":"${'x'.repeat(5 << 20)}"}` }), /^400 the body of a request has at most/);
  assert.equal((await ask(PATH, 'POST /nothing')).body, '{"message":"page not found"}\n');
  assert.equal((await ask(PATH, 'OPTIONS /typed')).status, 200);
});

/** The server as `slipway serve` has it, until `stop`. */
async function served(o: Partial<ServeOptions> & Pick<ServeOptions, 'hosts'>): Promise<{ hosts: readonly Host[]; stop(): Promise<void> }> {
  const stop = new AbortController();
  const { promise, resolve, reject } = Promise.withResolvers<readonly Host[]>();
  const serving = serveApi({ engine, program, worker, signal: stop.signal, onListening: resolve, warn: () => {}, now: Date.now, ...o });
  serving.catch(reject);
  const hosts = await promise;
  return {
    hosts,
    stop: async () => {
      stop.abort();
      await serving;
    },
  };
}

test('the socket: its mode, a stale one, one that is in use, one that is something else', async () => {
  const path = join(folder, 'sockets/docker.sock');
  const host = { kind: 'unix', path } as const;
  const first = await served({ hosts: [host] });
  assert.equal(lstatSync(path).mode & 0o777, 0o660);
  const { head, body } = await ask(path, 'GET /_ping');
  assert.equal(body, 'OK');
  for (const line of [
    'Api-Version: 1.51',
    'Ostype: linux',
    'Docker-Experimental: false',
    'Server: Slipway/1.2.3 (linux)',
    'Swarm: inactive',
  ])
    assert.ok(head.includes(line), line);
  assert.equal((await ask(path, 'HEAD /_ping')).body, '');
  await assert.rejects(served({ hosts: [host] }), { code: 'api.address-in-use' });
  await first.stop();
  assert.equal(existsSync(path), false);
});

test('a socket that a killed server left, and a file in its place', async () => {
  const path = join(folder, 'stale.sock');
  try {
    execFileSync(
      process.execPath,
      ['-e', `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 9))`],
      { stdio: 'ignore' },
    );
  } catch {
    // it was killed
  }
  assert.ok(existsSync(path));
  const server = await served({ hosts: [{ kind: 'unix', path }] });
  assert.equal((await ask(path, 'GET /_ping')).status, 200);
  await server.stop();
  writeFileSync(path, 'precious');
  await assert.rejects(served({ hosts: [{ kind: 'unix', path }] }), { code: 'api.not-listening' });
  assert.ok(existsSync(path));
});

test('a place that is not needed is left to whoever listens there', async () => {
  const [mine, theirs] = ['mine', 'theirs'].map((name) => ({ kind: 'unix', path: join(folder, `${name}.sock`) }) as const);
  const first = await served({ hosts: [theirs!] });
  const warnings: string[] = [];
  const second = await served({ hosts: [mine!], ifFree: [theirs!], warn: (message) => void warnings.push(message) });
  assert.deepEqual(second.hosts, [mine]);
  assert.deepEqual(warnings, [`somebody listens on unix://${theirs!.path} already`]);
  await first.stop();
  await second.stop();
  const third = await served({ hosts: [mine!], ifFree: [theirs!] });
  assert.equal((await ask(theirs!.path, 'GET /_ping')).status, 200);
  await third.stop();
});

test('a stop waits for the work in hand, and ends what follows for ever', async () => {
  const path = join(folder, 'stop.sock');
  const server = await served({ hosts: [{ kind: 'unix', path }] });
  const resting = converse(path, 'GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n');
  await resting.until(/OK$/);
  await server.stop();
  await resting.ended;
});

/** A request over TCP; the status, or why there is none. */
function overTcp(port: number, headers: Record<string, string>): Promise<number | string> {
  return new Promise((resolve) => {
    const request = httpRequest({ host: '127.0.0.1', port, path: '/_ping', headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on('error', (e) => resolve(e.message)).end();
  });
}

test('tcp without TLS is of this machine alone, and not for pages in its browsers', async () => {
  await assert.rejects(served({ hosts: [{ kind: 'tcp', address: '0.0.0.0', port: 0 }] }), { code: 'api.no-tls' });
  const server = await served({ hosts: [{ kind: 'tcp', address: '127.0.0.1', port: 0 }] });
  const [host] = server.hosts;
  const port = host?.kind === 'tcp' ? host.port : 0;
  assert.equal(await overTcp(port, {}), 200);
  assert.equal(await overTcp(port, { Host: 'localhost:1' }), 200);
  assert.equal(await overTcp(port, { Host: 'rebound.example' }), 403);
  assert.equal(await overTcp(port, { Origin: 'https://evil.example' }), 403);
  await server.stop();
});

test('tcp with TLS asks for a certificate of the client', async () => {
  const certs = join(folder, 'certs');
  mkdirSync(certs);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: certs, stdio: 'ignore' });
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test-ca', '-days', '2');
  for (const name of ['server', 'client']) {
    openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-out',
      `${name}.pem`,
      '-days',
      '2',
    );
  }
  const { readFileSync } = await import('node:fs');
  const file = (name: string): Buffer => readFileSync(join(certs, name));
  const tls = { ca: file('ca.pem'), cert: file('server.pem'), key: file('server.key') };
  const server = await served({ hosts: [{ kind: 'tcp', address: '127.0.0.1', port: 0 }], tls });
  const [host] = server.hosts;
  const port = host?.kind === 'tcp' ? host.port : 0;
  const talk = (client: { cert: Buffer; key: Buffer } | object): Promise<string> =>
    new Promise((resolve) => {
      const socket: Socket = connectTls(
        { port, host: '127.0.0.1', ca: tls.ca, servername: 'server', checkServerIdentity: () => undefined, ...client },
        () => socket.write('GET /_ping HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n'),
      );
      let got = '';
      socket.on('data', (chunk) => (got += chunk.toString()));
      socket.on('close', () => resolve(got)).on('error', () => resolve(got));
    });
  assert.match(await talk({ cert: file('client.pem'), key: file('client.key') }), /^HTTP\/1\.1 200 OK/);
  assert.equal(await talk({}), '');
  await server.stop();
});
