// Containers by Docker's API, as its clients use it: created, attached to, waited for, started; programs executed in them, files copied.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ApiServer, apiServer, frames } from '../support/api-server.ts';
import { converse } from '../support/raw-http.ts';

let api: ApiServer;
before(async () => {
  api = await apiServer();
});
after(() => api.close());

const JSON_BODY = 'Content-Type: application/json\r\n';
const UPGRADE = 'Connection: Upgrade\r\nUpgrade: tcp\r\n';

/** Creates a container without a network; its ID. */
async function create(o: Record<string, unknown>, host: Record<string, unknown> = {}, query = ''): Promise<string> {
  const { status, json, body } = await api.request(`POST /v1.51/containers/create${query}`, {
    Image: 'tiny',
    ...o,
    HostConfig: { NetworkMode: 'none', ...host },
  });
  assert.equal(status, 201, body);
  assert.deepEqual(json.Warnings, []);
  return json.Id as string;
}

const tail = (text: string): string => text.slice(text.indexOf('\r\n\r\n') + 4);

test('run, as the docker command line does it: create, attach, wait, start', async () => {
  const script = 'read line; echo "got $line"; echo oops >&2; exit 3';
  const id = await create(
    { Cmd: ['sh', '-c', script], OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true, AttachStderr: true },
    {},
    '?name=first',
  );
  const attached = converse(
    api.path,
    `POST /v1.51/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\nHost: d\r\n${UPGRADE}\r\n`,
  );
  assert.match(
    await attached.until(/\r\n\r\n/),
    /^HTTP\/1\.1 101 UPGRADED\r\nContent-Type: application\/vnd\.docker\.multiplexed-stream\r\n/,
  );
  const waited = converse(api.path, `POST /v1.51/containers/first/wait?condition=next-exit HTTP/1.1\r\nHost: d\r\n\r\n`);
  // heard before anything is there to be said
  await waited.until(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n/);
  attached.socket.write('words\n');
  assert.equal((await api.request(`POST /containers/${id}/start`)).status, 204);
  attached.socket.end();
  assert.equal(frames(tail(await attached.ended)), '1:got words\n|2:oops\n');
  assert.match(await waited.until(/\{"StatusCode":3\}/), /StatusCode/);
  const { json: c } = await api.request('GET /containers/first/json');
  assert.equal(c.State.Status, 'exited');
  assert.equal(c.State.ExitCode, 3);
  assert.equal(c.Config.StdinOnce, true);
  assert.equal(c.HostConfig.NetworkMode, 'none');
  assert.equal((await api.request(`POST /containers/${id}/wait`)).json.StatusCode, 3);
  // what was written stays
  const logs = await api.request(`GET /containers/${id}/logs?stdout=1&stderr=1`);
  assert.match(logs.head, /content-type: application\/vnd\.docker\.multiplexed-stream/i);
  assert.deepEqual(frames(logs.body).split('|').sort(), ['1:got words\n', '2:oops\n']);
  assert.equal(frames((await api.request(`GET /containers/${id}/logs?stderr=1&tail=1`)).body), '2:oops\n');
  assert.match(frames((await api.request(`GET /containers/${id}/logs?stdout=1&timestamps=1`)).body), /^1:20\d\d-.*Z got words\n$/);
  assert.equal((await api.request(`GET /containers/${id}/logs`)).json.message, 'Bad parameters: you must choose at least one stream');
  assert.equal((await api.request(`POST /containers/${id}/stop`)).status, 304);
  assert.equal((await api.request(`DELETE /containers/${id}`)).status, 204);
  const gone = await api.request(`GET /containers/${id}/json`);
  assert.equal(gone.status, 404);
  assert.equal(gone.json.message, `No such container: ${id}`);
});

test('a container that runs: lists, programs in it, files, its end', async () => {
  const id = await create({ Cmd: ['sleep', '1000'], Labels: { app: 'web' } }, {}, '?name=second');
  const created = await api.request('GET /containers/json');
  assert.deepEqual(created.json, []);
  assert.equal((await api.request(`POST /containers/${id}/start`)).status, 204);
  assert.equal((await api.request(`POST /containers/${id}/start`)).status, 304);

  const filters = (o: object): string => encodeURIComponent(JSON.stringify(o));
  const { json: list } = await api.request(`GET /containers/json?filters=${filters({ label: { 'app=web': true } })}`);
  const [listed] = list as Record<string, any>[];
  assert.equal(listed?.['Id'], id);
  assert.deepEqual(listed?.['Names'], ['/second']);
  assert.equal(listed?.['State'], 'running');
  assert.match(listed?.['Status'], /^Up /);
  assert.equal(listed?.['Command'], 'sleep 1000');
  assert.equal((await api.request(`GET /containers/json?all=1&filters=${filters({ name: ['nobody'] })}`)).json.length, 0);
  assert.equal((await api.request(`GET /containers/json?filters=${filters({ colour: ['x'] })}`)).json.message, "invalid filter 'colour'");

  // programs
  const exec = async (o: Record<string, unknown>): Promise<string> =>
    (await api.request(`POST /containers/${id}/exec`, o)).json.Id as string;
  const begin = (execId: string): ReturnType<typeof converse> =>
    converse(api.path, `POST /exec/${execId}/start HTTP/1.1\r\nHost: d\r\n${UPGRADE}${JSON_BODY}Content-Length: 2\r\n\r\n{}`);
  const failing = await exec({ Cmd: ['sh', '-c', 'echo inside; exit 5'], AttachStdout: true });
  assert.equal(frames(tail(await begin(failing).ended)), '1:inside\n');
  const { json: ended } = await api.request(`GET /exec/${failing}/json`);
  assert.deepEqual([ended.ExitCode, ended.Running, ended.ContainerID], [5, false, id]);
  assert.equal((await api.request(`POST /exec/${failing}/start`, {})).status, 409);
  const reading = await exec({ Cmd: ['cat'], AttachStdin: true, AttachStdout: true });
  const cat = begin(reading);
  cat.socket.write('typed');
  await cat.until(/typed/);
  cat.socket.end();
  assert.equal(frames(tail(await cat.ended)), '1:typed');
  const missing = await exec({ Cmd: ['nothing-like-it'], AttachStdout: true });
  assert.match(frames(tail(await begin(missing).ended)), /executable file not found/);
  assert.equal((await api.request(`GET /exec/${missing}/json`)).json.ExitCode, 127);
  assert.equal((await api.request('GET /exec/nobody/json')).json.message, 'No such exec instance: nobody');
  assert.equal((await api.request(`POST /containers/${id}/exec`, { Cmd: [] })).json.message, 'No exec command specified');

  // files
  const head = await api.request(`HEAD /containers/${id}/archive?path=/etc/passwd`);
  const header = /x-docker-container-path-stat: (.*)\r\n/i.exec(`${head.head}\r\n`)?.[1] ?? '';
  const stat = JSON.parse(Buffer.from(header, 'base64').toString()) as Record<string, unknown>;
  assert.deepEqual([stat['name'], stat['mode'], stat['linkTarget']], ['passwd', 0o644, '']);
  const archive = await api.request(`GET /containers/${id}/archive?path=/etc`);
  assert.match(archive.body, /^etc\//);
  assert.match(archive.body, /root:x:0:0/);
  assert.equal((await api.request(`GET /containers/${id}/archive?path=/nothing`)).status, 404);
  const tar = await import('node:child_process').then(({ execFileSync }) => {
    return execFileSync('sh', ['-c', `cd ${api.folder} && echo put > put && tar cf - put`]);
  });
  const put = await api.request(`PUT /containers/${id}/archive?path=/tmp`, tar, { 'Content-Type': 'application/x-tar' });
  assert.equal(put.status, 200, put.body);
  const shown = await exec({ Cmd: ['cat', '/tmp/put'], AttachStdout: true });
  assert.equal(frames(tail(await begin(shown).ended)), '1:put\n');
  const { json: changes } = await api.request(`GET /containers/${id}/changes`);
  assert.ok((changes as { Path: string; Kind: number }[]).some((c) => c.Path === '/tmp/put' && c.Kind === 1));

  const { json: top } = await api.request(`GET /containers/${id}/top?ps_args=-o%20pid,comm`);
  assert.deepEqual(top.Titles, ['PID', 'COMMAND']);
  assert.equal((await api.request(`POST /containers/${id}/rename?name=third`)).status, 204);
  assert.equal((await api.request('POST /containers/third/kill?signal=NOTHING')).status, 400);
  assert.equal((await api.request('DELETE /containers/third')).status, 409);
  const follow = converse(api.path, `POST /containers/third/wait?condition=removed HTTP/1.1\r\nHost: d\r\n\r\n`);
  await follow.until(/\r\n\r\n/);
  assert.equal((await api.request('POST /containers/third/stop?t=0')).status, 204);
  assert.equal((await api.request('DELETE /containers/third?force=1')).status, 204);
  assert.match(await follow.until(/StatusCode/), /\{"StatusCode":137\}/);
});

test('who is attached before the start gets the output whoever starts it, and is let go when it is removed', async () => {
  const id = await create({ Cmd: ['sh', '-c', 'sleep 2; echo late'] });
  const attach = (): ReturnType<typeof converse> =>
    converse(api.path, `POST /containers/${id}/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: d\r\n${UPGRADE}\r\n`);
  const c = attach();
  await c.until(/\r\n\r\n/);
  // another command, which knows of no clients of this server
  const containers = await api.engine.containers();
  await containers.start(containers.records.resolve(id));
  assert.equal(frames(tail(await c.ended)), '1:late\n');
  await api.request(`POST /containers/${id}/wait`);
  const left = attach();
  await left.until(/\r\n\r\n/);
  assert.equal((await api.request(`DELETE /containers/${id}`)).status, 204);
  assert.equal(tail(await left.ended), '');
});

test('attached by a WebSocket', async () => {
  const id = await create({ Cmd: ['cat'], OpenStdin: true, StdinOnce: true, AttachStdin: true });
  const handshake = `${UPGRADE.replace('tcp', 'websocket')}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n`;
  const c = converse(api.path, `GET /containers/${id}/attach/ws?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: d\r\n${handshake}\r\n`);
  assert.match(await c.until(/\r\n\r\n/), /^HTTP\/1\.1 101 Switching Protocols\r\n[^]*Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/);
  assert.equal((await api.request(`POST /containers/${id}/start`)).status, 204);
  c.socket.write(Buffer.from([0x81, 0x83, 0, 0, 0, 0, 0x68, 0x69, 0x0a]));
  await c.until(/\x82\x03hi\n/);
  // a close frame is the end of the input, and the program's end the connection's
  c.socket.write(Buffer.from([0x88, 0x80, 0, 0, 0, 0]));
  assert.match(tail(await c.ended), /^\x82\x03hi\n\x88\x02\x03\xe8$/);
  assert.equal((await api.request(`GET /containers/${id}/attach/ws`)).status, 400);
  assert.equal((await api.request(`DELETE /containers/${id}?force=1`)).status, 204);
});

test('who waits for a container that has come and gone is told how it ended', async () => {
  const id = await create({ Cmd: ['sh', '-c', 'exit 4'] }, { AutoRemove: true }, '?name=brief');
  assert.equal((await api.request(`POST /containers/${id}/start`)).status, 204);
  const removed = await api.request(`POST /containers/${id}/wait?condition=removed`);
  assert.equal(removed.json.StatusCode, 4);
  assert.equal((await api.request(`GET /containers/${id}/json`)).status, 404);
  for (const word of [id, id.slice(0, 12), 'brief'])
    assert.equal((await api.request(`POST /containers/${word}/wait`)).json.StatusCode, 4, word);
});

test('a start that fails ends who waits for it', async () => {
  const id = await create({ Cmd: ['nothing-like-it'] });
  const attached = converse(api.path, `POST /containers/${id}/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: d\r\n${UPGRADE}\r\n`);
  await attached.until(/\r\n\r\n/);
  const { status, json } = await api.request(`POST /containers/${id}/start`);
  assert.equal(status, 400);
  assert.match(json.message, /executable file not found in \$PATH/);
  assert.equal(tail(await attached.ended), '');
  const { json: pruned } = await api.request('POST /containers/prune');
  assert.deepEqual(pruned.ContainersDeleted, [id]);
});

test('what is wrong with a request is an answer, and never a stack', async () => {
  const wrong = async (body: unknown, path = '/containers/create'): Promise<string> => {
    const { status, json } = await api.request(`POST ${path}`, body);
    return `${status} ${json.message}`;
  };
  assert.equal(await wrong({}), '400 config cannot be empty in order to create a container');
  assert.equal(await wrong({ Image: 'nothing-like-it' }), '404 No such image: nothing-like-it:latest');
  assert.equal(await wrong({ Image: 'tiny', HostConfig: 3 }), '400 invalid JSON: HostConfig must be an object');
  assert.equal(await wrong({ Image: 'tiny', Env: 'A=1' }), '400 invalid JSON: Env must be a list');
  assert.equal(await wrong({ Image: 'tiny', HostConfig: { Memory: '1g' } }), '400 invalid JSON: HostConfig.Memory must be a number');
  assert.equal(
    await wrong({ Image: 'tiny' }, '/containers/create?name=*'),
    '400 Invalid container name (*), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed',
  );
  for (const path of ['start', 'stop', 'kill', 'pause', 'wait', 'attach', 'restart', 'update']) {
    const { status, json } = await api.request(`POST /containers/nobody/${path}`, {});
    const before = path === 'kill' ? 'cannot kill container: nobody: ' : '';
    assert.equal(`${status} ${json.message}`, `404 ${before}No such container: nobody`, path);
  }
});
