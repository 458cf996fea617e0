// A build that runs, put together from its events.
import type { PageBuild, PageStep } from './data.ts';
import { stepWords } from './step-name.ts';
import type { PageEvent } from './views.ts';

type Draft = { -readonly [K in keyof PageStep]: PageStep[K] };

/** Characters of output that are shown of a running step: the rest is there when the build is on record. */
const LARGEST_LOG = 1 << 20;

export class LiveBuild {
  readonly #base: PageBuild;
  readonly #steps = new Map<string, Draft>();
  #skipped: { readonly stage: string; readonly reason: string }[] = [];
  #log = '';

  constructor(base: PageBuild) {
    this.#base = base;
  }

  /** The events come again from the first on. */
  reset(): void {
    this.#steps.clear();
    this.#skipped = [];
    this.#log = '';
  }

  event(e: PageEvent): void {
    switch (e.type) {
      case 'steps':
        for (const s of e.steps) this.#step(s);
        return;
      case 'vertex': {
        const step = this.#step(e);
        step.state = e.state;
        if (e.state === 'started') step.startedAt = e.at;
        else if (e.state !== 'cached') step.endedAt = e.at;
        if (e.error !== undefined) step.error = e.error;
        if (e.why !== undefined) step.why = e.why;
        if (e.savedMs !== undefined) step.savedMs = e.savedMs;
        return;
      }
      case 'log': {
        const step = this.#steps.get(e.id);
        if (step) step.log = `${step.log}${e.text}`.slice(-LARGEST_LOG);
        return;
      }
      case 'text':
        this.#log = `${this.#log}${e.text}`.slice(-LARGEST_LOG);
        return;
      case 'skipped':
        this.#skipped.push({ stage: e.stage, reason: e.reason });
        return;
      default:
        // the page has no use for others
        e satisfies never;
    }
  }

  /** As it is now: what runs has taken as long as until now. */
  at(now: number): PageBuild {
    const steps = [...this.#steps.values()].map((s) => (s.state === 'started' ? { ...s, endedAt: now } : { ...s }));
    const count = (state: PageStep['state']): number => steps.filter((s) => s.state === state && s.inputs.length > 0).length;
    return {
      ...this.#base,
      ms: Math.max(0, now - this.#base.startedAt),
      ran: count('done'),
      cached: count('cached'),
      savedByCacheMs: steps.reduce((n, s) => n + (s.savedMs ?? 0), 0),
      skipped: this.#skipped,
      steps,
      log: this.#log,
    };
  }

  #step({ id, name, stage, inputs }: { id: string; name: string; stage?: string; inputs: readonly string[] }): Draft {
    const known = this.#steps.get(id);
    if (known) return known;
    const step: Draft = {
      id,
      number: this.#steps.size + 1,
      name,
      ...stepWords(name, stage),
      state: 'waiting',
      why: [],
      // what a step reads of others than the first is known when it is on record
      inputs: inputs.map((input, i) => ({ id: input, whole: i === 0 })),
      critical: false,
      log: '',
    };
    this.#steps.set(id, step);
    return step;
  }
}
