// Requests, events and replies are data, and what only the caller has is asked of its session: here one that has nothing on a disk.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { TarParser } from '../../src/archive/index.ts';
import {
  type BuildEvent,
  type BuildRequest,
  type Delivery,
  Engine,
  type Operation,
  type BuildOperationKind,
  type CallerOf,
  perform,
  type Reply,
} from '../../src/engine/index.ts';
import { enterPrivateMountNamespace } from '../../src/sys/index.ts';
import { makeBase } from './build-fixture.ts';
import { buildRequest, delivery } from '../support/requests.ts';
import { memorySession, type MemorySession } from '../support/session.ts';
import { scratch } from '../support/store.ts';

const folder = scratch();
let engine: Engine;
before(() => {
  enterPrivateMountNamespace();
  engine = Engine.open({ root: join(folder, 'root'), run: join(folder, 'run'), selfCommand: ['true'] });
  makeBase(engine);
});
after(() => {
  engine.close();
  rmSync(folder, { recursive: true, force: true });
});

const DOCKERFILE = `FROM base AS build
ARG who=world
COPY --from=lib own /own
COPY . /src
RUN --mount=type=secret,id=s --network=none cp /run/secrets/s /out && cat /own >> /out && ls /src >> /out
FROM scratch
COPY --from=build /out /
`;

const request = buildRequest({
  namedContexts: { lib: { kind: 'folder', name: 'library', written: '../lib' } },
  tags: ['made'],
  secrets: ['s'],
});

const session = (): MemorySession =>
  memorySession({
    secrets: { s: 'secret\n' },
    locals: {
      app: { Dockerfile: DOCKERFILE, '.dockerignore': 'left-out\n', file: 'f', 'left-out': 'x' },
      library: { own: 'own\n' },
    },
  });

/** The same, sent to and fro. */
async function sent<K extends BuildOperationKind>(
  operation: Operation<K>,
  from = session(),
): Promise<{ reply: Reply<K>; events: BuildEvent[]; session: MemorySession }> {
  const events: BuildEvent[] = [];
  const reply = await perform<K>(engine, structuredClone(operation), {
    session: from,
    signal: new AbortController().signal,
    onEvent: (e: BuildEvent) => {
      assert.deepEqual(structuredClone(e), e);
      events.push(e);
    },
  } as unknown as CallerOf<K>);
  assert.deepEqual(structuredClone(reply), reply);
  return { reply, events, session: from };
}

test('a build whose caller has its files, secrets and places in memory', async () => {
  const outputs: Delivery['outputs'] = [{ kind: 'tar', dest: 'result', files: { attestationPrefix: '' } }];
  const { session: asked, events } = await sent({ kind: 'build', request, delivery: delivery({ outputs }), statement: 'max' });
  const files = new Map<string, string>();
  let path = '';
  const parser = new TarParser({
    entry: (e) => void (path = e.path),
    data: (chunk) => void files.set(path, (files.get(path) ?? '') + chunk.toString()),
    end: () => {},
  });
  parser.write(asked.written.get('result') ?? Buffer.alloc(0));
  parser.finish();
  assert.equal(files.get('out'), 'secret\nown\nDockerfile\nfile\n');
  assert.deepEqual(asked.asked, [
    'local app only .dockerignore Dockerfile Dockerfile.dockerignore Dockerfile.lock dockerfile dockerfile.dockerignore dockerfile.lock',
    'local app ignoring',
    'local library only .dockerignore',
    'local library',
    'secret s',
    'output result',
  ]);
  assert.ok(events.some((e) => e.type === 'vertex' && e.name.includes('RUN') && e.state === 'done'));
});

test('what is stored is told by its ID; plan, checks, outline, targets and comparison are data too', async () => {
  const { reply } = await sent({ kind: 'build', request, delivery: delivery(), statement: 'min' });
  assert.equal(engine.images.resolve('made').id, reply.imageId);
  assert.ok(reply.provenance?.['']);
  assert.ok((await sent({ kind: 'plan', request })).reply.steps.length > 0);
  assert.deepEqual(
    (await sent({ kind: 'targets', request })).reply.targets.map((s) => s.name),
    ['build', undefined],
  );
  const outline = (await sent({ kind: 'outline', request: { ...request, target: 'build' } })).reply;
  assert.deepEqual(
    outline.secrets.map((s) => s.name),
    ['s'],
  );
  assert.deepEqual(
    outline.args.map((a) => a.name),
    ['who'],
  );
  const text = 'from scratch\nCOPY nothing /\nRUN --mount=type=nope x\n';
  const { reply: checked } = await sent({ kind: 'check', request: { ...request, dockerfile: { kind: 'text', text } } });
  assert.equal(checked.files[0]?.text, text);
  assert.match(checked.error?.message ?? '', /nope/);
  const plain: BuildRequest = {
    ...request,
    dockerfile: { kind: 'text', text: 'FROM base\nCOPY file /\n' },
    namedContexts: {},
    secrets: [],
  };
  const compared = await sent({ kind: 'compare', request: plain });
  assert.deepEqual(
    compared.reply.map((r) => r.engine),
    ['classic', 'graph'],
  );
  assert.deepEqual(
    compared.events.flatMap((e) => (e.type === 'engine' ? [e.engine] : [])),
    ['classic', 'graph'],
  );
});

test('what the session does not have is missed in the words of builds', async () => {
  const missing = (o: Partial<BuildRequest>) =>
    sent({ kind: 'build', request: { ...request, ...o }, delivery: delivery() }, memorySession());
  await assert.rejects(missing({}), { code: 'context.not-found', message: 'unable to prepare context: path "." not found' });
  await assert.rejects(missing({ context: { kind: 'stream', name: 'input' } }), { code: 'session.local' });
});
