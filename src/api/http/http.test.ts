// Requests read as dockerd reads them: paths, versions, queries, JSON, hosts; and failures told with its statuses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SlipwayError } from '../../model/index.ts';
import { failureOf } from './errors.ts';
import { Fields } from './fields.ts';
import { frame } from './frames.ts';
import { hostText, isLoopback, parseHost } from './hosts.ts';
import { Query, truthOf, untilOf } from './query.ts';
import { get, post, RouteTable } from './routes.ts';
import { splitVersion } from './versions.ts';
import { acceptKey, encodeFrame, FrameReader } from './websocket.ts';

const query = (text: string): Query => new Query(new URLSearchParams(text));

test('versions in paths', () => {
  assert.deepEqual(splitVersion('/v1.43/info'), { minor: 43, rest: '/info' });
  assert.deepEqual(splitVersion('/info'), { minor: 51, rest: '/info' });
  assert.deepEqual(splitVersion('/vegetables'), { minor: 51, rest: '/vegetables' });
  assert.throws(() => splitVersion('/v1.52/info'), { message: 'client version 1.52 is too new. Maximum supported API version is 1.51' });
  assert.throws(() => splitVersion('/v2.0/info'), /too new/);
  assert.throws(() => splitVersion('/v1.23/info'), /too old\. Minimum supported API version is 1\.24, please upgrade your client/);
});

test('routes', () => {
  const handle = async (): Promise<void> => {};
  const table = new RouteTable([
    get('/images/json', handle),
    get('/images/{name...}/json', handle),
    post('/containers/{id}/attach', handle, ['tcp']),
    post('/exec/{id}/start', handle),
  ]);
  const found = (method: string, path: string): string | undefined => {
    const match = table.find(method, path);
    return match && `${match.route.pattern} ${match.params['name'] ?? match.params['id'] ?? ''}`;
  };
  assert.equal(found('GET', '/images/json'), '/images/json ');
  assert.equal(found('GET', '/images/example.com:5000/a/b:1/json'), '/images/{name...}/json example.com:5000/a/b:1');
  assert.equal(found('GET', '/images/sha256%3Aabc/json'), '/images/{name...}/json sha256:abc');
  assert.equal(found('POST', '/containers/web/attach'), '/containers/{id}/attach web');
  for (const [method, path] of [
    ['GET', '/containers/web/attach'],
    ['POST', '/containers/a/b/attach'],
    ['POST', '/containers//attach'],
    ['POST', '/exec/%ff/start'],
    ['POST', '/exec/a/start/'],
  ] as const)
    assert.equal(found(method, path), undefined, path);
});

test('truths, numbers and times of a query', () => {
  const q = query('a=1&b=0&c=no&d=False&e=none&f=&g=x&n=-3&bad=1x&since=1700000000.5&date=2026-11-27T00:00:00Z');
  assert.deepEqual(
    ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'missing'].map((name) => q.flag(name)),
    [true, false, false, false, false, false, true, false],
  );
  assert.equal(q.flag('missing', true), true);
  assert.equal(q.number('n'), -3);
  assert.throws(() => q.number('bad'), { kind: 'invalid-argument' });
  assert.equal(q.moment('since'), 1_700_000_000_500);
  assert.equal(q.moment('date'), Date.UTC(2026, 10, 27));
  assert.throws(() => q.moment('g'), { kind: 'invalid-argument' });
});

test('filters in both forms', () => {
  const allowed = new Set(['label', 'dangling', 'until']);
  const filters = (json: string): [string, string[]][] => [...query(`filters=${encodeURIComponent(json)}`).filters(allowed)];
  assert.deepEqual(filters('{"label":{"a=b":true,"c":true,"not":false}}'), [['label', ['a=b', 'c']]]);
  assert.deepEqual(filters('{"label":["a=b"]}'), [['label', ['a=b']]]);
  assert.deepEqual([...query('').filters(allowed)], []);
  for (const wrong of ['x', '3', '[]', '{"label":"a"}', '{"label":[3]}', '{"label":{"a":"b"}}'])
    assert.throws(() => filters(wrong), { message: 'invalid filter' }, wrong);
  assert.throws(() => filters('{"colour":["red"]}'), { message: "invalid filter 'colour'" });
  assert.equal(truthOf(new Map([['dangling', ['true']]]), 'dangling'), true);
  assert.throws(() => truthOf(new Map([['dangling', ['true', 'false']]]), 'dangling'));
  assert.throws(() => truthOf(new Map([['dangling', ['maybe']]]), 'dangling'), { message: "invalid filter 'dangling=[maybe]'" });
  assert.deepEqual(untilOf(new Map([['until', ['10m']]]), 1_000_000), { until: 400_000 });
  assert.deepEqual(untilOf(new Map([['until', ['500']]]), 1_000_000), { until: 500_000 });
});

test('fields of JSON, each of its type or refused by its name', () => {
  const f = Fields.of({
    Name: 'web',
    Tty: true,
    Memory: 5,
    Half: 0.5,
    Cmd: 'a b',
    Env: ['A=1', 2],
    Labels: { __proto__x: '1', n: 3 },
    HostConfig: { Dns: null },
  });
  assert.equal(f.text('name'), 'web');
  assert.equal(f.flag('TTY'), true);
  assert.equal(f.number('Memory'), 5);
  assert.deepEqual(f.words('Cmd'), ['a b']);
  assert.equal(f.text('missing'), undefined);
  assert.deepEqual(f.object('HostConfig')?.texts('Dns'), undefined);
  assert.throws(() => f.number('Name'), { message: 'invalid JSON: Name must be a number' });
  assert.throws(() => f.number('Half'), { message: 'invalid JSON: Half must be a whole number' });
  assert.throws(() => f.texts('Env'), { message: 'invalid JSON: Env[1] must be a string' });
  assert.throws(() => f.pairs('Labels'), { message: 'invalid JSON: Labels.n must be a string' });
  assert.throws(() => f.object('Name'), { message: 'invalid JSON: Name must be an object' });
  assert.throws(() => Fields.of([]), { message: 'invalid JSON: the body must be an object' });
  Fields.of({ Links: [], CpuCount: 0, StorageOpt: {}, Isolation: '' }).refuse({
    Links: 'x',
    CpuCount: 'x',
    StorageOpt: 'x',
    Isolation: 'x',
  });
  assert.throws(() => Fields.of({ CpuCount: 2 }).refuse({ CpuCount: 'of Windows' }), { message: 'CpuCount is not supported: of Windows' });
});

test('hosts', () => {
  assert.deepEqual(parseHost('unix:///run/x.sock', { tls: false }), { kind: 'unix', path: '/run/x.sock' });
  assert.deepEqual(parseHost('tcp://127.0.0.1', { tls: false }), { kind: 'tcp', address: '127.0.0.1', port: 2375 });
  assert.deepEqual(parseHost('tcp://[::1]:99', { tls: true }), { kind: 'tcp', address: '::1', port: 99 });
  assert.deepEqual(parseHost('tcp://:0', { tls: true }), { kind: 'tcp', address: '0.0.0.0', port: 0 });
  assert.equal(hostText({ kind: 'tcp', address: '::1', port: 2376 }), 'tcp://[::1]:2376');
  for (const wrong of ['', 'unix://run/x', 'http://a', 'tcp://a:b', 'tcp://a:99999', `unix:///${'x'.repeat(120)}`])
    assert.throws(() => parseHost(wrong, { tls: false }), { code: 'api.host' }, wrong);
  assert.deepEqual(['127.1.2.3', '::1', 'localhost', '0.0.0.0', '127.evil.example', '10.0.0.1'].map(isLoopback), [
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
});

test('messages of a WebSocket', () => {
  // RFC 6455, section 1.3
  assert.equal(acceptKey('dGhlIHNhbXBsZSBub25jZQ=='), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  assert.throws(() => acceptKey('short'), { code: 'api.websocket' });
  // section 5.7
  const masked = Buffer.from([0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
  const reader = new FrameReader();
  assert.deepEqual(reader.feed(masked.subarray(0, 3)), []);
  assert.deepEqual(
    reader.feed(Buffer.concat([masked.subarray(3), masked])).map((f) => [f.op, f.data.toString()]),
    [
      [1, 'Hello'],
      [1, 'Hello'],
    ],
  );
  assert.throws(() => new FrameReader().feed(Buffer.from([0x81, 0x05])), { code: 'api.websocket' });
  assert.throws(() => new FrameReader().feed(Buffer.from([0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])), { code: 'api.websocket' });
  assert.deepEqual(encodeFrame(2, Buffer.from('hi')), Buffer.from([0x82, 2, 104, 105]));
  assert.deepEqual(encodeFrame(2, Buffer.alloc(300)).subarray(0, 4), Buffer.from([0x82, 126, 1, 44]));
  assert.deepEqual(encodeFrame(2, Buffer.alloc(70_000)).subarray(0, 10), Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]));
});

test('frames', () => {
  assert.deepEqual(frame('stderr', Buffer.from('hi')), Buffer.from([2, 0, 0, 0, 0, 0, 0, 2, 104, 105]));
});

test('statuses of failures', () => {
  const status = (...[kind, code, message, details]: ConstructorParameters<typeof SlipwayError>): number =>
    failureOf(new SlipwayError(kind, code, message, details)).status;
  assert.equal(status('not-found', 'a', ''), 404);
  assert.equal(status('conflict', 'a', ''), 409);
  assert.equal(status('failed-precondition', 'network.predefined', ''), 403);
  assert.equal(status('process-failed', 'a', '', { exitCode: 127 }), 400);
  assert.equal(status('process-failed', 'a', '', { exitCode: 1 }), 500);
  assert.deepEqual(failureOf(new Error('oh')), { status: 500, message: 'oh' });
});
