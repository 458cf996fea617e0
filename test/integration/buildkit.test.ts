// BuildKit's protocol on the socket of `serve`, by a client of its own session: folders, secrets, results, progress, errors.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Code, Control, type GrpcError } from '../../src/protocol/index.ts';
import { type ApiServer, apiServer } from '../support/api-server.ts';
import { BuildKitClient } from '../support/buildkit-client.ts';

let api: ApiServer;
before(async () => void (api = await apiServer()));
after(() => api.close());

/** A client with a context of these files. */
function client(files: Readonly<Record<string, string>>, o: { readonly folders?: boolean } = {}): BuildKitClient {
  const made = new BuildKitClient(api.path);
  const folder = join(api.folder, 'context');
  rmSync(folder, { recursive: true, force: true });
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  made.folders.set('context', folder).set('dockerfile', folder);
  made.attach(o);
  return made;
}

const tarText = (tar: Buffer, name: string): string => spawnSync('tar', ['-xO', name], { input: tar, encoding: 'utf8' }).stdout;
const tarNames = (tar: Buffer): string[] =>
  spawnSync('tar', ['-t'], { input: tar, encoding: 'utf8' })
    .stdout.split('\n')
    .filter((n) => n !== '');
const STAGES =
  'FROM tiny AS build\nCOPY . /src\nRUN cat /src/a > /out; echo built\nFROM tiny AS test\nRUN exit 9\nFROM scratch\nCOPY --from=build /out /src /\n';

test('stages are built from a folder of the client, and the files come back as a tar', async () => {
  using c = client({ Dockerfile: STAGES, a: 'one\n', 'd/b': 'two\n', '.dockerignore': 'd\n' });
  const { response, vertices, output } = await c.solve({ Exporters: [{ Type: 'tar', Attrs: {} }] });
  const tar = c.received.get('0') as Buffer;
  assert.equal(tarText(tar, 'out'), 'one\n');
  assert.ok(!tarNames(tar).includes('d/b'));
  assert.ok(vertices.includes('[build 3/3] RUN cat /src/a > /out; echo built'), vertices.join('\n'));
  assert.ok(!vertices.some((name) => name.includes('exit 9')));
  assert.match(output, /built\n/);
  assert.match(response['containerimage.config.digest'] ?? '', /^sha256:[0-9a-f]{64}$/);
  // only what the Dockerfile needs is asked of its folder
  const patterns = c.asked.find((h) => h['dir-name'] === 'dockerfile')?.['include-patterns'];
  assert.ok(String(patterns).includes('Dockerfile'), String(patterns));
  const again = await c.solve({ Exporters: [{ Type: 'tar', Attrs: {} }] });
  assert.ok(again.vertices.includes('[build 3/3] RUN cat /src/a > /out; echo built (cached)'), again.vertices.join('\n'));
});

test('the files come back as a folder', async () => {
  using c = client({ Dockerfile: STAGES, a: 'one\n', 'd/b': 'two\n' }, { folders: true });
  await c.solve({ Exporters: [{ Type: 'local', Attrs: {} }] });
  const tar = c.received.get('0') as Buffer;
  assert.equal(tarText(tar, 'd/b'), 'two\n');
  assert.equal(tarText(tar, 'out'), 'one\n');
});

test('arguments, labels, a target, an image in the store and an archive of it', async () => {
  using c = client({ Dockerfile: 'FROM tiny AS first\nARG V\nRUN echo "v=$V" > /v\nFROM first\nRUN exit 1\n' });
  const { response } = await c.solve({
    FrontendAttrs: { target: 'first', 'build-arg:V': '7', 'label:who': 'me' },
    Exporters: [{ Type: 'image', Attrs: { name: 'example/viabuildkit:1' } }],
  });
  const image = api.engine.images.resolve('example/viabuildkit:1');
  assert.equal(image.id, response['containerimage.config.digest']);
  assert.equal(image.config.config?.Labels?.['who'], 'me');
  using other = client({ Dockerfile: 'FROM scratch\nCOPY a /\n', a: 'x' });
  await other.solve({ Exporters: [{ Type: 'docker', Attrs: { name: 'example/other:2' } }] });
  assert.match(tarText(other.received.get('0') as Buffer, 'manifest.json'), /"example\/other:2"/);
});

test('a secret is asked of the session, and one that it has not fails a step that needs it', async () => {
  const Dockerfile = 'FROM tiny\nRUN --mount=type=secret,id=s,required=true md5sum /run/secrets/s > /sum\n';
  using c = client({ Dockerfile });
  c.secrets.set('s', 'top');
  await c.solve({ Exporters: [{ Type: 'tar', Attrs: {} }] });
  assert.match(tarText(c.received.get('0') as Buffer, 'sum'), /^5a105e8b9d40e1329780d62ea2265d8a|^[0-9a-f]{32}/);
  using other = client({ Dockerfile });
  await assert.rejects(other.solve({ FrontendAttrs: { 'no-cache': '' } }), { message: /secret s: not found/ });
});

test('a step that fails says where in the Dockerfile', async () => {
  using c = client({ Dockerfile: 'FROM tiny\nRUN exit 7\n' });
  await assert.rejects(c.solve({}), (e: GrpcError) => {
    assert.match(e.message, /did not complete successfully: exit code: 7/);
    const [detail] = e.details;
    assert.equal(detail?.typeUrl, 'github.com/moby/buildkit/errdefs.Source+json');
    const source = JSON.parse(Buffer.from(detail?.value ?? []).toString());
    assert.equal(source.info.filename, 'Dockerfile');
    assert.equal(source.ranges[0].start.line, 2);
    return true;
  });
});

test('warnings of the build checks arrive, and --check finds them without a build', async () => {
  using c = client({ Dockerfile: 'FROM tiny AS Upper\nCMD true\n' });
  const { warnings } = await c.solve({});
  assert.ok(
    warnings.some((w) => w.startsWith('StageNameCasing: ')),
    warnings.join('\n'),
  );
});

for (const [what, attributes, pattern] of [
  ['an attribute that is not known', { 'cgroup-parent': 'x' }, /attribute cgroup-parent is not supported/],
  ['a network mode', { 'force-network-mode': 'bridge' }, /network mode "bridge" not supported/],
  ['a size that is none', { 'shm-size': 'lots' }, /invalid shm-size/],
  ['a stage that is not there', { target: 'nope' }, /target stage "nope" could not be found/],
  ['a folder that the client has not', { 'context:x': 'local:nope', target: 'x' }, /./],
] as const)
  test(`${what} is refused`, async () => {
    using c = client({ Dockerfile: 'FROM tiny AS first\nFROM x AS x\nRUN true\nFROM first\n' });
    await assert.rejects(c.solve({ FrontendAttrs: attributes }), { message: pattern });
  });

test('a session that hangs up in the middle ends its build with an error', async () => {
  // another test of this machine may sleep as well
  const sleep = `sleep ${600_000 + process.pid}`;
  using c = client({ Dockerfile: `FROM tiny\nRUN ${sleep}\n` });
  using other = new BuildKitClient(api.path);
  const solving = c.solve({});
  solving.catch(() => {});
  // the step is at work
  const records = async (): Promise<boolean> => {
    const { json } = await api.request('GET /_ping');
    void json;
    return spawnSync('pgrep', ['-f', `^${sleep}$`]).status === 0;
  };
  while (!(await records())) await new Promise(setImmediate);
  c.hangUp();
  await assert.rejects(solving);
  while (await records()) await new Promise(setImmediate);
  // the server goes on
  assert.equal((await other.grpc.unary(Control.method.listWorkers, {}, { signal: new AbortController().signal })).record.length, 1);
});

test('a build without a session, a job that is there already, and a frontend that cannot be run', async () => {
  const { signal } = new AbortController();
  using c = new BuildKitClient(api.path);
  await assert.rejects(c.grpc.unary(Control.method.solve, { Ref: '', Frontend: 'dockerfile.v0' }, { signal }), {
    code: Code.alreadyExists,
  });
  await assert.rejects(c.grpc.unary(Control.method.solve, { Ref: 'r1', Frontend: 'other.v0' }, { signal }), { code: Code.unimplemented });
  await assert.rejects(
    c.grpc.unary(Control.method.solve, { Ref: 'r2', Frontend: 'gateway.v0', FrontendAttrs: { source: 'evil/frontend' } }, { signal }),
    { message: /frontend evil\/frontend cannot be run/ },
  );
});

test('bytes that are no HTTP/2 frames end their connection, and no other', async () => {
  const socket = connect(api.path);
  socket.write(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${'garbage'.repeat(1000)}`);
  await new Promise((resolve) =>
    socket
      .on('error', () => {})
      .on('close', resolve)
      .resume(),
  );
  assert.equal((await api.request('GET /_ping')).status, 200);
});
