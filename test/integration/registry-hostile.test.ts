// Registries that mean harm: what they answer costs no credentials, no endless work, and nothing but a clear error.
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { encodeJson, MediaType, parseReference, sha256, SlipwayError } from '../../src/model/index.ts';
import { Http } from '../../src/registry/http.ts';
import { ANONYMOUS, copy, type Credentials, parsePlace, Registries } from '../../src/registry/index.ts';

const servers: Server[] = [];
after(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

type Answer = (req: IncomingMessage, res: ServerResponse, host: string) => void;

/** `127.0.0.1:PORT` of a server that answers so; it knows `/v2/`. */
async function serve(answer: Answer, address = '127.0.0.1'): Promise<string> {
  const server = createServer((req, res) => {
    req.resume();
    if (req.url === '/v2/') res.end('{}');
    else answer(req, res, host);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const host = `${address}:${(server.address() as AddressInfo).port}`;
  return host;
}

const { signal } = new AbortController();
const settings = { hosts: {}, certificates: [], environment: {} };
const me: Credentials = { username: 'me', password: 'hidden' };
const digest = sha256('a');

function open(host: string, credentials?: Credentials, insecure = false): Registries {
  const hosts = insecure ? { [host]: { insecure } } : {};
  return new Registries({ ...settings, hosts }, credentials ? { get: async () => credentials } : ANONYMOUS, signal);
}

/** Writes for as long as somebody reads. */
function endless(res: ServerResponse): void {
  const piece = Buffer.alloc(64 << 10, ' ');
  const more = (): void => {
    while (!res.destroyed && res.write(piece));
    if (!res.destroyed) res.once('drain', more);
  };
  more();
}

test('a host that a registry redirects to does not say where credentials are sent', async () => {
  const asked: string[] = [];
  const thief = await serve((req, res) => {
    asked.push(`${req.url} ${req.headers.authorization ?? 'nothing'}`);
    res.end('{"token":"t"}');
  });
  const storage = await serve((_req, res) =>
    res.writeHead(401, { 'www-authenticate': `Bearer realm="http://${thief}/token",service="s"` }).end(),
  );
  const host = await serve((req, res) => res.writeHead(307, { location: `http://${storage}${req.url}` }).end());
  using registries = open(host, me);
  const repository = registries.repository(parseReference(`${host}/app`), 'pull');
  await assert.rejects(repository.manifest('1'), { kind: 'permission-denied' });
  assert.deepEqual(asked, []);
});

test('credentials for HTTPS are not sent by plain HTTP to the same host', async () => {
  const { Host } = await import('../../src/registry/host.ts');
  const sent: (string | undefined)[] = [];
  const http = {
    send: async (r: { url: URL; headers?: Record<string, string> }) => {
      sent.push(`${r.url.origin} ${r.headers?.['authorization'] ?? 'nothing'}`);
      return { status: 200, headers: {}, url: r.url, body: undefined };
    },
  } as unknown as Http;
  const registryToken = 'mine';
  const host = new Host('https://h.test', { http, insecure: false, signal, credentials: async () => ({ registryToken }) });
  for (const url of ['https://h.test/v2/x', 'http://h.test/v2/x']) await host.send({ method: 'GET', path: new URL(url), scopes: [] });
  assert.deepEqual(sent, ['https://h.test Bearer mine', 'http://h.test nothing']);
});

test('answers without an end, where nobody wants to know them', async () => {
  let kind = 302;
  const host = await serve((_req, res) => {
    res.writeHead(kind, { location: '/v2/', 'retry-after': '0', 'www-authenticate': 'Basic realm="x"' });
    endless(res);
  });
  for (kind of [302, 401, 503, 404, 200]) {
    using registries = open(host, me);
    const repository = registries.repository(parseReference(`${host}/app`), 'pull');
    await assert.rejects(repository.manifest('1'), (e) => e instanceof SlipwayError, String(kind));
  }
});

test('addresses that are none, or of another kind', async () => {
  for (const [location, message] of [
    ['http://', /is no address/],
    ['file:///etc/passwd', /of the kind file:/],
    ['ftp://127.0.0.1/x', /of the kind ftp:/],
    ['gopher:x', /of the kind gopher:/],
  ] as const) {
    const host = await serve((req, res) => res.writeHead(req.method === 'POST' ? 202 : 307, { location }).end());
    using registries = open(host);
    const repository = registries.repository(parseReference(`${host}/app`), 'pull,push');
    await assert.rejects(repository.manifest('1'), { code: 'registry.redirects', message });
    await assert.rejects(repository.putBlob(digest, Buffer.from('a')), { code: 'registry.redirects', message });
  }
  const host = await serve((_req, res) => res.writeHead(200, { link: '<file:///etc/passwd>; rel="next"' }).end('{"tags":["a"]}'));
  using registries = open(host);
  await assert.rejects(registries.repository(parseReference(`${host}/app`), 'pull').tags(), { code: 'registry.redirects' });
});

test('a registry elsewhere leads nobody to this machine', async () => {
  const asked: (string | undefined)[] = [];
  const local = await serve((req, res) => {
    asked.push(req.url);
    res.end('{"token":"t"}');
  });
  // an address of no interface: to Slipway it is another machine, to the kernel it is this one
  const elsewhere = await serve((req, res) => res.writeHead(307, { location: `http://${local}${req.url}` }).end(), '0.0.0.0');
  using registries = open(elsewhere, undefined, true);
  const repository = registries.repository(parseReference(`${elsewhere}/app`), 'pull');
  await assert.rejects(repository.manifest('1'), { code: 'registry.redirects', message: /redirects to this machine/ });
  assert.deepEqual(asked, []);
});

test('tokens that are no tokens', async () => {
  for (const token of ['a\r\nx-evil: 1', 'a b', 'ü', '']) {
    const host = await serve((req, res, self) => {
      if (req.url?.startsWith('/token')) return void res.end(JSON.stringify({ token }));
      res.writeHead(401, { 'www-authenticate': `Bearer realm="http://${self}/token"` }).end();
    });
    using registries = open(host, me);
    const repository = registries.repository(parseReference(`${host}/app`), 'pull');
    await assert.rejects(repository.manifest('1'), { code: 'registry.token', kind: 'data-loss' });
  }
});

test('lists of lists that name one manifest thousands of times are copied once', async () => {
  const config = encodeJson({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } });
  const describe = (mediaType: string, bytes: Buffer) => ({ mediaType, digest: sha256(bytes), size: bytes.length });
  const image = encodeJson({
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: describe(MediaType.ociConfig, config),
    layers: [],
  });
  const documents = new Map([[sha256(image) as string, image]]);
  let [top, type]: [Buffer, string] = [image, MediaType.ociManifest];
  for (let level = 0; level < 4; level++) {
    const manifests = Array.from({ length: 100 }, () => describe(type, top));
    [top, type] = [encodeJson({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests }), MediaType.ociIndex];
    documents.set(sha256(top), top);
  }
  const seen: string[] = [];
  const host = await serve((req, res) => {
    const name = decodeURIComponent(req.url!.split('/').at(-1)!);
    if (req.method === 'PUT') return void res.writeHead(201).end();
    if (req.url!.includes('/blobs/')) return void res.end(config);
    seen.push(name);
    const bytes = name === '1' ? top : documents.get(name)!;
    res.end(bytes);
  });
  using registries = open(host);
  await copy(registries, parsePlace(`docker://${host}/from:1`), parsePlace(`docker://${host}/to:1`), {
    signal,
    all: true,
    compression: { kind: 'gzip', level: 1 },
  });
  assert.equal(seen.length, 5);
});
