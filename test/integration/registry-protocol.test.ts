// How registries are spoken to, where a real one cannot be made to behave so: a server of the test's own answers.
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { statusError } from '../../src/registry/errors.ts';
import { drop, Http, readSmall } from '../../src/registry/http.ts';
import { ANONYMOUS, Registries } from '../../src/registry/index.ts';
import { parseReference, sha256, SlipwayError } from '../../src/model/index.ts';

const servers: Server[] = [];
after(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

/** `127.0.0.1:PORT` of a server that answers so. */
async function serve(answer: (req: IncomingMessage, res: ServerResponse, host: string) => void): Promise<string> {
  let host = '';
  const server = createServer((req, res) => {
    req.resume();
    answer(req, res, host);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (host = `127.0.0.1:${(server.address() as AddressInfo).port}`);
}

const { signal } = new AbortController();
const settings = { hosts: {}, certificates: [], environment: {} };

test('a token that is refused for the neighbour hinders nothing but taking over from it', async () => {
  const seen: string[] = [];
  const host = await serve((req, res, self) => {
    const url = new URL(req.url ?? '/', `http://${self}`);
    if (url.pathname === '/token') {
      const scopes = url.searchParams.getAll('scope').join(' ');
      return void (scopes.includes('theirs') ? res.writeHead(403).end() : res.end(JSON.stringify({ token: 'ours' })));
    }
    if (req.headers.authorization !== 'Bearer ours')
      return void res.writeHead(401, { 'www-authenticate': `Bearer realm="http://${self}/token",service="s"` }).end();
    seen.push(`${req.method} ${url.pathname}`);
    res.writeHead(url.pathname === '/v2/' ? 200 : 404).end();
  });
  using registries = new Registries(settings, ANONYMOUS, signal);
  const repository = registries.repository(parseReference(`${host}/ours`), 'pull,push', ['theirs']);
  const digest = sha256('a');
  assert.equal(await repository.blobSize(digest), undefined);
  assert.equal(await repository.mount(digest, 'theirs'), false);
  assert.deepEqual(seen, [`HEAD /v2/ours/blobs/${digest}`]);
});

test('a registry that refuses to take a blob over gets its bytes', async () => {
  let refusal = 401;
  const host = await serve((req, res, self) => {
    const url = new URL(req.url ?? '/', `http://${self}`);
    if (url.pathname === '/token') {
      const theirs = url.searchParams.getAll('scope').join(' ').includes('theirs');
      return void (theirs && refusal === 404 ? res.writeHead(404).end() : res.end(JSON.stringify({ token: 'ours' })));
    }
    if (req.headers.authorization !== 'Bearer ours' || url.searchParams.has('mount'))
      return void res
        .writeHead(req.headers.authorization === undefined ? 401 : refusal, { 'www-authenticate': `Bearer realm="http://${self}/token"` })
        .end();
    if (req.method === 'POST') return void res.writeHead(202, { location: `/v2/ours/blobs/uploads/1` }).end();
    res.writeHead(201).end();
  });
  for (refusal of [401, 403, 404, 405]) {
    using registries = new Registries(settings, ANONYMOUS, signal);
    const repository = registries.repository(parseReference(`${host}/ours`), 'pull,push', ['theirs']);
    assert.equal(await repository.mount(sha256('a'), 'theirs'), false, String(refusal));
    await repository.putBlob(sha256('a'), Buffer.from('a'));
  }
});

test('a registry may be silent for long while it commits, and not while it is read', async () => {
  let committing: ServerResponse | undefined;
  const host = await serve((req, res) => void (req.method === 'PUT' && (committing = res)));
  const http = new Http(settings, { connect: 10_000, idle: 50, commit: 600_000 });
  const url = new URL(`http://${host}/`);
  const put = http.send({ method: 'PUT', url, body: Buffer.from('x'), signal });
  await assert.rejects(http.send({ method: 'GET', url, signal, attempts: 1 }), {
    code: 'registry.unreachable',
    message: /no answer .* in time/,
  });
  committing!.writeHead(201).end();
  assert.equal((await put).status, 201);
  http.close();
});

test('a registry that trickles an answer is given up, one that does not end an answer nobody reads is cut off', async () => {
  const host = await serve((_, res) => {
    const drip = setInterval(() => res.write('x'), 1);
    res.on('close', () => clearInterval(drip));
  });
  const http = new Http(settings, { connect: 10_000, idle: 10_000, commit: 10_000, pace: { window: 50, least: 4096 } });
  const url = new URL(`http://${host}/`);
  await assert.rejects(readSmall(await http.send({ method: 'GET', url, signal })), {
    code: 'registry.unreachable',
    message: `Get "http://${host}/v2/": ${host} sends next to nothing`,
  });
  await drop(await http.send({ method: 'GET', url, signal }));
  http.close();
});

test('what fails on this machine is not tried at the next registry', async () => {
  const mirrored = { ...settings, hosts: { 'example.test': { mirrors: ['http://127.0.0.1:1'] } } };
  using registries = new Registries(mirrored, ANONYMOUS, signal);
  const asked: string[] = [];
  const reading = (kind: 'no-space' | 'unavailable') =>
    registries.reading(parseReference('example.test/app'), async (repository) => {
      asked.push(repository.host.name);
      throw new SlipwayError(kind, 'x', 'x');
    });
  await assert.rejects(reading('no-space'), { kind: 'no-space' });
  assert.deepEqual(asked.splice(0), ['127.0.0.1:1']);
  await assert.rejects(reading('unavailable'), { kind: 'unavailable' });
  assert.deepEqual(asked, ['127.0.0.1:1', 'example.test']);
});

test('an answer without success has the kind that its status says', () => {
  const kinds = {
    400: 'invalid-argument',
    401: 'permission-denied',
    404: 'not-found',
    405: 'unsupported',
    408: 'unavailable',
    409: 'conflict',
  };
  const all = { ...kinds, 410: 'not-found', 429: 'unavailable', 500: 'unavailable', 503: 'unavailable' };
  for (const [status, kind] of Object.entries(all)) {
    const error = statusError(Number(status), Buffer.alloc(0), 'get x', new URL('http://h'));
    assert.deepEqual([error.kind, error.code], [kind, `registry.status-${status}`]);
  }
});

test('a list of tags that makes no sense is refused', async () => {
  const answers = ['[', '['.repeat(200_000)];
  const host = await serve((req, res) => void res.end(req.url === '/v2/' ? '{}' : answers.shift()));
  using registries = new Registries(settings, ANONYMOUS, signal);
  const repository = registries.repository(parseReference(`${host}/app`), 'pull');
  for (let i = 0; i < 2; i++) await assert.rejects(repository.tags(), { kind: 'data-loss', code: 'registry.malformed' });
});
