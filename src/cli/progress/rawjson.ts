// The build as JSON, a line for each change, in the form of BuildKit's SolveStatus (client/graph.go): what programs read.
import type { BuildEvent } from '../../engine/index.ts';
import { printableJson } from '../../util/index.ts';
import type { BuildDisplay, Sink } from './display.ts';

export class RawJsonDisplay implements BuildDisplay {
  readonly #sink: Sink;
  readonly #now: () => number;
  readonly #started = new Map<string, string>();
  /** When a status was first told, by its vertex and name. */
  readonly #statuses = new Map<string, string>();

  constructor(sink: Sink, now: () => number) {
    this.#sink = sink;
    this.#now = now;
  }

  event(e: BuildEvent): void {
    switch (e.type) {
      case 'vertex': {
        const at = time(e.at);
        if (e.state === 'started' || !this.#started.has(e.id)) this.#started.set(e.id, at);
        return this.#line({
          vertexes: [
            {
              digest: e.id,
              ...(e.inputs.length > 0 && { inputs: e.inputs }),
              name: e.name,
              started: this.#started.get(e.id),
              ...(e.state !== 'started' && { completed: at }),
              ...(e.state === 'cached' && { cached: true }),
              ...(e.state === 'failed' && { error: e.error ?? 'failed' }),
              ...(e.state === 'cancelled' && { error: 'canceled' }),
              ...(e.why && { reasons: e.why }),
            },
          ],
        });
      }
      case 'log':
        return this.#line({
          logs: [
            { vertex: e.id, stream: e.stream === 'stdout' ? 1 : 2, data: Buffer.from(e.data).toString('base64'), timestamp: time(e.at) },
          ],
        });
      case 'progress': {
        const at = time(this.#now());
        const key = `${e.id} ${e.name}`;
        if (!this.#statuses.has(key)) this.#statuses.set(key, at);
        return this.#line({
          statuses: [
            {
              id: e.name,
              vertex: e.id,
              current: e.current,
              ...(e.total !== undefined && { total: e.total }),
              timestamp: at,
              started: this.#statuses.get(key),
              ...(e.done && { completed: at }),
            },
          ],
        });
      }
      case 'warning':
        return this.#line({
          warnings: [
            {
              level: 1,
              short: Buffer.from(`${e.rule === undefined ? '' : `${e.rule}: `}${e.message}`).toString('base64'),
              ...(e.detail !== undefined && { detail: [Buffer.from(e.detail).toString('base64')] }),
              ...(e.url !== undefined && { url: e.url }),
            },
          ],
        });
      case 'skipped':
        return this.#line({ skipped: [{ stage: e.stage, reason: e.reason }] });
      case 'summary':
        return this.#line({ ref: e.ref, summary: e.summary });
      case 'engine':
      case 'text':
      case 'image':
        return;
      default:
        e satisfies never;
    }
  }

  pause(): void {}
  end(): void {}

  #line(value: object): void {
    this.#sink.write(`${printableJson(JSON.stringify(value))}\n`);
  }
}

const time = (ms: number): string => new Date(ms).toISOString();
