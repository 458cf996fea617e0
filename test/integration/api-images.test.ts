// Images, networks, volumes, events and disk usage by Docker's API.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ApiServer, apiServer } from '../support/api-server.ts';
import { converse } from '../support/raw-http.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';

let api: ApiServer;
let registry: TestRegistry;
before(async () => {
  api = await apiServer();
  registry = await startRegistry({ folder: join(api.folder, 'registry') });
});
after(async () => {
  await registry.stop();
  await api.close();
});

const TAR = { 'Content-Type': 'application/x-tar' };
/** A tar with one file. */
function archive(content: string): Buffer {
  const folder = join(api.folder, 'import');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'file'), content);
  return execFileSync('tar', ['cf', '-', '-C', folder, 'file']);
}

const lines = (body: string): Record<string, any>[] =>
  body
    .split('\r\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, any>);
const auth = (o: object): Record<string, string> => ({ 'X-Registry-Auth': Buffer.from(JSON.stringify(o)).toString('base64url') });
const filters = (o: object): string => encodeURIComponent(JSON.stringify(o));

test('import, list, inspect, history, tag, remove', async () => {
  const imported = await api.request(
    'POST /images/create?fromSrc=-&repo=lab/app&tag=1&message=made&changes=CMD+%5B%22a%22%5D',
    archive('one'),
    TAR,
  );
  assert.equal(imported.status, 200, imported.body);
  const id = lines(imported.body)[0]?.['status'] as string;
  assert.match(id, /^sha256:/);
  const { json: list } = await api.request(`GET /images/json?filters=${filters({ reference: ['lab/*'] })}`);
  assert.equal(list.length, 1);
  assert.deepEqual(Object.keys(list[0]), [
    'Containers',
    'Created',
    'Id',
    'Labels',
    'ParentId',
    'RepoDigests',
    'RepoTags',
    'SharedSize',
    'Size',
  ]);
  assert.deepEqual([list[0].Id, list[0].RepoTags, list[0].Containers], [id, ['lab/app:1'], 0]);
  const { json: image } = await api.request('GET /images/lab/app:1/json');
  assert.deepEqual([image.Id, image.Config.Cmd, image.Os, image.Comment], [id, ['a'], 'linux', 'made']);
  const { json: history } = await api.request('GET /images/lab/app:1/history');
  assert.deepEqual(Object.keys(history[0]), ['Comment', 'Created', 'CreatedBy', 'Id', 'Size', 'Tags']);
  assert.deepEqual(history[0].Tags, ['lab/app:1']);
  assert.equal((await api.request('POST /images/lab/app:1/tag?repo=lab/other&tag=2')).status, 201);
  assert.deepEqual((await api.request('DELETE /images/lab/other:2')).json, [{ Untagged: 'lab/other:2' }]);
  const { json: removed } = await api.request('DELETE /images/lab/app:1');
  assert.deepEqual(removed.slice(0, 2), [{ Untagged: 'lab/app:1' }, { Deleted: id }]);
  for (const line of [
    'GET /images/lab/app:1/json',
    'DELETE /images/lab/app:1',
    'POST /images/lab/app:1/tag?repo=a',
    'GET /images/lab/app:1/get',
  ]) {
    const { status, json } = await api.request(line);
    assert.deepEqual([status, json.message], [404, 'No such image: lab/app:1'], line);
  }
  assert.equal((await api.request('POST /images/create?fromSrc=http://example.com/a.tar')).status, 501);
});

test('save and load', async () => {
  await api.request('POST /images/create?fromSrc=-&repo=kept', archive('two'), TAR);
  const chunks: Buffer[] = [];
  const c = converse(api.path, 'GET /images/get?names=kept HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n');
  c.socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const all = await c.ended;
  assert.match(all, /^HTTP\/1\.1 200 OK/);
  // the end of the chunks, which only comes when the archive is whole
  assert.ok(all.endsWith('0\r\n\r\n'));
  const raw = Buffer.concat(chunks);
  const tar = unchunked(raw.subarray(raw.indexOf('\r\n\r\n') + 4));
  assert.equal((await api.request('DELETE /images/kept')).status, 200);
  const loaded = await api.request('POST /images/load?quiet=1', tar, TAR);
  assert.deepEqual(lines(loaded.body), [{ stream: 'Loaded image: kept:latest\n' }]);
  const broken = await api.request('POST /images/load', Buffer.from('no archive at all'), TAR);
  assert.equal(broken.status, 400, broken.body);
  assert.match(broken.json.message, /not an archive of images/);
});

function unchunked(data: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; ;) {
    const end = data.indexOf('\r\n', at);
    const size = Number.parseInt(data.toString('latin1', at, end), 16);
    if (!(size > 0)) return Buffer.concat(parts);
    parts.push(data.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}

test('push and pull, with progress', async () => {
  const name = `${registry.host}/team/app`;
  await api.request('POST /images/create?fromSrc=-&repo=kept', archive('two'), TAR);
  assert.equal((await api.request(`POST /images/kept/tag?repo=${name}&tag=v1`)).status, 201);
  const pushed = lines((await api.request(`POST /images/${name}/push?tag=v1`, undefined, auth({}))).body);
  assert.equal(pushed[0]?.['status'], `The push refers to repository [${name}]`);
  const aux = pushed.at(-1)?.['aux'] as Record<string, unknown>;
  assert.equal(aux['Tag'], 'v1');
  assert.match(String(aux['Digest']), /^sha256:/);
  assert.equal((await api.request(`DELETE /images/${name}:v1`)).status, 200);
  await api.request('DELETE /images/kept?force=1');
  const pulled = lines((await api.request(`POST /images/create?fromImage=${name}&tag=v1`)).body);
  assert.deepEqual([pulled[0]?.['status'], pulled[0]?.['id']], ['Pulling from ' + name, 'v1']);
  assert.ok(pulled.some((l) => l['status'] === 'Pull complete'));
  assert.deepEqual(
    pulled.slice(-2).map((l) => l['status']),
    [`Digest: ${String(aux['Digest'])}`, `Status: Downloaded newer image for ${name}:v1`],
  );
  const { json: found } = await api.request(`GET /distribution/${name}:v1/json`);
  assert.equal(found.Descriptor.digest, aux['Digest']);
  assert.equal(found.Platforms[0].os, 'linux');
  const missing = await api.request(`POST /images/create?fromImage=${name}&tag=nothing`);
  assert.equal(missing.status, 404, missing.body);
  const gone = lines((await api.request('POST /images/nothing-like-it/push')).body);
  assert.deepEqual(gone.at(-1)?.['errorDetail'], { message: 'An image does not exist locally with the tag: nothing-like-it' });
});

test('networks', async () => {
  const made = await api.request('POST /networks/create', {
    Name: 'net-a',
    IPAM: { Config: [{ Subnet: '10.88.3.0/24' }] },
    Labels: { a: 'b' },
  });
  assert.equal(made.status, 201, made.body);
  const { json: n } = await api.request(`GET /networks/${made.json.Id}`);
  assert.deepEqual([n.Name, n.Driver, n.IPAM.Config[0].Subnet, n.Labels], ['net-a', 'bridge', '10.88.3.0/24', { a: 'b' }]);
  const { json: list } = await api.request(`GET /networks?filters=${filters({ type: { custom: true } })}`);
  assert.deepEqual(
    list.map((one: { Name: string }) => one.Name),
    ['net-a'],
  );
  const { json: c } = await api.request('POST /containers/create', { Image: 'tiny', HostConfig: { NetworkMode: 'none' } });
  const refused = await api.request('POST /networks/net-a/connect', { Container: c.Id });
  assert.equal(refused.status, 409, refused.body);
  await api.request(`DELETE /containers/${c.Id}`);
  for (const [body, status] of [
    [{ Name: 'bridge' }, 403],
    [{ Name: 'x', Driver: 'overlay' }, 404],
    [{ Name: 'x', EnableIPv6: true }, 400],
    [{ Name: 'net-a' }, 409],
    [{ Name: '*' }, 400],
  ] as const)
    assert.equal((await api.request('POST /networks/create', body)).status, status, JSON.stringify(body));
  assert.equal((await api.request('DELETE /networks/bridge')).status, 403);
  assert.deepEqual((await api.request('POST /networks/prune')).json, { NetworksDeleted: ['net-a'] });
  assert.equal((await api.request('GET /networks/net-a')).json.message, 'network net-a not found');
});

test('volumes', async () => {
  const { status, json: v } = await api.request('POST /volumes/create', { Name: 'data', Labels: { a: 'b' } });
  assert.equal(status, 201);
  assert.deepEqual(Object.keys(v), ['CreatedAt', 'Driver', 'Labels', 'Mountpoint', 'Name', 'Options', 'Scope']);
  const { json: unnamed } = await api.request('POST /volumes/create', {});
  assert.deepEqual(unnamed.Labels, { 'com.docker.volume.anonymous': '' });
  assert.equal((await api.request('GET /volumes')).json.Volumes.length, 2);
  assert.deepEqual((await api.request(`GET /volumes?filters=${filters({ name: ['data'] })}`)).json.Volumes, [v]);
  assert.deepEqual((await api.request('POST /v1.51/volumes/prune')).json.VolumesDeleted, [unnamed.Name]);
  assert.equal((await api.request('DELETE /volumes/data')).status, 204);
  assert.equal((await api.request('DELETE /volumes/data')).json.message, 'get data: no such volume');
  assert.equal((await api.request('DELETE /volumes/data?force=1')).status, 204);
  assert.equal((await api.request('PUT /volumes/data', {})).status, 503);
});

test('events, past and to come', async () => {
  const c = converse(api.path, `GET /events?filters=${filters({ type: ['volume'] })} HTTP/1.1\r\nHost: d\r\n\r\n`);
  await c.until(/\r\n\r\n/);
  await api.request('POST /volumes/create', { Name: 'noticed' });
  assert.match(await c.until(/"Action":"create"/), /"Type":"volume","Action":"create","Actor":\{"ID":"noticed"/);
  c.socket.destroy();
  const now = Math.ceil(Date.now() / 1000);
  const past = await api.request(`GET /events?since=1&until=${now}&filters=${filters({ volume: ['noticed'] })}`);
  assert.equal(past.body.split('\n').filter(Boolean).length, 1);
  assert.equal((await api.request('GET /events?since=20&until=10')).status, 400);
});

test('disk usage', async () => {
  const { json } = await api.request('GET /system/df');
  assert.deepEqual(Object.keys(json), ['LayersSize', 'Images', 'Containers', 'Volumes', 'BuildCache']);
  const noticed = json.Volumes.find((v: { Name: string }) => v.Name === 'noticed');
  assert.deepEqual(noticed.UsageData, { RefCount: 0, Size: 0 });
  assert.equal((await api.request('GET /system/df?type=volume')).json.Images, null);
  assert.equal((await api.request('GET /system/df?type=nothing')).status, 400);
});
