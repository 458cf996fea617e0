// Commands are killed at every crash point, alone and beside another process that does the same. Done again they must give what was
// asked for, nothing of the killed ones may run any more, and `system check` must find nothing after that.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkStore, Engine } from '../../src/engine/index.ts';
import { emptyControlGroups, runtimeProcesses } from '../../src/runtime/index.ts';
import { layout } from '../../src/store/index.ts';
import { CRASH_POINTS } from '../../src/util/index.ts';
import { processesOf } from '../support/processes.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { scratch, TestStore } from '../support/store.ts';
import { type Places, type Scenario, SCENARIOS } from './crash-scenarios.ts';

const DOCKERFILE = `FROM busybox AS a
RUN --mount=type=cache,target=/c echo a > /a
FROM busybox
WORKDIR /bin
COPY b /b
COPY --from=a /a /a
RUN cat /a /b > /both
`;

const folder = scratch();
let registry: TestRegistry;
let places: Places;

before(async () => {
  registry = await startRegistry({ folder: join(folder, 'registry') });
  places = { context: join(folder, 'context'), archive: join(folder, 'app.tar'), registry: registry.host };
  mkdirSync(places.context);
  writeFileSync(join(places.context, 'Dockerfile'), DOCKERFILE);
  // the original engine has no mounts
  writeFileSync(join(places.context, 'Dockerfile.original'), DOCKERFILE.replace(/ --mount=\S+/, ''));
  writeFileSync(join(places.context, 'b'), 'b\n');
  const store = new TestStore(join(folder, 'prepared'));
  await store.ok(['bootstrap', 'busybox']);
  copy(store.root, join(folder, 'bare'));
  await store.ok([
    'build',
    '-q',
    '--network',
    'none',
    '-t',
    'app',
    '-t',
    `${registry.host}/there`,
    '-t',
    `${registry.host}/pushed`,
    places.context,
  ]);
  await store.ok(['save', '-o', places.archive, 'app']);
  copy(store.root, join(folder, 'full'));
  await store.ok(['push', '-q', `${registry.host}/there`]);
});

after(async () => {
  await registry.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** With the times of the files, of which layers are made. */
const copy = (from: string, to: string): void => void execFileSync('cp', ['-a', from, to]);

/** A store of its own for one crash. */
function storeFor(name: string, s: Scenario): TestStore {
  const at = join(folder, name);
  const store = new TestStore(at);
  mkdirSync(at);
  copy(join(folder, s.store), store.root);
  if (s.sql !== undefined) {
    const db = new DatabaseSync(join(store.root, 'slipway.db'));
    db.exec(s.sql);
    db.close();
  }
  return store;
}

/** What a killed command has started ends, with what the next one does about it. */
async function nothingRuns(store: TestStore): Promise<void> {
  const { runtime } = layout(store.root, store.run);
  const left = (): string[] => [
    ...processesOf(`${store.folder}/`),
    ...runtimeProcesses(runtime).map(({ pid, id }) => `${pid} of ${id}`),
    ...emptyControlGroups(runtime).map(({ path }) => path),
  ];
  for (let i = 0; i < 1000 && left().length > 0; i++) await sleep(10);
  assert.deepEqual(left(), []);
}

/** The command once more; what the killed one left must not withstand it. */
async function again(store: TestStore, s: Scenario): Promise<void> {
  const { exitCode, stderr } = await store.slipway(s.command(places), { env: s.env ?? {} });
  assert.equal(exitCode, 0, stderr);
  assert.doesNotMatch(stderr, /^WARNING: cannot/m);
}

async function right(store: TestStore, s: Scenario): Promise<void> {
  await nothingRuns(store);
  using engine = Engine.open({ root: store.root, run: store.run, selfCommand: [] });
  assert.deepEqual((await checkStore(engine)).findings, []);
  await s.right(engine, places);
}

describe('a command that is killed at', { concurrency: 2 }, () => {
  for (const [command, s] of Object.entries(SCENARIOS)) {
    for (const point of s.points) {
      test(`${point}: ${command}`, async () => {
        const store = storeFor(point, s);
        const killed = await store.slipway(s.command(places), { env: { ...s.env, SLIPWAY_CRASH_AT: point } });
        assert.equal(killed.signal, 'SIGKILL', `it does not pass ${point}: ${killed.stderr}${killed.stdout}`);
        await again(store, s);
        await right(store, s);
        rmSync(store.folder, { recursive: true });
      });

      test(`${point}, beside another one: ${command}`, async () => {
        const store = storeFor(`${point}-beside`, s);
        const [killed, other] = await Promise.all([
          store.slipway(s.command(places), { env: { ...s.env, SLIPWAY_CRASH_AT: point } }),
          store.slipway(s.command(places), { env: s.env ?? {} }),
        ]);
        // the other one may have left nothing to do
        if (killed.signal !== 'SIGKILL') assert.equal(killed.exitCode, 0, killed.stderr);
        assert.equal(other.exitCode, 0, other.stderr);
        await again(store, s);
        await right(store, s);
        rmSync(store.folder, { recursive: true });
      });
    }
  }
});

test('every crash point has a scenario', () => {
  const tried = Object.values(SCENARIOS).flatMap((s) => s.points);
  assert.deepEqual(
    // those of containers and volumes: container-network.test.ts; of networks that are connected and left: network-connect.test.ts
    CRASH_POINTS.filter((point) => !/^(?:container|volume)\.|^network\.endpoint-/.test(point) && !tried.includes(point)),
    [],
  );
  assert.equal(new Set(tried).size, tried.length, 'one each');
});
