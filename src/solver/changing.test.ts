// What is read as it lies there, and changed while a solve is at work, must never be found again as what it was before.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { MemoryCache } from './cache.ts';
import { Solver } from './solver.ts';
import type { CachedResult, Driver, Vertex } from './types.ts';

/** Results are what vertices made of their inputs; a source is read when it is used, and not before. */
class LiveDriver implements Driver<string> {
  source = '1';
  readonly ran: string[] = [];
  /** Called in the midst of an execution. */
  during: (name: string) => void = () => {};

  sourceKey(v: Vertex): string | undefined {
    return v.name === 'base' ? 'base' : undefined;
  }

  contentKey(_v: Vertex, _input: number, result: string): string {
    return result.replace('source', this.source);
  }

  async execute(v: Vertex, inputs: readonly string[]): Promise<string> {
    await Promise.resolve();
    if (v.inputs.length === 0) return v.name;
    this.ran.push(v.name);
    this.during(v.name);
    return `${v.name}(${inputs.join(',').replace('source', this.source)})`;
  }

  save(_v: Vertex, json: string): CachedResult {
    return { snapshotId: null, json };
  }

  restore(_v: Vertex, { json }: CachedResult): string {
    return json;
  }

  standsOn(): boolean {
    return true;
  }
}

const vertex = (name: string, inputs: readonly Vertex[] = [], selective = inputs.map(() => false)): Vertex => ({
  id: name,
  name,
  inputs,
  definition: name,
  selective,
  noCache: false,
});

/** `run` stands on `copy`, and `reader` reads of it; `copy` stands on `slow` and reads of the source. */
const slow = vertex('slow', [vertex('base')]);
const copy = vertex('copy', [slow, vertex('source')], [false, true]);
const run = vertex('run', [copy]);
const reader = vertex('reader', [vertex('base'), copy], [false, true]);

let cache: MemoryCache;
let driver: LiveDriver;

beforeEach(() => {
  cache = new MemoryCache();
  driver = new LiveDriver();
});

/** What the targets gave, and what was executed for it. */
async function solve(): Promise<{ results: string[]; ran: string[] }> {
  driver.ran.length = 0;
  const solver = new Solver(driver, {
    cache,
    slot: async () => ({ [Symbol.dispose]: () => {} }),
    signal: new AbortController().signal,
    lock: async () => ({ [Symbol.dispose]: () => {} }),
    onState: () => {},
  });
  return { results: await solver.solve([run, reader]), ran: [...driver.ran].sort() };
}

const resultsOf = (source: string): string[] => [`run(copy(slow(base),${source}))`, `reader(base,copy(slow(base),${source}))`];

test('a change while it is read: nothing that was made of it is used again', async () => {
  driver.during = (name) => {
    if (name === 'copy') driver.source = '2';
  };
  assert.deepEqual((await solve()).results, resultsOf('2'));
  driver.during = () => {};
  driver.source = '1';
  assert.deepEqual(await solve(), { results: resultsOf('1'), ran: ['copy', 'reader', 'run'] });
  assert.deepEqual(await solve(), { results: resultsOf('1'), ran: [] });
  driver.source = '2';
  assert.deepEqual((await solve()).results, resultsOf('2'));
});

test('a change before it is read, while something else is executed: it counts as what it is when it is read', async () => {
  driver.during = (name) => {
    if (name === 'slow') driver.source = '2';
  };
  assert.deepEqual((await solve()).results, resultsOf('2'));
  assert.deepEqual(await solve(), { results: resultsOf('2'), ran: [] });
  driver.source = '1';
  assert.deepEqual(await solve(), { results: resultsOf('1'), ran: ['copy', 'reader', 'run'] });
});
