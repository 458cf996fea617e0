// A running build as other processes see it: its steps before they run, its output as it comes, an end before its time, and nothing left.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { buildHistory, cancelBuild, Engine, followBuild, type LiveEvent } from '../../src/engine/index.ts';
import { openShop } from '../support/shop.ts';
import { SLIPWAY } from '../support/store.ts';

const shop = openShop('live');
const context = join(shop.folder, 'project');
const gate = join(shop.folder, 'gate');
const live = join(shop.folder, 'run', 'builds');
let engine: Engine;
let running: ChildProcess[] = [];

before(async () => {
  await shop.makeImages();
  mkdirSync(context);
  mkdirSync(gate);
});
beforeEach(() => {
  engine = Engine.open({ root: join(shop.folder, 'root'), run: join(shop.folder, 'run'), selfCommand: [SLIPWAY] });
});
afterEach(async () => {
  for (const child of running) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  running = [];
  engine.close();
});
after(() => shop.close());

/** A build whose last step says `begun` and waits for the file of the gate. */
function start(name: string): { readonly child: ChildProcess; readonly ended: Promise<number | null>; readonly stderr: () => string } {
  const wait = `echo begun; until [ -e /gate/${name} ]; do sleep 0.05; done; echo passed`;
  writeFileSync(join(context, 'Dockerfile'), `FROM busybox\nRUN echo ${name} > /x\nRUN ${wait}\n`);
  const child = spawn(SLIPWAY, ['build', '-v', `${gate}:/gate`, '-t', name, context], {
    env: { ...shop.env, DOCKER_BUILDKIT: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  running.push(child);
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, ended: once(child, 'close').then(([code]) => code as number | null), stderr: () => text };
}

/** The build that runs now, as soon as others see it. */
async function theRunning(child: ChildProcess): Promise<string> {
  for (;;) {
    const found = (await buildHistory(engine, Date.now())).list().find(({ record }) => record.status === 'running');
    if (found) return found.record.ref;
    assert.equal(child.exitCode, null, 'the build has ended');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Events until one is wanted, or all. */
async function follow(ref: string, until: (e: LiveEvent) => boolean = () => false): Promise<LiveEvent[]> {
  const events: LiveEvent[] = [];
  for await (const lines of followBuild(engine, ref, AbortSignal.timeout(120_000)))
    for (const line of lines) {
      const e = JSON.parse(line) as LiveEvent;
      events.push(e);
      if (until(e)) return events;
    }
  return events;
}

const outputOf = (events: readonly LiveEvent[]): string => events.map((e) => (e.type === 'log' ? e.text : '')).join('');
const begun = (e: LiveEvent): boolean => e.type === 'log' && e.text.includes('begun');

test('all steps are known before they run, output comes as it is written, and the end is on record', async () => {
  const { child, ended } = start('whole');
  const ref = await theRunning(child);
  const early = await follow(ref, begun);
  const steps = early.flatMap((e) => (e.type === 'steps' ? e.steps : []));
  assert.deepEqual(
    steps.map((s) => [s.name.replace(/echo begun.*/, '…'), s.inputs.length]),
    [
      ['[1/3] FROM docker.io/library/busybox:latest', 0],
      ['[2/3] RUN echo whole > /x', 1],
      ['[3/3] RUN …', 1],
    ],
  );
  assert.ok(early.some((e) => e.type === 'vertex' && e.name.startsWith('[2/3]') && e.state === 'done'));
  const all = follow(ref);
  writeFileSync(join(gate, 'whole'), '');
  assert.equal(outputOf(await all), 'begun\npassed\n');
  assert.equal(await ended, 0);
  assert.deepEqual(readdirSync(live), []);
  assert.deepEqual(await follow(ref), [], 'what has ended is on record');
  assert.match((await buildHistory(engine, Date.now())).log(ref), /passed/);
});

test('a running build is cancelled from outside', async () => {
  const { child, ended, stderr } = start('cancelled');
  const ref = await theRunning(child);
  await follow(ref, begun);
  const rest = follow(ref);
  await cancelBuild(engine, ref);
  assert.equal(await ended, 130, stderr());
  assert.ok((await rest).some((e) => e.type === 'vertex' && e.state === 'cancelled'));
  const { record } = (await buildHistory(engine, Date.now())).find(ref);
  assert.equal(record.status, 'canceled');
  assert.deepEqual(readdirSync(live), []);
  await assert.rejects(cancelBuild(engine, ref), { code: 'build.not-running' });
  await assert.rejects(cancelBuild(engine, 'nobody'), { code: 'build.no-record' });
});

test('who follows a build that is killed comes to its end, and the next build removes what it left', async () => {
  const { child } = start('killed');
  const ref = await theRunning(child);
  await follow(ref, begun);
  const rest = follow(ref);
  child.kill('SIGKILL');
  await rest;
  assert.deepEqual(readdirSync(live), [`${ref}.jsonl`]);
  writeFileSync(join(gate, 'next'), '');
  assert.equal(await start('next').ended, 0);
  assert.deepEqual(readdirSync(live), []);
});
