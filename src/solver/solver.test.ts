import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ImportingCache, MemoryCache } from './cache.ts';
import { Solver } from './solver.ts';
import type { CachedResult, CacheStore, Driver, Keyed, SolveState, Vertex } from './types.ts';

/**
 * Results are strings: what a vertex makes of its inputs. `outputs` maps a name to another output than its own; what is named
 * `random…` makes another one each time.
 */
class CountingDriver implements Driver<string> {
  readonly ran: string[] = [];
  #serial = 0;
  readonly sources: Map<string, string>;
  readonly outputs: Map<string, string>;

  constructor(sources: Record<string, string> = {}, outputs: Record<string, string> = {}) {
    this.sources = new Map(Object.entries(sources));
    this.outputs = new Map(Object.entries(outputs));
  }

  /** Those that are the base of something have one; what is read of the others counts by content. */
  sourceKey(v: Vertex): string | undefined {
    return v.name.startsWith('base') ? v.name : undefined;
  }

  contentKey(_v: Vertex, _input: number, result: string): string {
    return result;
  }

  async execute(v: Vertex, inputs: readonly string[], signal: AbortSignal): Promise<string> {
    await Promise.resolve();
    signal.throwIfAborted();
    if (v.inputs.length > 0) this.ran.push(v.name);
    if (v.definition === 'fail') throw new Error('it failed');
    const serial = v.name.startsWith('random') ? `#${++this.#serial}` : '';
    return this.sources.get(v.name) ?? this.outputs.get(v.name) ?? `${v.definition}${serial}(${inputs.join(',')})`;
  }

  save(_v: Vertex, result: string): { snapshotId: null; json: string } {
    return { snapshotId: null, json: result };
  }

  restore(v: Vertex, cached: { json: string }, base: string | undefined): string | undefined {
    return base === undefined || v.selective[0] || isOn(cached.json, base) ? cached.json : undefined;
  }

  standsOn(cached: { json: string }, below: { json: string }): boolean {
    return isOn(cached.json, below.json);
  }
}

const isOn = (result: string, base: string): boolean => result === base || result.slice(result.indexOf('(') + 1).startsWith(base);

const vertex = (name: string, inputs: readonly Vertex[] = [], o: Partial<Vertex> = {}): Vertex => ({
  id: `${name}<${inputs.map((i) => i.id).join(';')}>`,
  name,
  inputs,
  definition: name,
  selective: inputs.map(() => true),
  noCache: false,
  ...o,
});

const openSolver = (driver: CountingDriver, cache: CacheStore, states: string[] = []): Solver<string> =>
  new Solver(driver, {
    cache,
    slot: async () => ({ [Symbol.dispose]: () => {} }),
    signal: new AbortController().signal,
    lock: async () => ({ [Symbol.dispose]: () => {} }),
    onState: (v, state: SolveState) => states.push(`${v.name} ${state}`),
  });

async function solve(driver: CountingDriver, target: Vertex, cache: CacheStore, states: string[] = [], all = [target]): Promise<string> {
  return (await openSolver(driver, cache, states).solve(all))[0] as string;
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
    const b = vertex('b', [a], { selective: [false], id: `b${noCache}` });
    // whichever input it is
    return vertex('c', [vertex('base'), b], { selective: [false, false], id: `c${noCache}` });
  };
  await solve(driver, build(false), cache);
  await solve(driver, build(true), cache);
  assert.deepEqual(driver.ran, ['a', 'b', 'c', 'a', 'b', 'c']);
});

test('what was executed again without the cache is what later solves use', async () => {
  const graph = (noCache: boolean): { readonly step: Vertex; readonly copy: Vertex; readonly above: Vertex } => {
    const step = vertex('random', [vertex('base')], { selective: [false], noCache, id: `random ${noCache}` });
    const copy = vertex('copy', [vertex('base'), step], { selective: [false, true], id: `copy ${noCache}` });
    const middle = vertex('middle', [step], { selective: [false], id: `middle ${noCache}` });
    return { step, copy, above: vertex('above', [middle], { selective: [false], id: `above ${noCache}` }) };
  };
  // the whole of it again, or the one stage alone
  for (const again of ['copy', 'above', 'step'] as const) {
    const cache = new MemoryCache();
    const driver = new CountingDriver();
    for (const reader of ['copy', 'above'] as const) await solve(driver, graph(false)[reader], cache);
    await solve(driver, graph(true)[again], cache);
    const second = await solve(driver, graph(false).step, cache);
    assert.match(second, /#2/);
    for (const reader of ['copy', 'above'] as const) {
      const { [reader]: target, step } = graph(false);
      const third = await solve(driver, target, cache, [], [target, step]);
      assert.ok(third.includes(second), `${third} after ${again}`);
      driver.ran.length = 0;
      assert.equal(await solve(driver, target, cache), third);
      assert.deepEqual(driver.ran, []);
    }
  }
});

test('what stands on a result that is gone is executed again with it, where both are wanted', async () => {
  const cache = new MemoryCache();
  const driver = new CountingDriver();
  const step = vertex('random', [vertex('base')], { selective: [false] });
  const above = vertex('above', [step], { selective: [false] });
  await solve(driver, above, cache);
  cache.forget((name) => name === 'random');
  driver.ran.length = 0;
  assert.match(await solve(driver, above, cache), /#1/, 'alone it is as good as ever');
  assert.deepEqual(driver.ran, []);
  assert.match(await solve(driver, above, cache, [], [above, step]), /above\(random#2/);
});

test('nothing is cached by an input that has no key', async () => {
  const target = vertex('reader', [vertex('src')], { selective: [false] });
  await assert.rejects(solve(new CountingDriver({ src: '1' }), target, new MemoryCache()), { code: 'solver.no-key' });
});

test('a chain of ten thousand', async () => {
  const cache = new MemoryCache();
  const driver = new CountingDriver({ base: 'same' });
  let last = vertex('base', [], { id: 'base' });
  for (let i = 0; i < 10_000; i++) {
    // or the lengths of their results would add up
    driver.outputs.set(`v${i}`, 'same');
    last = vertex(`v${i}`, i % 3 === 0 ? [last, last] : [last], { id: `v${i}`, selective: [false, true].slice(0, i % 3 === 0 ? 2 : 1) });
  }
  await solve(driver, last, cache);
  assert.equal(driver.ran.length, 10_000);
  await solve(driver, last, cache);
  assert.equal(driver.ran.length, 10_000);
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

test('random graphs of steps that never make the same again: one version of each in every result, and nothing runs twice', async () => {
  const seeds =
    process.env['SLIPWAY_SEED'] === undefined ? Array.from({ length: 150 }, (_, i) => i + 1) : [Number(process.env['SLIPWAY_SEED'])];
  for (const seed of seeds) {
    let state = seed;
    const random = (n: number): number => Math.floor(((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32) * n);
    const plan = Array.from({ length: 8 }, (_, i) => ({
      name: `${random(2) === 0 ? 'random' : 'v'}${i}`,
      base: random(i + 1) - 1,
      reads: [...new Set(Array.from({ length: random(3) }, () => random(i + 1) - 1))].filter((n) => n >= 0),
    }));
    /** The graph, with the cache turned off for some. */
    const graph = (off: ReadonlySet<number>): Vertex[] => {
      const made: Vertex[] = [];
      for (const [i, { name, base, reads }] of plan.entries()) {
        const inputs = [base < 0 ? vertex('base') : (made[base] as Vertex), ...reads.map((n) => made[n] as Vertex)];
        const id = `${i}${off.has(i) ? '!' : ''}<${inputs.map((v) => v.id).join(';')}>`;
        made.push({ ...vertex(name, inputs), id, selective: inputs.map((_, n) => n > 0), noCache: off.has(i) });
      }
      return made;
    };
    const cache = new MemoryCache();
    const driver = new CountingDriver();
    for (let round = 0; round < 8; round++) {
      const off = new Set(round % 2 === 0 ? [] : plan.map((_, i) => i).filter(() => random(4) === 0));
      const vertices = graph(off);
      const target = vertices[round % 2 === 0 ? vertices.length - 1 : random(vertices.length)] as Vertex;
      const chain: Vertex[] = [];
      for (let at: Vertex | undefined = target; at && at.inputs.length > 0; at = at.inputs[0]) chain.push(at);
      const told = `SLIPWAY_SEED=${seed} round ${round}`;
      const result = await solve(driver, target, cache, [], chain);
      if (round % 2 !== 0) continue;
      const versions = new Set(result.match(/random\d+#\d+/g));
      assert.equal(new Set([...versions].map((one) => one.split('#')[0])).size, versions.size, `${told}: ${result}`);
      driver.ran.length = 0;
      const later = await solve(driver, target, cache, [], chain);
      assert.equal(later, result, told);
      assert.deepEqual(driver.ran, [], told);
    }
  }
});

test('a result from elsewhere that cannot be brought is made, and known by what it is made of now', async () => {
  const graph = (): Vertex => {
    const step = vertex('random', [vertex('base')], { selective: [false] });
    const copy = vertex('copy', [vertex('base'), step], { selective: [false, true] });
    return vertex('above', [copy], { selective: [false] });
  };
  const names = (store: CacheStore): [CacheStore, Map<string, string>] => {
    const keys = new Map<string, string>();
    const put = (key: string, result: CachedResult, name: string): void => {
      keys.set(key, name);
      store.put(key, result, name);
    };
    return [
      { get: (key) => store.get(key), put, alias: (key) => store.alias(key), putAlias: (...alias) => store.putAlias(...alias) },
      keys,
    ];
  };
  const [there, elsewhere] = names(new MemoryCache());
  const first = await solve(new CountingDriver(), graph(), there);
  const [local, made] = names(new MemoryCache());
  const alias = (key: string): Keyed | undefined => there.alias(key);
  const here = new ImportingCache(local, { has: (key) => elsewhere.has(key), alias, bring: async () => undefined });
  const driver = new CountingDriver({}, { random: 'another' });
  const second = await solve(driver, graph(), here);
  assert.deepEqual(driver.ran, ['random', 'copy', 'above']);
  assert.notEqual(second, first);
  // what was made of another thing does not count as what was there
  assert.deepEqual(
    [...made].filter(([key]) => elsewhere.has(key)).map(([, name]) => name),
    ['random'],
  );
  driver.ran.length = 0;
  assert.equal(await solve(driver, graph(), here), second);
  assert.deepEqual(driver.ran, []);
});

test('with keepGoing a failure stops only what needs it', async () => {
  const driver = new CountingDriver({ src: '1' });
  const states: string[] = [];
  const shared = vertex('shared', [vertex('src')]);
  const bad = vertex('bad', [shared], { definition: 'fail' });
  const targets = [vertex('upon bad', [bad]), vertex('c', [vertex('b', [vertex('a', [shared])])])];
  const solver = new Solver(driver, {
    cache: new MemoryCache(),
    slot: async () => ({ [Symbol.dispose]: () => {} }),
    signal: new AbortController().signal,
    keepGoing: true,
    lock: async () => ({ [Symbol.dispose]: () => {} }),
    onState: (v, state: SolveState) => states.push(`${v.name} ${state}`),
  });
  const [failed, made] = await solver.solveEach(targets);
  assert.equal(failed?.status, 'rejected');
  assert.deepEqual(made, { status: 'fulfilled', value: 'c(b(a(shared(1))))' });
  assert.deepEqual(driver.ran.toSorted(), ['a', 'b', 'bad', 'c', 'shared']);
  assert.ok(states.includes('bad failed') && !states.some((state) => state.endsWith('cancelled')));
});

test('a solver goes on where it was: what was solved is not executed again', async () => {
  const driver = new CountingDriver();
  const solver = openSolver(driver, new MemoryCache());
  const a = vertex('a', [vertex('base')], { selective: [false], noCache: true });
  const b = vertex('b', [a], { selective: [false] });
  assert.deepEqual(await solver.solve([a]), ['a(base())']);
  assert.deepEqual(await solver.solve([b]), ['b(a(base()))']);
  assert.deepEqual(await solver.solve([b, a]), ['b(a(base()))', 'a(base())']);
  assert.deepEqual(driver.ran, ['a', 'b']);
});

test('what one solve stopped because nothing needs it, the next one begins again', async () => {
  /** What stands below waits when it is executed the first time, until it is stopped. */
  class Waiting extends CountingDriver {
    stopped = 0;
    override async execute(v: Vertex, inputs: readonly string[], signal: AbortSignal): Promise<string> {
      if (v.name === 'below' && this.stopped === 0) {
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
        this.stopped++;
      }
      return super.execute(v, inputs, signal);
    }
  }
  const below = vertex('below', [vertex('base')], { selective: [false] });
  const graph = (read: string): Vertex =>
    vertex('top', [below, vertex(read, [vertex('base')], { selective: [false] })], { selective: [false, true], id: `top ${read}` });
  const cache = new MemoryCache();
  const outputs = { one: 'same', two: 'same' };
  await solve(new CountingDriver({}, outputs), graph('one'), cache);
  // its result is lost, that of what stands on it is not
  cache.forget((name) => name === 'below');
  const driver = new Waiting({}, outputs);
  const solver = openSolver(driver, cache);
  assert.deepEqual(await solver.solve([graph('two')]), ['top(below(base()),same)']);
  assert.deepEqual([driver.stopped, driver.ran], [1, ['two']]);
  assert.deepEqual(await solver.solve([below]), ['below(base())']);
  assert.deepEqual(driver.ran, ['two', 'below']);
});
