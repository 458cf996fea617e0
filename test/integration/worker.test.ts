// Operations in a process of their own: the same results, and nothing left when either end is killed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type BuildEvent, type Delivery, type Operation, performInWorker } from '../../src/engine/index.ts';
import { processesOf } from '../support/processes.ts';
import { buildRequest, delivery } from '../support/requests.ts';
import { memorySession, type MemorySession } from '../support/session.ts';
import { scratch, SLIPWAY, TestStore } from '../support/store.ts';

const store = new TestStore(scratch());
before(() => store.ok(['bootstrap', 'busybox']));
after(() => rmSync(store.folder, { recursive: true, force: true }));

const operation = (text: string, o: Partial<Delivery> = {}): Operation<'build'> => ({
  kind: 'build',
  request: buildRequest({ dockerfile: { kind: 'text', text }, secrets: ['s'], ssh: ['default'] }),
  delivery: delivery(o),
});

const session = (): MemorySession =>
  memorySession({ secrets: { s: 'secret\n' }, locals: { app: { file: 'f', large: 'x'.repeat(3 << 20) } } });

interface Watched {
  readonly session?: MemorySession;
  readonly signal?: AbortSignal;
  onEvent?(e: BuildEvent): void;
}

const options = { command: [SLIPWAY], environment: store.env, onText: () => {} };
const inWorker = (o: Operation<'build'>, w: Watched = {}) =>
  performInWorker(options, o, {
    session: w.session ?? session(),
    signal: w.signal ?? new AbortController().signal,
    onEvent: w.onEvent ?? (() => {}),
  });

/** Resolves when a build has said this. */
const saying = (word: string): { onEvent: (e: BuildEvent) => void; said: Promise<void> } => {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { said: promise, onEvent: (e) => e.type === 'log' && Buffer.from(e.data).includes(word) && resolve() };
};

const workers = (): { pid: number }[] => processesOf(`${store.folder}/`).map((line) => ({ pid: Number(/\d+/.exec(line)?.[0]) }));

test('files, secrets and the place of the result stay with the caller', async () => {
  const own = session();
  const events: BuildEvent[] = [];
  const text = `FROM busybox AS a
COPY . /src
RUN --mount=type=secret,id=s cp /run/secrets/s /out && cat /src/file >> /out && wc -c < /src/large >> /out && cat /out
FROM scratch
COPY --from=a /out /src/large /
`;
  const outputs = [{ kind: 'tar', dest: 'result', files: { attestationPrefix: '' } }] as const;
  const reply = await inWorker(operation(text, { outputs }), { session: own, onEvent: (e) => void events.push(e) });
  assert.match(reply.imageId, /^sha256:/);
  assert.ok((own.written.get('result')?.length ?? 0) > 3 << 20);
  assert.match(Buffer.concat(events.flatMap((e) => (e.type === 'log' ? [e.data] : []))).toString(), /secret\nf3145728/);
  assert.ok(events.some((e) => e.type === 'summary'));
});

test('an error is what it is in this process', async () => {
  await assert.rejects(inWorker(operation('FROM busybox\nCOPY nothing /\n')), (e: { code: string; source?: { range: unknown } }) => {
    assert.equal(e.code, 'copy.source-not-found');
    assert.deepEqual(e.source?.range, { start: { line: 2, column: 0 }, end: { line: 2, column: 14 } });
    return true;
  });
  await assert.rejects(inWorker({ ...operation('FROM scratch'), kind: 'nothing' } as unknown as Operation<'build'>), {
    code: 'operation.unknown',
  });
});

test('a caller that wants no more, one that is gone, and a worker that is killed', async () => {
  const text = (n: number): string => `FROM busybox\nRUN echo begun ${n} && sleep 1000\n`;
  {
    const abort = new AbortController();
    const { said, onEvent } = saying('begun 1');
    const work = inWorker(operation(text(1)), { signal: abort.signal, onEvent });
    await Promise.race([said, work]);
    abort.abort();
    await assert.rejects(work, { kind: 'cancelled' });
  }
  {
    const { said, onEvent } = saying('begun 2');
    const work = inWorker(operation(text(2)), { onEvent });
    await Promise.race([said, work]);
    for (const { pid } of workers()) process.kill(pid, 'SIGKILL');
    await assert.rejects(work, { code: 'worker.ended' });
  }
  {
    const build = store.start(['build', '--progress', 'plain', '-'], { env: { SLIPWAY_WORKER: '1' } });
    build.stdin?.end(text(3));
    const begun = Promise.withResolvers<void>();
    let told = '';
    build.stderr?.on('data', (chunk: Buffer) => /\d begun 3/.test((told += chunk.toString())) && begun.resolve());
    await Promise.race([begun.promise, once(build, 'close')]);
    build.kill('SIGKILL');
    await once(build, 'close');
  }
  // a step ends with its worker, however that ended
  while (workers().length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal((await store.slipway(['system', 'check'])).exitCode, 0);
});

/** `npm run test:worker` runs them all. */
const SUITE = (process.env['SLIPWAY_WORKER_SUITE'] ?? 'build-pulls build-call')
  .split(' ')
  .map((name) => fileURLToPath(new URL(`./${name}.test.ts`, import.meta.url)));

test('the tests of builds pass in a worker as they do without', async () => {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, ['--no-warnings', '--test', '--test-reporter=dot', ...SUITE], {
    env: { ...env, SLIPWAY_WORKER: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let told = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (told += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  assert.equal(code, 0, told);
});
