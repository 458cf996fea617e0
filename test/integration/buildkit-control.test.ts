// What BuildKit's clients ask of a server beside builds: the build cache and the builds on record, by the codec and by the real buildx.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BuildHistoryEventType, Code, Control } from '../../src/protocol/index.ts';
import { randomId } from '../../src/util/index.ts';
import { type ApiServer, apiServer } from '../support/api-server.ts';
import { BuildKitClient } from '../support/buildkit-client.ts';
import { Buildx, noBuildx } from '../support/buildx.ts';

let api: ApiServer;
let folder: string;
before(async () => {
  api = await apiServer();
  folder = join(api.folder, 'context');
});
after(() => api.close());

const { signal } = new AbortController();

function write(Dockerfile: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'Dockerfile'), Dockerfile);
}

function client(Dockerfile: string): BuildKitClient {
  write(Dockerfile);
  const made = new BuildKitClient(api.path);
  made.folders.set('context', folder).set('dockerfile', folder);
  made.attach();
  return made;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of items) found.push(one);
  return found;
}

test('the build cache is listed, filtered and pruned', async () => {
  using c = client('FROM tiny\nRUN --mount=type=cache,target=/c echo one > /c/f\nRUN echo listed > /two\n');
  await c.solve({});
  const list = async (...filter: string[]) => (await c.grpc.unary(Control.method.diskUsage, { filter }, { signal })).record;
  const records = await list();
  const two = records.find((r) => r.Description.includes('echo listed'));
  assert.ok(two, records.map((r) => r.Description).join('\n'));
  assert.ok(two.Size > 0n && (two.CreatedAt?.seconds ?? 0n) > 0n && !two.Mutable);
  const mounts = await list('type==exec.cachemount');
  assert.deepEqual(
    mounts.map((r) => [r.RecordType, r.Mutable]),
    [['exec.cachemount', true]],
  );
  assert.deepEqual(await list('mutable'), mounts);
  assert.deepEqual(await list('immutable,description~="echo listed"'), [two]);
  assert.deepEqual(await list(`id==${two.ID}`), [two]);
  assert.deepEqual(await list('id==none'), []);
  await assert.rejects(list('color==red'), { code: Code.invalidArgument, message: /no field color/ });
  const prune = async (request: { filter?: string[]; all?: boolean }) => {
    const call = c.grpc.open(Control.method.prune, { signal });
    await call.send(request);
    call.end();
    return (await all(call.replies)).map((r) => r.ID);
  };
  assert.deepEqual(await prune({ filter: ['id==none'], all: true }), []);
  assert.deepEqual(
    await prune({ filter: ['type==exec.cachemount'], all: true }),
    mounts.map((r) => r.ID),
  );
  assert.deepEqual(await list('mutable'), []);
  assert.ok((await prune({ all: true })).includes(two.ID));
  assert.deepEqual(await list(), []);
});

test('builds are on record: as they begin and end, later, and until they are removed', async () => {
  using c = client('FROM tiny\nRUN exit 3\n');
  const following = c.grpc.open(Control.method.listenBuildHistory, { signal });
  await following.send({ Filter: ['status!=completed'] });
  following.end();
  await following.headers;
  const Ref = randomId();
  const request = { Ref, Session: c.sessionId, Frontend: 'dockerfile.v0', FrontendAttrs: { filename: 'Dockerfile' } };
  await assert.rejects(c.grpc.unary(Control.method.solve, request, { signal }), /exit code: 3/);
  const seen: string[] = [];
  for await (const { type, record } of following.replies) {
    if (record?.Ref !== Ref) continue;
    seen.push(`${type} ${record.FrontendAttrs['filename']} ${record.error?.message.includes('exit code: 3') ?? false}`);
    if (type === BuildHistoryEventType.COMPLETE) break;
  }
  assert.deepEqual(seen, ['0 Dockerfile false', '1 Dockerfile true']);
  const list = async (o: object) => {
    const call = c.grpc.open(Control.method.listenBuildHistory, { signal });
    await call.send({ EarlyExit: true, ...o });
    call.end();
    return (await all(call.replies)).map((e) => e.record?.Ref);
  };
  assert.deepEqual(await list({ Ref }), [Ref]);
  assert.deepEqual(await list({ Ref, ActiveOnly: true }), []);
  assert.deepEqual(await list({ Filter: [`ref==${Ref},status==error`] }), [Ref]);
  assert.deepEqual(await list({ Filter: [`ref==${Ref},status==completed`] }), []);
  const update = (o: object) => c.grpc.unary(Control.method.updateBuildHistory, { Ref, ...o }, { signal });
  await assert.rejects(update({ Pinned: true }), { code: Code.unimplemented });
  await update({ Delete: true });
  assert.deepEqual(await list({ Ref }), []);
  await assert.rejects(update({ Delete: true }), { code: Code.notFound });
});

test('buildx lists the builds and the cache, shows the log of a build, and prunes', { skip: noBuildx }, async () => {
  write('FROM tiny\nRUN echo from the log of it\nRUN true\n');
  using buildx = new Buildx(`unix://${api.path}`);
  await buildx.create();
  const metadata = join(api.folder, 'metadata.json');
  const built = await buildx.run('build', '--progress', 'plain', '--metadata-file', metadata, '--output', 'type=image,name=x/y', folder);
  assert.equal(built.status, 0, built.stderr);
  assert.match(built.stderr, /from the log of it/);
  const history = await buildx.run('history', 'ls', '--format', 'json');
  assert.equal(history.status, 0, history.stderr);
  const [last] = history.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { ref: string; status: string; total_steps: number });
  assert.equal(last?.status, 'Completed', history.stdout);
  const logs = await buildx.run('history', 'logs', '--progress', 'plain', last?.ref.split('/').at(-1) ?? '');
  assert.equal(logs.status, 0, logs.stderr);
  assert.match(logs.stdout + logs.stderr, /from the log of it/);
  const du = await buildx.run('du');
  assert.match(du.stdout, /Total:\s+\d/, du.stderr);
  const pruned = await buildx.run('prune', '--all', '--force');
  assert.equal(pruned.status, 0, pruned.stderr);
  assert.match(pruned.stdout, /Total:\s+\d/);
  const removed = await buildx.run('history', 'rm', '--all');
  assert.equal(removed.status, 0, removed.stderr);
});
