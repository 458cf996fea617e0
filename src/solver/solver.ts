// The scheduler: finds for each vertex a cached result by what it does and reads, and executes what has none, everything that
// is ready side by side. A key is made of the definition and of the inputs: an input that is read in part enters by the digest of
// what is read, so a vertex that ran again and made the same bytes invalidates nothing (early cutoff).
import { aliasHolds, digestParts, identities, requireKeys } from './keys.ts';
import { randomId } from '../util/index.ts';
import type { CachedResult, Driver, Keyed, SolveOptions, Vertex } from './types.ts';

interface Entry<R> {
  key?: Promise<string>;
  /** The key once it is known. */
  known?: string;
  /** What it is made of, and whether that was learnt from an alias: no input was looked into. */
  keyed?: Keyed;
  believed?: boolean;
  /** How many vertices had been executed then. */
  keyedAfter?: number;
  result?: Promise<R>;
  /** Set once it was executed here. */
  made?: R;
  /** It ignores the cache: it was asked to, or what it stands on does. */
  uncached?: boolean;
  /** Its cached result does not stand on the cached result of its input 0. */
  stale?: boolean;
  /** Its state was reported, at least as cached. */
  reported: boolean;
}

export class Solver<R> {
  readonly #driver: Driver<R>;
  readonly #o: SolveOptions;
  readonly #entries = new Map<string, Entry<R>>();
  /** Begun, and not at their end. */
  readonly #unfinished = new Set<Promise<R>>();
  #abort = new AbortController();
  #signal: AbortSignal;
  #failure: { readonly error: unknown } | undefined;
  /** Executed so far, without sources. */
  #executions = 0;

  constructor(driver: Driver<R>, o: SolveOptions) {
    this.#driver = driver;
    this.#o = o;
    this.#signal = AbortSignal.any([o.signal, this.#abort.signal]);
  }

  /** The results of vertices. When one fails, what runs is stopped; the first error is thrown when all have ended. */
  async solve(targets: readonly Vertex[]): Promise<R[]> {
    const all = await this.solveEach(targets);
    if (this.#failure) throw this.#failure.error;
    return all.map((r) => {
      if (r.status === 'rejected') throw r.reason;
      return r.value;
    });
  }

  /** What becomes of each of some vertices: with `keepGoing` the failure of one stops only what needs it. */
  async solveEach(targets: readonly Vertex[]): Promise<PromiseSettledResult<R>[]> {
    const order = inputsFirst(targets);
    // inputs first, so that neither this nor the search for keys recurses down a long chain
    for (const v of order) {
      this.#entry(v).uncached = v.noCache || v.inputs.some((input, i) => !v.selective[i] && this.#entry(input).uncached === true);
    }
    for (const v of order) this.#key(v).catch(() => {}); // reported where the key is awaited
    const all = await Promise.allSettled(targets.map((t) => this.#result(t)));
    if (!this.#failure && all.every((r) => r.status === 'fulfilled')) await this.#restand(order).catch(() => {});
    // what was begun early and is not needed is stopped before the solve ends
    if (this.#unfinished.size > 0) {
      const stopped = new Set(this.#unfinished);
      this.#abort.abort(new DOMException('it is not needed any more', 'AbortError'));
      await Promise.allSettled(stopped);
      if (!this.#failure) this.#renew(stopped);
    }
    return Promise.allSettled(targets.map((t) => this.#result(t)));
  }

  /** Another solve may need what was stopped. */
  #renew(stopped: ReadonlySet<Promise<R>>): void {
    this.#abort = new AbortController();
    this.#signal = AbortSignal.any([this.#o.signal, this.#abort.signal]);
    for (const entry of this.#entries.values()) {
      if (entry.result === undefined || !stopped.has(entry.result)) continue;
      delete entry.result;
      if (entry.known === undefined) delete entry.key;
    }
  }

  /**
   * Executes again what came from the cache and stands on what was executed here after all: a result below it was missing, and
   * the new one is another.
   */
  async #restand(order: readonly Vertex[]): Promise<void> {
    for (const v of order) {
      const [below] = v.inputs;
      const entry = this.#entry(v);
      if (!below || v.selective[0] || entry.result === undefined || entry.made !== undefined) continue;
      // what was begun ahead of need, and is not needed, came from nowhere
      if (this.#unfinished.has(entry.result)) continue;
      if (this.#entry(below).made === undefined || this.#lookUp(v, entry.known ?? '') !== undefined) continue;
      delete entry.result;
      await this.#result(v);
    }
  }

  #entry(v: Vertex): Entry<R> {
    let entry = this.#entries.get(v.id);
    if (!entry) this.#entries.set(v.id, (entry = { reported: false }));
    return entry;
  }

  #key(v: Vertex): Promise<string> {
    const entry = this.#entry(v);
    return (entry.key ??= this.#findKey(v).then((key) => (entry.known = key)));
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
    requireKeys(v, keys);
    if (!v.selective.includes(true)) return this.#keyed(v, { key: digestParts(v, keys), parts: keys }, false);
    // the cheap way first: what these inputs led to before, without looking into them
    const cheap = keys.includes('') ? undefined : digestParts(v, keys, 'inputs');
    const alias = cheap === undefined || v.inputs.some((i) => this.#entry(i).uncached) ? undefined : this.#o.cache.alias(cheap);
    if (alias !== undefined && aliasHolds(v, alias, keys, this.#o.cache)) {
      if (!v.inputs.some((input, i) => v.selective[i] && this.#isStale(input, keys[i] as string))) return this.#keyed(v, alias, true);
    }
    // while the others are looked into: nothing is known of these inputs together, so what it changes will be needed as well
    v.inputs.forEach((input, i) => this.#expect(input, keys[i] as string, !v.selective[i]));
    const parts = await settled(
      v.inputs.map(async (input, i) => {
        if (!v.selective[i]) return keys[i] as string;
        const result = await this.#result(input);
        return this.#guard(v, () => `content:${this.#driver.contentKey(v, i, result)}`);
      }),
    );
    const keyed: Keyed = { key: digestParts(v, parts), parts };
    if (cheap !== undefined) {
      // an input that was executed meanwhile may have another one
      const now = v.inputs.map((input) => this.#entry(input).known as string);
      this.#o.cache.putAlias(digestParts(v, now, 'inputs'), { ...keyed, seen: identities(v, now, this.#o.cache) });
    }
    return this.#keyed(v, keyed, false);
  }

  #keyed(v: Vertex, keyed: Keyed, believed: boolean): string {
    Object.assign(this.#entry(v), { keyed, believed, keyedAfter: this.#executions });
    this.#o.onKey?.(v, keyed);
    return keyed.key;
  }

  /**
   * The key by what the inputs are. It is another one than before when a result that was believed to exist elsewhere could not be
   * brought, and what was executed in its place is not what the belief was about; or when what is read as it lies there was changed
   * while others were executed.
   */
  #keyOf(v: Vertex, inputs: readonly R[]): string {
    const entry = this.#entry(v);
    const { key, parts } = entry.keyed as Keyed;
    const keys = v.inputs.map((input) => this.#entry(input).known as string);
    const now = parts.map((part, i) => {
      if (!v.selective[i]) return keys[i] as string;
      const old = entry.believed === true || (this.#isLive(v, i) && entry.keyedAfter !== this.#executions);
      return old ? this.#guard(v, () => `content:${this.#driver.contentKey(v, i, inputs[i] as R)}`) : part;
    });
    const keyed: Keyed = { key: digestParts(v, now), parts: now };
    if (keyed.key === key) return key;
    if (entry.believed === true && !keys.includes(''))
      this.#o.cache.putAlias(digestParts(v, keys, 'inputs'), { ...keyed, seen: identities(v, keys, this.#o.cache) });
    return this.#rekey(v, keyed);
  }

  #rekey(v: Vertex, keyed: Keyed): string {
    const entry = this.#entry(v);
    entry.known = this.#keyed(v, keyed, false);
    entry.key = Promise.resolve(keyed.key);
    return keyed.key;
  }

  /** Whether an input is read as it lies there, without a key of its own: it may be changed at any time, by anybody. */
  #isLive(v: Vertex, i: number): boolean {
    return v.selective[i] === true && this.#entry(v.inputs[i] as Vertex).known === '';
  }

  /**
   * What was read by an execution may be other than what its key says, when that was changed meanwhile: then neither the result nor
   * what stands on it may ever be found by a key.
   */
  #rekeyChanged(v: Vertex, inputs: readonly R[]): boolean {
    const { parts } = this.#entry(v).keyed as Keyed;
    const now = parts.map((part, i) => {
      if (!this.#isLive(v, i)) return part;
      try {
        return `content:${this.#driver.contentKey(v, i, inputs[i] as R)}`;
      } catch {
        return ''; // it is gone
      }
    });
    if (now.every((part, i) => part === parts[i])) return false;
    const changed = [...parts.map((part, i) => (part === now[i] ? part : 'content:changed')), randomId()];
    this.#rekey(v, { key: digestParts(v, changed), parts });
    return true;
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
          () => {}, // reported where the key is awaited
        );
      }
    });
    try {
      return await settled(v.inputs.map((i) => this.#key(i)));
    } finally {
      clearImmediate(late);
    }
  }

  /** Begins what has no result yet; a source only with `sources`, since it has no cached result to be missed. */
  #expect(v: Vertex, key: string, sources = false): void {
    const { cache } = this.#o;
    if (this.#entry(v).result !== undefined) return;
    const missing =
      v.inputs.length === 0 ? sources : this.#entry(v).uncached || (cache.get(key) === undefined && cache.elsewhere?.(key) !== true);
    if (missing) this.#result(v).catch(() => {}); // reported where it is awaited
  }

  async #find(v: Vertex): Promise<R> {
    let key = await this.#key(v);
    const keyed = v.inputs.length > 0;
    if (keyed && !this.#entry(v).uncached) {
      let hit = this.#lookUp(v, key);
      if (hit === undefined && this.#o.cache.elsewhere?.(key)) {
        await this.#o.cache.fetch?.(key, this.#signal);
        hit = this.#lookUp(v, key);
      }
      if (hit !== undefined) {
        this.#reportCached(v);
        return hit;
      }
    }
    const inputs = await settled(v.inputs.map((i) => this.#result(i)));
    if (!keyed) return this.#execute(v, inputs);
    key = this.#keyOf(v, inputs);
    using _lock = await this.#o.lock(key, this.#signal);
    // another process may have made it meanwhile
    const hit = this.#entry(v).uncached ? undefined : this.#lookUp(v, key);
    if (hit !== undefined) {
      this.#reportCached(v);
      return hit;
    }
    const made = await this.#execute(v, inputs);
    if (this.#rekeyChanged(v, inputs)) return made;
    const saved = this.#driver.save(v, made);
    if (saved) this.#o.cache.put(key, saved, v.name);
    return made;
  }

  #lookUp(v: Vertex, key: string): R | undefined {
    const cached = this.#o.cache.get(key);
    if (!cached) return undefined;
    const below = v.inputs[0];
    const made = below && this.#entry(below).made;
    if (made === undefined && this.#isStale(v, key)) return undefined;
    return this.#driver.restore(v, cached, made);
  }

  /**
   * Whether the cached result of a vertex stands on another result than the cache has for its input 0 now, or one of those below
   * does: the input was executed again since, by a build of that stage alone.
   */
  #isStale(v: Vertex, key: string): boolean {
    const chain: { readonly entry: Entry<R>; readonly cached: CachedResult | undefined }[] = [];
    for (let at: Vertex | undefined = v, atKey: string | undefined = key; at && at.inputs.length > 0; at = at.inputs[0]) {
      const entry = this.#entry(at);
      atKey = at === v ? key : entry.known;
      chain.push({ entry, cached: atKey === undefined ? undefined : this.#o.cache.get(atKey) });
      if (entry.stale !== undefined || at.selective[0]) break;
    }
    let below: (typeof chain)[number] | undefined;
    for (const at of chain.reverse()) {
      const moved = at.cached !== undefined && below?.cached !== undefined && !this.#driver.standsOn(at.cached, below.cached);
      if (at.cached !== undefined) at.entry.stale ??= moved || below?.entry.stale === true;
      below = at;
    }
    return this.#entry(v).stale === true;
  }

  async #execute(v: Vertex, inputs: readonly R[]): Promise<R> {
    const entry = this.#entry(v);
    // one that is stopped while it waits has not begun
    using _slot = await this.#o.slot(v, this.#signal);
    try {
      this.#signal.throwIfAborted();
      entry.reported = true;
      this.#o.onState(v, 'started');
      const made = await this.#driver.execute(v, inputs, this.#signal);
      entry.made = made;
      if (v.inputs.length > 0) this.#executions++;
      entry.stale = false;
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
      this.#entry(v).reported = true;
      this.#o.onState(v, 'started');
      this.#fail(v, e);
      throw e;
    }
  }

  #fail(v: Vertex, error: unknown): void {
    const failed = this.#failure === undefined && !this.#signal.aborted;
    if (failed && this.#o.keepGoing !== true) {
      this.#failure = { error };
      this.#abort.abort(error);
    }
    this.#o.onState(v, failed ? 'failed' : 'cancelled', error);
  }

  /** A cached vertex makes all that it needs cached too, without a look at it. */
  #reportCached(v: Vertex): void {
    const stack = [v];
    const out: Vertex[] = [];
    for (let at = stack.pop(); at; at = stack.pop()) {
      const entry = this.#entry(at);
      if (entry.reported) continue;
      entry.reported = true;
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

/** All that the targets need, inputs before what reads them; without recursion, since chains are long. */
function inputsFirst(targets: readonly Vertex[]): Vertex[] {
  const seen = new Set<string>();
  const out: Vertex[] = [];
  const stack: { readonly v: Vertex; next: number }[] = [];
  const enter = (v: Vertex): void => {
    if (seen.has(v.id)) return;
    seen.add(v.id);
    stack.push({ v, next: 0 });
  };
  for (const target of targets) {
    enter(target);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const input = top.v.inputs[top.next++];
      if (input) enter(input);
      else out.push((stack.pop() as typeof top).v);
    }
  }
  return out;
}
