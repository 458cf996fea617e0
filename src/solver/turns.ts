// Who may run when: at most so many vertices that use the processor, and beside them any number that only wait, for a network,
// a lock or a clock. Which of them wait is measured while others want to begin, never guessed.
export interface Turn extends Disposable {
  /** How much processor time it has used so far, in ms; unknown, it counts as busy. */
  watch(used: () => number | undefined): void;
}

interface Running {
  used: (() => number | undefined) | undefined;
  last: number;
  busy: boolean;
}

/** Time between two measurements, in ms. */
const PERIOD = 50;
/** Who uses less of a core than this is waiting. */
const BUSY_SHARE = 0.5;
/** So many are let in at a time at most. */
const LARGEST_BURST = 64;

export class Turns {
  readonly #jobs: number;
  readonly #now: () => number;
  readonly #running = new Set<Running>();
  readonly #queue: ((entry: Running) => void)[] = [];
  readonly #followed = new WeakSet<AbortSignal>();
  #timer: NodeJS.Timeout | undefined;
  #measured = 0;
  #burst = 1;

  /** @param now ms, monotonic */
  constructor(jobs: number, now: () => number) {
    this.#jobs = Math.max(1, jobs);
    this.#now = now;
    this.#burst = this.#jobs;
  }

  async take(signal: AbortSignal): Promise<Turn> {
    this.#follow(signal);
    signal.throwIfAborted();
    const entry = this.#busy() < this.#jobs ? this.#begin() : await this.#wait();
    if (signal.aborted) {
      this.#end(entry);
      signal.throwIfAborted();
    }
    return {
      watch: (used) => {
        entry.used = used;
        entry.last = used() ?? 0;
      },
      [Symbol.dispose]: () => this.#end(entry),
    };
  }

  #begin(): Running {
    const entry: Running = { used: undefined, last: 0, busy: true };
    this.#running.add(entry);
    return entry;
  }

  #wait(): Promise<Running> {
    return new Promise((resolve) => {
      this.#queue.push(resolve);
      this.#measureSoon();
    });
  }

  #end(entry: Running): void {
    this.#running.delete(entry);
    this.#admit(this.#jobs - this.#busy());
  }

  /** Whoever waits hears of an abort; thousands may wait, so there is one listener for all. */
  #follow(signal: AbortSignal): void {
    if (this.#followed.has(signal)) return;
    this.#followed.add(signal);
    signal.addEventListener('abort', () => {
      this.#admit(this.#queue.length);
    });
  }

  #busy(): number {
    let n = 0;
    for (const r of this.#running) if (r.busy) n++;
    return n;
  }

  #measureSoon(): void {
    if (this.#timer) return;
    this.#measured = this.#now();
    for (const r of this.#running) r.last = r.used?.() ?? r.last;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#measure();
      if (this.#queue.length > 0) this.#measureSoon();
    }, PERIOD);
  }

  #measure(): void {
    const elapsed = Math.max(1, this.#now() - this.#measured);
    for (const r of this.#running) {
      const used = r.used?.();
      r.busy = used === undefined || (used - r.last) / elapsed >= BUSY_SHARE;
    }
    // when all of them wait, more and more are let in: hundreds may have nothing to do but to wait
    const busy = this.#busy();
    this.#burst = busy === 0 ? Math.min(this.#burst * 2, LARGEST_BURST) : this.#jobs;
    this.#admit(busy === 0 ? this.#burst : this.#jobs - busy);
  }

  #admit(count: number): void {
    for (let i = 0; i < count && this.#queue.length > 0; i++) this.#queue.shift()?.(this.#begin());
  }
}
