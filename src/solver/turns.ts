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
const BUSY_SHARE = 0.3;

export class Turns {
  readonly #jobs: number;
  readonly #now: () => number;
  readonly #running = new Set<Running>();
  readonly #queue: (() => void)[] = [];
  readonly #followed = new WeakSet<AbortSignal>();
  #timer: NodeJS.Timeout | undefined;
  #measured = 0;

  /** @param now ms, monotonic */
  constructor(jobs: number, now: () => number) {
    this.#jobs = Math.max(1, jobs);
    this.#now = now;
  }

  async take(signal: AbortSignal): Promise<Turn> {
    this.#follow(signal);
    for (signal.throwIfAborted(); this.#busy() >= this.#jobs; signal.throwIfAborted()) {
      await new Promise<void>((resolve) => {
        this.#queue.push(resolve);
        this.#measureSoon();
      });
    }
    const entry: Running = { used: undefined, last: 0, busy: true };
    this.#running.add(entry);
    return {
      watch: (used) => {
        entry.used = used;
        entry.last = used() ?? 0;
      },
      [Symbol.dispose]: () => {
        this.#running.delete(entry);
        this.#admit();
      },
    };
  }

  /** Whoever waits hears of an abort; thousands may wait, so there is one listener for all. */
  #follow(signal: AbortSignal): void {
    if (this.#followed.has(signal)) return;
    this.#followed.add(signal);
    signal.addEventListener('abort', () => {
      for (const waiting of this.#queue.splice(0)) waiting();
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
    this.#admit();
  }

  /** Lets as many begin as there is room for; who is let in too early waits again. */
  #admit(): void {
    for (let room = this.#jobs - this.#busy(); room > 0; room--) this.#queue.shift()?.();
  }
}
