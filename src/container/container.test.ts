import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseUlimit } from '../model/index.ts';
import {
  bindings,
  type Container,
  type ContainerRequest,
  filterContainers,
  mergeEnv,
  parseVolume,
  portsText,
  publishedPorts,
  statusText,
} from './index.ts';
import { checkRequest, PLAIN_REQUEST } from './request.ts';
import { checkName, randomName } from './names.ts';
import { exposedPorts, processSettings } from './settings.ts';

const request: ContainerRequest = { ...PLAIN_REQUEST, image: 'i' };

function container(o: Partial<Omit<Container, 'state'>> & { state?: Partial<Container['state']> } = {}): Container {
  return {
    id: 'a'.repeat(64),
    name: 'c',
    imageId: `sha256:${'b'.repeat(64)}`,
    imageName: 'busybox',
    createdAt: 0,
    snapshotId: 1,
    request,
    process: { entrypoint: [], cmd: ['true'], env: [], workdir: '/', user: '', stopSignal: 'SIGTERM', stopTimeout: 10 },
    labels: {},
    hostname: 'h',
    exposed: [],
    mounts: [],
    ...o,
    state: { status: 'running', pid: 1, exitCode: 0, error: '', startedAt: 0, ...o.state },
  };
}

for (const [what, config, given, expected] of [
  ["the image's command", { Cmd: ['a'] }, {}, [[], ['a']]],
  ['arguments replace the command', { Entrypoint: ['e'], Cmd: ['a'] }, { args: ['b'] }, [['e'], ['b']]],
  ['an entrypoint clears the command', { Entrypoint: ['e'], Cmd: ['a'] }, { entrypoint: ['x'] }, [['x'], []]],
  ['an empty entrypoint', { Entrypoint: ['e'], Cmd: ['a'] }, { entrypoint: [], args: ['b'] }, [[], ['b']]],
] as const) {
  test(`process: ${what}`, () => {
    const p = processSettings(config as never, { ...request, ...given });
    assert.deepEqual([p.entrypoint, p.cmd], expected);
  });
}

test('process: nothing to run, and what else comes from where', () => {
  assert.throws(() => processSettings({}, request), { code: 'container.no-command', exitCode: 125 });
  const p = processSettings(
    { Cmd: ['a'], Env: ['A=1', 'B=2'], User: 'u', WorkingDir: '/w', StopSignal: 'SIGINT' },
    { ...request, env: ['B=3', 'A'], user: 'v', stopTimeout: 1 },
  );
  assert.deepEqual(p.env, ['B=3']);
  assert.deepEqual([p.user, p.workdir, p.stopSignal, p.stopTimeout], ['v', '/w', 'SIGINT', 1]);
  assert.deepEqual(mergeEnv(['A=1'], ['A=2', 'B=']), ['A=2', 'B=']);
});

test('ports that are exposed', () => {
  const ports = [{ hostIp: '', hostPort: 0, containerPort: 443, protocol: 'tcp' as const }];
  assert.deepEqual(
    exposedPorts({ ExposedPorts: { '80/tcp': {}, '53/udp': {} } }, { ...request, expose: ['100', '8000-8001/udp'], ports }),
    ['53/udp', '80/tcp', '100/tcp', '443/tcp', '8000/udp', '8001/udp'],
  );
});

for (const [state, text] of [
  [{ status: 'created' }, 'Created'],
  [{ status: 'running', startedAt: 60_000 }, 'Up 2 minutes'],
  [{ status: 'exited', exitCode: 3, finishedAt: 177_000 }, 'Exited (3) 3 seconds ago'],
  [{ status: 'removing' }, 'Removal In Progress'],
] as const) {
  test(`status ${text}`, () => assert.equal(statusText(container({ state }), 180_000), text));
}

test('the PORTS column and `port`', () => {
  const attachment = { network: 'bridge', ip: '', prefixLength: 16, gateway: '', mac: '', dns: [] };
  const p = (containerPort: number, hostPort: number, hostIp = '', protocol: 'tcp' | 'udp' = 'tcp') => ({
    hostIp,
    hostPort,
    containerPort,
    protocol,
  });
  const show = (ports: ReturnType<typeof p>[], exposed: string[]): string =>
    portsText(container({ exposed, network: { ...attachment, ports } }));
  assert.equal(show([p(80, 32768)], ['80/tcp']), '0.0.0.0:32768->80/tcp');
  assert.equal(show([p(80, 8080, '127.0.0.1')], ['80/tcp', '443/tcp', '444/tcp']), '443-444/tcp, 127.0.0.1:8080->80/tcp');
  assert.equal(
    show([p(8000, 9000, '127.0.0.1'), p(8001, 9001, '127.0.0.1'), p(8001, 9001, '127.0.0.1', 'udp')], []),
    '127.0.0.1:9000->8000/tcp, 127.0.0.1:9001->8001/tcp, 127.0.0.1:9001->8001/udp',
  );
  assert.equal(portsText(container({ exposed: ['80/tcp'], state: { status: 'exited' } })), '');
  const c = container({ network: { ...attachment, ports: [p(80, 1), p(53, 2, '1.2.3.4', 'udp')] } });
  assert.deepEqual(
    publishedPorts(c).map((x) => x.port),
    ['53/udp', '80/tcp'],
  );
  assert.deepEqual(publishedPorts(c, '53'), []);
  assert.deepEqual(publishedPorts(c, '53/udp'), [{ hostIp: '1.2.3.4', hostPort: 2, port: '53/udp' }]);
  assert.deepEqual(bindings(p(1, 1)), [{ hostIp: '0.0.0.0', hostPort: 1 }]);
});

for (const [spec, expected] of [
  ['/data', { destination: '/data', readonly: false }],
  ['/src:/dst', { source: '/src', destination: '/dst', readonly: false }],
  ['name:/dst/:ro', { source: 'name', destination: '/dst/', readonly: true }],
  ['/a/../b:/dst:ro,rslave,z', { source: '/b', destination: '/dst', readonly: true, propagation: 'rslave' }],
  ['n:/d:nocopy', { source: 'n', destination: '/d', readonly: false, noCopy: true }],
] as const) {
  test(`volume ${spec}`, () => assert.deepEqual(parseVolume(spec), expected));
}
for (const bad of ['', ':', 'a:', ':/b', './a:/b', '/a:b', '/a:/', '/a:/b:sideways', '/a:/b:ro:x']) {
  test(`no volume: ${bad}`, () => assert.throws(() => parseVolume(bad), { kind: 'invalid-argument', exitCode: 125 }));
}

test('limits', () => {
  assert.deepEqual(parseUlimit('nofile=1024:2048'), { name: 'nofile', soft: 1024, hard: 2048 });
  assert.deepEqual(parseUlimit('core=unlimited'), { name: 'core', soft: -1, hard: -1 });
  for (const bad of ['nofile', 'nofile=', 'nofile=2:1', 'bogus=1', 'nofile=-1:5', 'nofile=1:2:3'])
    assert.throws(() => parseUlimit(bad), { kind: 'invalid-argument' });
});

test('filters of ps', () => {
  const all = [
    container({ name: 'web1', id: '1a'.repeat(32), labels: { a: '1' }, createdAt: 3 }),
    container({ name: 'web2', id: '2b'.repeat(32), labels: { a: '2', b: '' }, createdAt: 2, state: { status: 'exited', exitCode: 1 } }),
    container({ name: 'db', id: '3c'.repeat(32), createdAt: 1 }),
  ];
  const names = (...f: string[]): string[] => filterContainers(all, f).map((c) => c.name);
  assert.deepEqual(names(), ['web1', 'web2', 'db']);
  assert.deepEqual(names('name=web'), ['web1', 'web2']);
  assert.deepEqual(names('name=^/db$'), ['db']);
  assert.deepEqual(names('label=a', 'label=b'), ['web2']);
  assert.deepEqual(names('label=a=1'), ['web1']);
  assert.deepEqual(names('status=running', 'status=exited'), ['web1', 'web2', 'db']);
  assert.deepEqual(names('exited=1'), ['web2']);
  assert.deepEqual(names('ancestor=busybox:latest', 'id=1a'), ['web1']);
  assert.deepEqual(names('before=web2'), ['db']);
  assert.deepEqual(names('since=db'), ['web1', 'web2']);
  for (const bad of [
    'name',
    'colour=red',
    'status=asleep',
    'name=(',
    'exited=x',
    'health=well',
    'is-task=x',
    'publish=x',
    'publish=2-1',
    'expose=70000',
  ])
    assert.throws(() => names(bad), { code: 'container.invalid-filter' });
  assert.throws(() => names('health=well'), { message: /: must be one of none, starting, healthy, unhealthy$/ });
});

test('filters of ps: ports, folders, and what one machine has no two kinds of', () => {
  const published = { network: 'bridge', ports: [{ hostPort: 8080, containerPort: 80, protocol: 'udp' }] } as unknown as NonNullable<
    Container['network']
  >;
  const mounts: Container['mounts'] = [{ type: 'bind', source: '/src', destination: '/dst', readonly: false }];
  const all = [
    container({ name: 'a', id: '1a'.repeat(32), exposed: ['80/udp', '443/tcp'], network: published, mounts }),
    container({ name: 'b', id: '2b'.repeat(32) }),
  ];
  const names = (...f: string[]): string[] => filterContainers(all, f).map((c) => c.name);
  for (const found of ['publish=8080/udp', 'publish=8000-9000/UDP', 'expose=80/udp', 'expose=440-450', 'volume=/src', 'volume=/dst'])
    assert.deepEqual(names(found), ['a'], found);
  for (const nothing of ['publish=8080', 'publish=80/udp', 'expose=80', 'volume=/', 'health=healthy', 'is-task=true', 'isolation=hyperv'])
    assert.deepEqual(names(nothing), [], nothing);
  for (const everything of ['health=none', 'is-task=false', 'isolation=default'])
    assert.deepEqual(names(everything), ['a', 'b'], everything);
});

test('names', () => {
  for (let i = 1; i < 6; i++) assert.doesNotThrow(() => checkName(randomName(i)));
  for (const bad of ['', 'x', '-ab', 'a/b', 'a b']) assert.throws(() => checkName(bad), { code: 'container.invalid-name' });
});

const asked = (o: Partial<ContainerRequest>): ContainerRequest => ({ ...request, ...o });

for (const [o, message] of [
  [{ workdir: 'rel' }, "the working directory 'rel' is invalid, it needs to be an absolute path"],
  [{ memory: 1 << 20 }, 'Minimum memory limit allowed is 6MB'],
  [{ nanoCpus: 100e9 }, 'range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available'],
  [{ volumes: [parseVolume('a:/x'), parseVolume('b:/x/')] }, 'Duplicate mount point: /x/'],
  [{ volumes: [parseVolume('a:/x')], tmpfs: ['/x:ro'] }, 'Duplicate mount point: /x'],
  [{ tmpfs: ['rel'] }, "invalid mount path: 'rel' mount path must be absolute"],
  [{ tmpfs: ['/t:foo'] }, 'invalid tmpfs option "foo"'],
  [{ tmpfs: ['/t:ro=1'] }, 'invalid tmpfs option "ro"'],
  [{ stopSignal: 'FOO' }, 'invalid signal: FOO'],
] as const)
  test(`no request: ${message}`, () => assert.throws(() => checkRequest(asked(o), 2), { message, exitCode: 125 }));

for (const o of [
  { workdir: '/w', memory: 6 << 20, nanoCpus: 2e9, tmpfs: ['/x', '/y:rw,size=1m,mode=755'] },
  { memory: 0, nanoCpus: 0, pidsLimit: -1, stopSignal: '9' },
])
  test(`a request that is fine: ${Object.keys(o).join()}`, () => checkRequest(asked(o), 2));

test('a path of a volume without a source begins at the root; one with a source is absolute', () => {
  assert.equal(parseVolume('rel').destination, '/rel');
  for (const relative of ['a:b/../c', 'a:b/..', '/tmp:b']) assert.throws(() => parseVolume(relative), /mount path must be absolute/);
  for (const root of ['/', '/tmp:/']) assert.throws(() => parseVolume(root), /destination can't be '\/'/);
});
