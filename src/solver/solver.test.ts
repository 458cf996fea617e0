import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryCache } from './cache.ts';
import { Solver } from './solver.ts';
import type { CacheStore, Driver, SolveState, Vertex } from './types.ts';

/** Results are strings: what a vertex makes of its inputs. `made` maps a definition to another output than its own. */
class CountingDriver implements Driver<string> {
  readonly ran: string[] = [];
  readonly sources: Map<string, string>;
  readonly outputs: Map<string, string>;

  constructor(sources: Record<string, string> = {}, outputs: Record<string, string> = {}) {
    this.sources = new Map(Object.entries(sources));
    this.outputs = new Map(Object.entries(outputs));
  }

  sourceKey(): undefined {
    return undefined;
  }

  contentKey(_v: Vertex, _input: number, result: string): string {
    return result;
  }

  async execute(v: Vertex, inputs: readonly string[], signal: AbortSignal): Promise<string> {
    await Promise.resolve();
    signal.throwIfAborted();
    if (v.inputs.length > 0) this.ran.push(v.name);
    if (v.definition === 'fail') throw new Error('it failed');
    return this.sources.get(v.name) ?? this.outputs.get(v.name) ?? `${v.definition}(${inputs.join(',')})`;
  }

  save(_v: Vertex, result: string): { snapshotId: null; json: string } {
    return { snapshotId: null, json: result };
  }

  restore(_v: Vertex, cached: { json: string }): string {
    return cached.json;
  }
}

const vertex = (name: string, inputs: readonly Vertex[] = [], o: Partial<Vertex> = {}): Vertex => ({
  id: `${name}<${inputs.map((i) => i.id).join(';')}>`,
  name,
  inputs,
  definition: name,
  selective: inputs.map(() => true),
  noCache: false,
  ...o,
});

async function solve(driver: CountingDriver, target: Vertex, cache: CacheStore, states: string[] = []): Promise<string> {
  const solver = new Solver(driver, {
    cache,
    turn: async () => ({ [Symbol.dispose]: () => {} }),
    signal: new AbortController().signal,
    lock: async () => ({ [Symbol.dispose]: () => {} }),
    onState: (v, state: SolveState) => states.push(`${v.name} ${state}`),
  });
  return (await solver.solve([target]))[0] as string;
}

test('what was done is not done again', async () => {
  const cache = new MemoryCache();
  const driver = new CountingDriver({ src: '1' });
  const target = vertex('b', [vertex('a', [vertex('src')])]);
  assert.equal(await solve(driver, target, cache), 'b(a(1))');
  assert.equal(await solve(driver, target, cache), 'b(a(1))');
  assert.deepEqual(driver.ran, ['a', 'b']);
});

test('a vertex that made the same again stops the change (early cutoff)', async () => {
  const cache = new MemoryCache();
  const driver = new CountingDriver({ src: '1' }, { a: 'same' });
  const target = vertex('b', [vertex('a', [vertex('src')])]);
  await solve(driver, target, cache);
  driver.sources.set('src', '2');
  assert.equal(await solve(driver, target, cache), 'b(same)');
  assert.deepEqual(driver.ran, ['a', 'b', 'a']);
});

test('without the cache everything above runs too', async () => {
  const cache = new MemoryCache();
  const driver = new CountingDriver({ src: '1' });
  const build = (noCache: boolean): Vertex => {
    const a = vertex('a', [vertex('src')], { noCache, id: `a${noCache}` });
    return vertex('b', [a], { selective: [false], id: `b${noCache}` });
  };
  await solve(driver, build(false), cache);
  await solve(driver, build(true), cache);
  assert.deepEqual(driver.ran, ['a', 'b', 'a', 'b']);
});

test('a failure is told once, and stops the others', async () => {
  const states: string[] = [];
  const driver = new CountingDriver({ src: '1' });
  const src = vertex('src');
  const target = vertex('end', [vertex('bad', [src], { definition: 'fail' }), vertex('slow', [vertex('slower', [src])])]);
  await assert.rejects(solve(driver, target, new MemoryCache(), states), /it failed/);
  assert.equal(states.filter((s) => s.endsWith(' failed')).length, 1);
  assert.ok(!driver.ran.includes('end'));
});

test('random graphs: equal to running each vertex alone, nothing runs twice, and one change runs exactly its readers', async () => {
  for (let seed = 1; seed <= 60; seed++) {
    let state = seed;
    const random = (n: number): number => (state = (state * 1103515245 + 12345) % 2147483648) % n;
    const sources = Object.fromEntries(Array.from({ length: 4 }, (_, i) => [`s${i}`, `${i}`]));
    const all: Vertex[] = Object.keys(sources).map((name) => vertex(name));
    for (let i = 0; i < 25; i++) {
      const inputs = [...new Set(Array.from({ length: 1 + random(3) }, () => all[random(all.length)] as Vertex))];
      const made = vertex(`v${i}`, inputs);
      all.push({ ...made, id: made.name });
    }
    const target = all.at(-1) as Vertex;
    const expected = (v: Vertex, src: Record<string, string>): string =>
      src[v.name] ?? `${v.name}(${v.inputs.map((i) => expected(i, src)).join(',')})`;
    const reach = (v: Vertex, found = new Set<Vertex>()): Set<Vertex> => {
      if (!found.has(v)) for (const i of found.add(v) && v.inputs) reach(i, found);
      return found;
    };
    const cache = new MemoryCache();
    const driver = new CountingDriver(sources);
    assert.equal(await solve(driver, target, cache), expected(target, sources), `seed ${seed}`);
    const steps = [...reach(target)].filter((v) => v.inputs.length > 0);
    assert.deepEqual(driver.ran.toSorted(), steps.map((v) => v.name).toSorted(), `seed ${seed}`);
    driver.ran.length = 0;
    await solve(driver, target, cache);
    assert.deepEqual(driver.ran, [], `seed ${seed}`);
    driver.sources.set('s0', 'changed');
    assert.equal(await solve(driver, target, cache), expected(target, { ...sources, s0: 'changed' }), `seed ${seed}`);
    const readers = steps.filter((v) => [...reach(v)].some((r) => r.name === 's0'));
    assert.deepEqual(driver.ran.toSorted(), readers.map((v) => v.name).toSorted(), `seed ${seed}`);
  }
});

test('nothing goes on behind a solve that has ended', async () => {
  // `wanted` has its result already; what it reads has none any more, and begins only while another key is looked for
  const cache = new MemoryCache();
  const driver = new CountingDriver({ src: '1' });
  const graph = (): Vertex => vertex('wanted', [vertex('slow', [vertex('src')]), vertex('other', [vertex('src')])]);
  await solve(driver, graph(), cache);
  driver.ran.length = 0;
  cache.forget((name) => name === 'slow' || name === 'other');
  assert.equal(await solve(driver, graph(), cache), 'wanted(slow(1),other(1))');
  // the driver of this test needs no more than promises to go on
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(driver.ran, []);
});
