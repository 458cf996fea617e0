// Limits how many vertices use the processor at the same time. Vertices that only wait, for a network, a lock or a clock, are not
// limited. Which ones wait is measured while others are queued, never guessed.
export interface CpuSlot extends Disposable {
  /** @param used processor time so far, in ms; a vertex whose time is unknown counts as busy */
  watch(used: () => number | undefined): void;
}

interface Running {
  used: (() => number | undefined) | undefined;
  last: number;
  busy: boolean;
}

/** Time between two measurements, in ms. */
const PERIOD = 50;
/** A vertex that uses less of a core than this is waiting. */
const BUSY_SHARE = 0.5;
/** Maximum number admitted at a time. */
const LARGEST_BURST = 64;

export class CpuSlots {
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

  async take(signal: AbortSignal): Promise<CpuSlot> {
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

  /** Wakes all waiters on an abort; thousands may wait, so they share one listener. */
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
    // when all of them wait, admit more and more: hundreds may only be waiting
    const busy = this.#busy();
    this.#burst = busy === 0 ? Math.min(this.#burst * 2, LARGEST_BURST) : this.#jobs;
    this.#admit(busy === 0 ? this.#burst : this.#jobs - busy);
  }

  #admit(count: number): void {
    for (let i = 0; i < count && this.#queue.length > 0; i++) this.#queue.shift()?.(this.#begin());
  }
}
