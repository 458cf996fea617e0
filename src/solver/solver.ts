// The scheduler: finds for each vertex a cached result by what it does and reads, and executes what has none, everything that
// is ready side by side. A key is made of the definition and of the inputs: an input that is read in part enters by the digest of
// what is read, so a vertex that ran again and made the same bytes invalidates nothing (early cutoff).
import { sha256Hex } from '../util/index.ts';
import type { Driver, Keyed, SolveOptions, Vertex } from './types.ts';

interface Entry<R> {
  key?: Promise<string>;
  result?: Promise<R>;
  /** Set once it was executed here. */
  made?: R;
  anew?: boolean;
  /** Its state was told, at least as cached. */
  told: boolean;
}

/** A key: of the definition and the part of each input. `kind` sets keys apart that are made of other parts. */
export const digestParts = (v: Vertex, parts: readonly string[], kind?: string): string =>
  sha256Hex([...(kind === undefined ? [] : [kind]), v.definition, ...parts].join('\n'));

export class Solver<R> {
  readonly #driver: Driver<R>;
  readonly #o: SolveOptions;
  readonly #entries = new Map<string, Entry<R>>();
  /** Begun, and not at their end. */
  readonly #unfinished = new Set<Promise<R>>();
  readonly #abort = new AbortController();
  readonly #signal: AbortSignal;
  #failure: { readonly error: unknown } | undefined;

  constructor(driver: Driver<R>, o: SolveOptions) {
    this.#driver = driver;
    this.#o = o;
    this.#signal = AbortSignal.any([o.signal, this.#abort.signal]);
  }

  /** The results of vertices. When one fails, what runs is stopped; the first error is thrown when all have ended. */
  async solve(targets: readonly Vertex[]): Promise<R[]> {
    const all = await Promise.allSettled(targets.map((t) => this.#result(t)));
    // what was begun in good time and turned out not to be needed does not go on behind anybody's back
    if (this.#unfinished.size > 0) {
      this.#abort.abort(new DOMException('it is not needed any more', 'AbortError'));
      await Promise.allSettled(this.#unfinished);
    }
    if (this.#failure) throw this.#failure.error;
    return all.map((r) => {
      if (r.status === 'rejected') throw r.reason;
      return r.value;
    });
  }

  #entry(v: Vertex): Entry<R> {
    let entry = this.#entries.get(v.id);
    if (!entry) this.#entries.set(v.id, (entry = { told: false }));
    return entry;
  }

  #key(v: Vertex): Promise<string> {
    return (this.#entry(v).key ??= this.#findKey(v));
  }

  #result(v: Vertex): Promise<R> {
    const entry = this.#entry(v);
    if (entry.result === undefined) {
      const finding = this.#find(v).finally(() => this.#unfinished.delete(finding));
      this.#unfinished.add(finding);
      entry.result = finding;
    }
    return entry.result;
  }

  /** The key, or '' for a source that has none of its own: what reads it goes by content. */
  async #findKey(v: Vertex): Promise<string> {
    if (v.inputs.length === 0) {
      await this.#driver.resolve?.(v);
      return this.#driver.sourceKey(v) ?? '';
    }
    const keys = await this.#inputKeys(v);
    if (!v.selective.includes(true)) return this.#keyed(v, { key: digestParts(v, keys), parts: keys });
    // the cheap way first: what these inputs led to before, without looking into them
    const cheap = keys.includes('') || v.inputs.some((i) => this.#isAnew(i)) ? undefined : digestParts(v, keys, 'inputs');
    const alias = cheap === undefined ? undefined : this.#o.cache.alias(cheap);
    if (alias !== undefined && alias.parts.length === keys.length) return this.#keyed(v, alias);
    // while the others are looked into
    v.inputs.forEach((input, i) => this.#expect(input, keys[i] as string));
    const parts = await settled(
      v.inputs.map(async (input, i) => {
        if (!v.selective[i]) return keys[i] as string;
        const result = await this.#result(input);
        return this.#guard(v, () => `content:${this.#driver.contentKey(v, i, result)}`);
      }),
    );
    const keyed: Keyed = { key: digestParts(v, parts), parts };
    if (cheap !== undefined) this.#o.cache.putAlias(cheap, keyed);
    return this.#keyed(v, keyed);
  }

  #keyed(v: Vertex, keyed: Keyed): string {
    this.#o.onKey?.(v, keyed);
    return keyed.key;
  }

  /**
   * The keys of what a vertex reads. Most are known at once; when one needs something to be run first, that of the others which
   * has to run too begins meanwhile.
   */
  async #inputKeys(v: Vertex): Promise<string[]> {
    const late = setImmediate(() => {
      for (const input of v.inputs) {
        this.#key(input).then(
          (key) => this.#expect(input, key),
          () => {}, // told where the key is awaited
        );
      }
    });
    try {
      return await settled(v.inputs.map((i) => this.#key(i)));
    } finally {
      clearImmediate(late);
    }
  }

  /** Begins what has no result yet. */
  #expect(v: Vertex, key: string): void {
    const { cache } = this.#o;
    if (v.inputs.length === 0 || this.#entry(v).result !== undefined) return;
    const missing = this.#isAnew(v) || (cache.get(key) === undefined && cache.elsewhere?.(key) !== true);
    if (missing) this.#result(v).catch(() => {}); // whoever needs it hears of it
  }

  async #find(v: Vertex): Promise<R> {
    const key = await this.#key(v);
    const keyed = v.inputs.length > 0;
    if (keyed && !this.#isAnew(v)) {
      let hit = this.#lookUp(v, key);
      if (hit === undefined && this.#o.cache.elsewhere?.(key)) {
        await this.#o.cache.fetch?.(key, this.#signal);
        hit = this.#lookUp(v, key);
      }
      if (hit !== undefined) {
        this.#tellCached(v);
        return hit;
      }
    }
    const inputs = await settled(v.inputs.map((i) => this.#result(i)));
    if (!keyed) return this.#execute(v, inputs);
    using _lock = await this.#o.lock(key, this.#signal);
    // somebody else may have made it meanwhile
    const hit = this.#isAnew(v) ? undefined : this.#lookUp(v, key);
    if (hit !== undefined) {
      this.#tellCached(v);
      return hit;
    }
    const made = await this.#execute(v, inputs);
    const saved = this.#driver.save(v, made);
    if (saved) this.#o.cache.put(key, saved, v.name);
    return made;
  }

  #lookUp(v: Vertex, key: string): R | undefined {
    const cached = this.#o.cache.get(key);
    if (!cached) return undefined;
    const below = v.inputs[0];
    return this.#driver.restore(v, cached, below && this.#entry(below).made);
  }

  async #execute(v: Vertex, inputs: readonly R[]): Promise<R> {
    const entry = this.#entry(v);
    // whoever is stopped while it waits had not begun
    using _turn = await this.#o.turn(v, this.#signal);
    try {
      this.#signal.throwIfAborted();
      entry.told = true;
      this.#o.onState(v, 'started');
      const made = await this.#driver.execute(v, inputs, this.#signal);
      entry.made = made;
      this.#o.onState(v, 'done');
      return made;
    } catch (e) {
      this.#fail(v, e);
      throw e;
    }
  }

  /** Runs what may fail for a vertex that has not begun: the failure is that vertex's. */
  #guard<T>(v: Vertex, fn: () => T): T {
    try {
      return fn();
    } catch (e) {
      this.#entry(v).told = true;
      this.#o.onState(v, 'started');
      this.#fail(v, e);
      throw e;
    }
  }

  #fail(v: Vertex, error: unknown): void {
    const first = this.#failure === undefined && !this.#signal.aborted;
    if (first) {
      this.#failure = { error };
      this.#abort.abort(error);
    }
    this.#o.onState(v, first ? 'failed' : 'cancelled', error);
  }

  /** Whether a vertex ignores the cache: it was told to, or what it stands on does. */
  #isAnew(v: Vertex): boolean {
    const entry = this.#entry(v);
    if (entry.anew === undefined) {
      // chains are long: from the bottom up, without recursion
      const chain: Vertex[] = [];
      for (let at: Vertex | undefined = v; at && this.#entry(at).anew === undefined; at = at.inputs[0]) chain.push(at);
      for (const at of chain.reverse()) {
        this.#entry(at).anew = at.noCache || at.inputs.some((i, n) => !at.selective[n] && this.#entry(i).anew === true);
      }
    }
    return entry.anew === true;
  }

  /** A cached vertex makes all that it needs cached too, without a look at it. */
  #tellCached(v: Vertex): void {
    const stack = [v];
    const out: Vertex[] = [];
    for (let at = stack.pop(); at; at = stack.pop()) {
      const entry = this.#entry(at);
      if (entry.told) continue;
      entry.told = true;
      out.push(at);
      stack.push(...at.inputs);
    }
    for (const at of out.reverse()) this.#o.onState(at, 'cached');
  }
}

/** Waits for all, so that nothing goes on unobserved; then fails as the first that failed. */
async function settled<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  if (promises.length === 1) return [await (promises[0] as Promise<T>)];
  const all = await Promise.allSettled(promises);
  return all.map((r) => {
    if (r.status === 'rejected') throw r.reason;
    return r.value;
  });
}
