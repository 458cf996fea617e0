// How containers ended that may be gone: a client that begins to wait for a short one with `--rm` comes too late for its record.
import { type Engine, events } from '../../engine/index.ts';

interface End {
  readonly id: string;
  readonly name: string;
  readonly exitCode: number;
}

/** How many are remembered. */
const KEPT = 1000;

export class Ended {
  readonly #ends = new Map<string, End>();

  /** Notices ends until the signal aborts. */
  async follow(engine: Engine, signal: AbortSignal): Promise<void> {
    for await (const { actor, attributes } of events(engine, {
      filters: new Map([
        ['type', ['container']],
        ['event', ['die']],
      ]),
      signal,
    })) {
      this.#ends.delete(actor);
      this.#ends.set(actor, { id: actor, name: attributes['name'] ?? '', exitCode: Number(attributes['exitCode']) });
      for (const id of this.#ends.keys()) if (this.#ends.size > KEPT) this.#ends.delete(id);
    }
  }

  /** By ID, the beginning of one, or the name; the newest of that name. */
  exitCode(word: string): number | undefined {
    const all = [...this.#ends.values()].reverse();
    return (all.find((e) => e.id === word || e.name === word) ?? (word.length < 12 ? undefined : all.find((e) => e.id.startsWith(word))))
      ?.exitCode;
  }
}
