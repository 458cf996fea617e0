// The words of solver/: it knows vertices, keys and results, and never a file or a process.

/** Something to be done, and what must be done before. */
export interface Vertex {
  /** The same for equal vertices. */
  readonly id: string;
  readonly name: string;
  readonly inputs: readonly Vertex[];
  /** Of what it does, without its inputs. */
  readonly definition: string;
  /** Per input: whether only the content that is read of it counts, and not how that came about. */
  readonly selective: readonly boolean[];
  /** Do not look for a cached result. */
  readonly noCache: boolean;
}

/** What a vertex does. The solver hands results back as it got them. */
export interface Driver<R> {
  /** The identity of a vertex without inputs, or undefined when it has none before it is read. */
  sourceKey(v: Vertex): string | undefined;
  /** Finds out what a source is now, before its key is asked for. */
  resolve?(v: Vertex): Promise<void>;
  /** The digest of what `v` reads of an input. */
  contentKey(v: Vertex, input: number, result: R): string;
  execute(v: Vertex, inputs: readonly R[], signal: AbortSignal): Promise<R>;
  /** A result as text that can be kept, or undefined when it cannot. */
  save(v: Vertex, result: R): CachedResult | undefined;
  /** The result again; undefined when what it stood for is gone or does not lie on `base`, the newly made result of input 0. */
  restore(v: Vertex, cached: CachedResult, base: R | undefined): R | undefined;
  /** Whether a result was made on that one of input 0: on the same files, or on equal ones. */
  standsOn(cached: CachedResult, below: CachedResult): boolean;
}

export interface CachedResult {
  readonly snapshotId: number | null;
  readonly json: string;
}

/** Results by key, and keys by other keys: kept across runs and processes. */
export interface CacheStore {
  get(key: string): CachedResult | undefined;
  put(key: string, result: CachedResult, description: string): void;
  /** What a cheaper key led to. */
  alias(key: string): Keyed | undefined;
  putAlias(key: string, target: Keyed): void;
  /** Whether `fetch` may bring a result that `get` has not. */
  elsewhere?(key: string): boolean;
  /** Brings a result from elsewhere; `get` has it afterwards, if it could be brought. */
  fetch?(key: string, signal: AbortSignal): Promise<void>;
}

/** Results that came from elsewhere and are brought when they are needed. */
export interface Imports {
  has(key: string): boolean;
  alias(key: string): Keyed | undefined;
  /** The result, now here; undefined when it could not be brought. */
  bring(key: string, signal: AbortSignal): Promise<{ readonly result: CachedResult; readonly description: string } | undefined>;
}

/** A key, and the part that each input has in it: the input's own key, or `content:` with the digest of what is read of it. */
export interface Keyed {
  readonly key: string;
  readonly parts: readonly string[];
  /** Of an alias made here: which results were looked into, by input; '' for none. */
  readonly seen?: readonly string[];
}

export type SolveState = 'started' | 'cached' | 'done' | 'failed' | 'cancelled';

export interface SolveOptions {
  readonly cache: CacheStore;
  /** Waits until one more vertex may run; disposed of when it has. */
  slot(v: Vertex, signal: AbortSignal): Promise<Disposable>;
  readonly signal: AbortSignal;
  /** A failure stops nothing but what needs it. */
  readonly keepGoing?: boolean;
  /** Keeps others, in other processes too, from executing the same key meanwhile. */
  lock(key: string, signal: AbortSignal): Promise<Disposable>;
  /** The key of a vertex that reads others is known. Called before its first state, unless it came with another one from the cache. */
  onKey?(v: Vertex, keyed: Keyed): void;
  onState(v: Vertex, state: SolveState, error?: unknown): void;
}
