// Every route with what no client should send: an answer with a message, never a failure of the server's own, and never a stack.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { API_ROUTES } from '../../src/api/serve.ts';
import { type ApiServer, apiServer } from '../support/api-server.ts';
import { converse } from '../support/raw-http.ts';

let api: ApiServer;
before(async () => {
  api = await apiServer();
});
after(() => api.close());

const BODIES: readonly unknown[] = [
  '',
  '{',
  '[]',
  'null',
  '3',
  { HostConfig: [] },
  { Name: 3, Image: {}, Container: [], Cmd: 5, Env: [1], Labels: [] },
  { name: '\u0000' },
];
const QUERIES = [
  '',
  '?filters=x',
  '?filters=[]',
  '?filters={"label":3}',
  '?limit=x&t=x&h=x&w=-1&since=x&until=x&tail=x&signal=NOTHING&condition=x',
  '?path=%00&name=%00&names=%00&repo=%00&tag=%00&fromImage=%00&term=%00&t=%00&id=%00',
  '?platform=%7B&buildargs=%7B&labels=3&cachefrom=3&ulimits=3&outputs=x&version=9&fromSrc=http://x&type=x&container=%00',
];
/** That follow something for ever, or ask registries. */
const APART = new Set(['GET /events', 'GET /images/search', 'GET /distribution/{name...}/json', 'POST /images/create', 'POST /auth']);
/** Workers do these: a few attempts are enough. */
const SLOW = new Set([
  'POST /images/load',
  'POST /build',
  ...['containers', 'images', 'volumes', 'build'].map((kind) => `POST /${kind}/prune`),
]);
/** Nothing is there of this name: whatever is wrong besides, the answer is one of these. */
const EXPECTED = new Set([200, 201, 204, 304, 400, 401, 403, 404, 409, 501, 503]);

test('what is wrong is told', async () => {
  const failures: string[] = [];
  for (const { method, pattern } of API_ROUTES) {
    if (method === 'HEAD' || APART.has(`${method} ${pattern}`)) continue;
    const path = pattern.replaceAll(/\{[^}]+\}/g, 'nobody-of-this-name');
    const attempts = [
      ...QUERIES.map((query) => ({ query, body: method === 'GET' ? undefined : {} })),
      ...(method === 'GET' || method === 'DELETE' ? [] : BODIES.map((body) => ({ query: '', body }))),
    ];
    const some = SLOW.has(`${method} ${pattern}`) ? attempts.slice(-2) : attempts;
    for (const { query, body } of some) {
      const { status, body: text, json } = await api.request(`${method} /v1.51${path}${query}`, body);
      const told = `${method} ${path}${query} ${JSON.stringify(body)}: ${status} ${text.slice(0, 200)}`;
      const isTold = status < 400 || (typeof json?.message === 'string' && json.message !== '' && !/\n\s+at /.test(json.message));
      if (!EXPECTED.has(status) || !isTold) failures.push(told);
    }
  }
  assert.deepEqual(failures, []);
});

test('bodies that are no bodies, and too large ones', async () => {
  const json = 'Host: d\r\nContent-Type: application/json\r\n';
  const post = (rest: string): string => `POST /v1.51/containers/create HTTP/1.1\r\n${json}${rest}`;
  for (const [text, status] of [
    [post('Transfer-Encoding: chunked\r\n\r\nnonsense\r\n'), 400],
    [post('Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n{}\r\n'), 400],
    [post('Transfer-Encoding: gzip\r\n\r\n{}'), 400],
    [post('Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'), 400],
    [post('Content-Length: -1\r\n\r\n'), 400],
    [post('Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}'), 400],
    [post(`Content-Length: 5000000\r\nConnection: close\r\n\r\n{"a":"${'x'.repeat(4_999_991)}"}`), 400],
    [post(`${'X-Header: value\r\n'.repeat(20_000)}\r\n`), 431],
    [`GET /v1.51/info HTTP/1.1\r\n\r\n`, 400], // no Host
  ] as const)
    assert.match(await converse(api.path, text).ended, new RegExp(`^HTTP/1\\.1 ${status} `), text.slice(0, 150));
  for (const version of ['v1', 'v1.', 'v9.99', 'v1.23', 'v1.51x', 'v-1.5', 'v1.99999999999999999999']) {
    const { status, json: told } = await api.request(`GET /${version}/info`);
    assert.ok(status === 400 || status === 404, `${version}: ${status}`);
    assert.equal(typeof told.message, 'string');
  }
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  assert.equal((await api.request('POST /containers/create', `{"Image":"tiny","Env":${deep}}`)).status, 400);
  assert.equal(
    (await api.request('POST /containers/create', { Image: 'tiny', Nobody: { knows: 1 }, HostConfig: { NetworkMode: 'none', Nor: [2] } }))
      .status,
    201,
  );
});

/** JSON of every type in the place of each field that a request may have. */
const FIELDS = [
  'Image',
  'Cmd',
  'Entrypoint',
  'Env',
  'Labels',
  'ExposedPorts',
  'Volumes',
  'Healthcheck',
  'HostConfig',
  'NetworkingConfig',
  'Tty',
  'User',
  'StopTimeout',
];
const HOST_FIELDS = [
  'Binds',
  'Mounts',
  'PortBindings',
  'Memory',
  'NanoCpus',
  'RestartPolicy',
  'Ulimits',
  'LogConfig',
  'CapAdd',
  'Tmpfs',
  'Sysctls',
  'ShmSize',
  'Devices',
  'NetworkMode',
  'ExtraHosts',
  'Dns',
];
const VALUES: readonly unknown[] = [
  -1,
  1.5,
  1e300,
  'text',
  true,
  [],
  [[]],
  [null],
  {},
  { a: { b: [] } },
  { '/': 1 },
  ['\u0000'],
  [{ Type: 5 }],
];

test('every type in the place of every field', async () => {
  const failures: string[] = [];
  for (const [host, name] of [...FIELDS.map((one) => [false, one] as const), ...HOST_FIELDS.map((one) => [true, one] as const)])
    for (const value of VALUES) {
      // no such image: whatever is well formed fails with 404, and no container is made
      const body = { Image: 'nobody', ...(host ? { HostConfig: { [name]: value } } : { [name]: value }) };
      const { status, json, body: text } = await api.request('POST /containers/create', body);
      if (status < 400 || status >= 500 || typeof json?.message !== 'string' || /\n\s+at /.test(text))
        failures.push(`${JSON.stringify(body)}: ${status} ${text.trim()}`);
    }
  assert.deepEqual(failures, []);
});

test('what is no HTTP', async () => {
  for (const text of [
    'GARBAGE\r\n\r\n',
    'GET /_ping HTTP/9.9\r\n\r\n',
    `GET /${'x'.repeat(300_000)} HTTP/1.1\r\n\r\n`,
    'GET /\u0000 HTTP/1.1\r\n\r\n',
  ])
    assert.match(await converse(api.path, text).ended, /^(?:HTTP\/1\.1 4\d\d|$)/);
  assert.equal((await api.request('GET /_ping')).body, 'OK');
});
