// The builds that clients have asked for, by the names that they gave them; and the sessions that these need.
import { SlipwayError } from '../model/index.ts';
import { Code, type GrpcClient, GrpcError } from '../protocol/index.ts';
import type { BridgeRef } from './bridge.ts';
import { BuildStatus } from './status.ts';

/** ms that a session, or a build, has to appear when another call names it before (buildkit, session/manager.go). */
const PATIENCE = 5_000;
/** Ended builds of which the progress is kept for those who ask late. */
const KEPT = 20;

/** What a frontend on the client's side gave for a build. */
export interface Returned {
  readonly error?: GrpcError;
  /** Of one of the results that it had got. */
  readonly ref?: string;
  /** Of the image, as JSON. */
  readonly config?: Uint8Array;
}

interface Ref extends BridgeRef {
  /** Delivers it, once the frontend has chosen it; left out when that has been done. */
  readonly deliver?: (config: Uint8Array | undefined) => Promise<Record<string, string>>;
}

export class RunningSolve {
  readonly status: BuildStatus;
  readonly returned = Promise.withResolvers<Returned>();
  /** The results that a frontend on the client's side has. */
  readonly refs = new Map<string, Ref>();
  /** What was delivered, by the references that the client knows. */
  readonly responses = new Map<string, Record<string, string>>();
  readonly sessionId: string;
  /** Aborted when whoever asked for it has gone. */
  readonly signal: AbortSignal;
  readonly #ref: string;
  #builds = 0;

  constructor(ref: string, sessionId: string, signal: AbortSignal, now: () => number) {
    this.#ref = ref;
    this.signal = signal;
    this.sessionId = sessionId;
    this.status = new BuildStatus(now);
    this.returned.promise.catch(() => {}); // awaited by the build, if it is
  }

  /** What the record of the next build of it is called: a frontend may ask for several. */
  nextRef(): { readonly ref?: string } {
    return this.#builds++ === 0 ? { ref: this.#ref } : {};
  }
}

/** Things by name, which others may ask for before they are there. */
class Registry<T> {
  readonly #there = new Map<string, T>();
  readonly #waiting = new Map<string, Set<(one: T) => void>>();
  readonly #what: string;

  constructor(what: string) {
    this.#what = what;
  }

  add(name: string, one: T): void {
    this.#there.set(name, one);
    for (const give of this.#waiting.get(name) ?? []) give(one);
    this.#waiting.delete(name);
  }

  has(name: string): boolean {
    return this.#there.has(name);
  }

  /** Forgets a name, if it still stands for that one. */
  remove(name: string, one: T): void {
    if (this.#there.get(name) === one) this.#there.delete(name);
  }

  /** @throws GrpcError not found when it does not appear in time */
  async find(name: string, signal: AbortSignal): Promise<T> {
    const found = this.#there.get(name);
    if (found !== undefined) return found;
    const waiters = this.#waiting.get(name) ?? new Set();
    this.#waiting.set(name, waiters);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    waiters.add(resolve);
    const late = setTimeout(() => reject(new GrpcError(Code.notFound, `no such ${this.#what} ${name}`)), PATIENCE);
    const stop = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', stop);
    try {
      return await promise;
    } finally {
      clearTimeout(late);
      signal.removeEventListener('abort', stop);
      waiters.delete(resolve);
      if (waiters.size === 0 && this.#waiting.get(name) === waiters) this.#waiting.delete(name);
    }
  }
}

export class Solves {
  readonly all = new Registry<RunningSolve>('job');
  readonly sessions = new Registry<GrpcClient>('session');
  readonly #ended: [string, RunningSolve][] = [];
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** @throws SlipwayError when the name is in use */
  begin(ref: string, sessionId: string, signal: AbortSignal): RunningSolve {
    if (ref === '' || this.all.has(ref)) throw new SlipwayError('already-exists', 'buildkit.ref', `job ID ${ref} exists`);
    const solve = new RunningSolve(ref, sessionId, signal, this.#now);
    this.all.add(ref, solve);
    return solve;
  }

  end(ref: string, solve: RunningSolve): void {
    solve.status.end();
    this.#ended.push([ref, solve]);
    while (this.#ended.length > KEPT) this.all.remove(...(this.#ended.shift() as [string, RunningSolve]));
  }
}
