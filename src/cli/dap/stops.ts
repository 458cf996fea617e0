// Where a build stops and when it goes on: what the editor asked for, as the engine asks about it.
import type { StepDebugger, StepPlace, StepState } from '../../engine/index.ts';

export type StopReason = 'entry' | 'breakpoint' | 'step' | 'pause' | 'exception';
/** To the next breakpoint, the next instruction, or the first one behind this stage. */
export type Going = 'on' | 'next' | 'out';

export class Stops implements StepDebugger {
  /** Lines by path. */
  readonly breakpoints = new Map<string, ReadonlySet<number>>();
  /** Whether failed steps are stopped at. */
  failures = true;
  readonly #pathOf: (file: string) => string;
  readonly #onStopped: (reason: StopReason, state: StepState) => void;
  readonly #running = new Set<AbortController>();
  #going: Going;
  #stage: number | undefined;
  #reason: StopReason;
  #current: StepState | undefined;
  #go: (() => void) | undefined;
  #over = false;

  /** @param pathOf of a file that messages call so */
  constructor(o: { readonly stopOnEntry: boolean; pathOf(file: string): string; onStopped(reason: StopReason, state: StepState): void }) {
    this.#going = o.stopOnEntry ? 'next' : 'on';
    this.#reason = 'entry';
    this.#pathOf = (file) => o.pathOf(file);
    this.#onStopped = (reason, state) => o.onStopped(reason, state);
  }

  /** While the build stands. */
  get current(): StepState | undefined {
    return this.#current;
  }

  wants(place: StepPlace): boolean {
    if (this.#over) return false;
    if (place.reason === 'failed') return this.failures;
    if (this.#going === 'next' || (this.#going === 'out' && place.stage.index !== this.#stage)) return true;
    return this.#isBreakpoint(place);
  }

  async stopped(state: StepState): Promise<void> {
    if (this.#over) return;
    const stepping = this.#going !== 'on';
    const reason = state.reason === 'failed' ? 'exception' : this.#isBreakpoint(state) ? 'breakpoint' : stepping ? this.#reason : 'step';
    this.#current = state;
    const going = new Promise<void>((resolve) => (this.#go = resolve));
    this.#onStopped(reason, state);
    await going;
  }

  go(going: Going): void {
    this.#going = going;
    this.#reason = 'step';
    this.#stage = this.#current?.stage.index;
    this.#release();
  }

  /** Stops before the next instruction. */
  pause(): void {
    this.#going = 'next';
    this.#reason = 'pause';
  }

  /** The build ends: nothing is stopped at any more. */
  end(): void {
    this.#over = true;
    this.#release();
  }

  /** Runs something in the state that the build stands at; it is stopped when the build goes on. */
  async during<T>(work: (state: StepState, signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    const state = this.#current;
    if (state === undefined) return undefined;
    const stop = new AbortController();
    this.#running.add(stop);
    try {
      return await work(state, stop.signal);
    } finally {
      this.#running.delete(stop);
    }
  }

  #release(): void {
    this.#current = undefined;
    for (const one of this.#running) one.abort(new DOMException('the build goes on', 'AbortError'));
    this.#go?.();
    this.#go = undefined;
  }

  #isBreakpoint({ source }: StepPlace): boolean {
    return this.breakpoints.get(this.#pathOf(source.file))?.has(source.range.start.line) === true;
  }
}
