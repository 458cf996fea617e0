// The progress of a builder elsewhere as events of this build.
import type { BuildEvent } from '../../builder/index.ts';
import type { StatusResponse } from '../../protocol/index.ts';

export class Translation {
  readonly #onEvent: (e: BuildEvent) => void;
  readonly #states = new Map<string, string>();

  constructor(onEvent: (e: BuildEvent) => void) {
    this.#onEvent = onEvent;
  }

  take({ vertexes, statuses, logs, warnings }: StatusResponse): void {
    for (const v of vertexes) {
      if (v.started === undefined) continue;
      const state =
        v.completed === undefined
          ? 'started'
          : v.error !== ''
            ? /cancell?ed/.test(v.error)
              ? 'cancelled'
              : 'failed'
            : v.cached
              ? 'cached'
              : 'done';
      const before = this.#states.get(v.digest);
      // two parts that have a step in common both tell of it
      if (before === state || before === 'done' || before === 'cached') continue;
      const tell = (told: typeof state | 'started', at: typeof v.started): void => {
        this.#states.set(v.digest, told);
        this.#onEvent({
          type: 'vertex',
          id: v.digest,
          name: v.name,
          inputs: v.inputs,
          state: told,
          at: ms(at),
          ...(v.error !== '' && { error: v.error }),
        });
      };
      if (before === undefined && state !== 'started' && state !== 'cached') tell('started', v.started);
      tell(state, v.completed ?? v.started);
    }
    for (const l of logs)
      this.#onEvent({ type: 'log', id: l.vertex, stream: l.stream === 2n ? 'stderr' : 'stdout', data: l.msg, at: ms(l.timestamp) });
    for (const s of statuses)
      this.#onEvent({
        type: 'progress',
        id: s.vertex,
        name: s.name || s.ID,
        current: Number(s.current),
        total: Number(s.total),
        done: s.completed !== undefined,
      });
    for (const w of warnings) this.#onEvent({ type: 'warning', message: Buffer.from(w.short).toString() });
  }
}

const ms = (t: { readonly seconds: bigint; readonly nanos: number } | undefined): number =>
  t === undefined ? 0 : Number(t.seconds) * 1000 + Math.trunc(t.nanos / 1e6);
