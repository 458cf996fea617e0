// The progress of a build as BuildKit's clients show it. Everything is kept until the build has ended, for whoever asks late.
import { createHash } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import type { BuildEvent } from '../engine/index.ts';
import { StatusResponseSchema } from '../protocol/index.ts';
import { positionOf } from './errors.ts';

/** Bytes of output that are kept of one build for clients that have not taken it yet. */
const MOST_OUTPUT = 64 << 20;

type Timestamp = { seconds: bigint; nanos: number };
type Update = {
  vertexes?: {
    digest: string;
    inputs: string[];
    name: string;
    cached?: boolean;
    started?: Timestamp;
    completed?: Timestamp;
    error?: string;
  }[];
  statuses?: {
    ID: string;
    vertex: string;
    name: string;
    current: bigint;
    total: bigint;
    timestamp: Timestamp;
    started: Timestamp;
    completed?: Timestamp;
  }[];
  logs?: { vertex: string; timestamp: Timestamp; stream: bigint; msg: Uint8Array }[];
  warnings?: {
    vertex: string;
    level: bigint;
    short: Uint8Array;
    detail: Uint8Array[];
    url: string;
    info?: { filename: string; data: Uint8Array; language: string };
    ranges: { start: { line: number; character: number }; end: { line: number; character: number } }[];
  }[];
};

export const timeOf = (ms: number): Timestamp => ({ seconds: BigInt(Math.floor(ms / 1000)), nanos: Math.floor(ms % 1000) * 1_000_000 });

/** Clients take the names of vertices for digests. */
export const digestOf = (id: string): string =>
  /^sha256:[0-9a-f]{64}$/.test(id) ? id : `sha256:${createHash('sha256').update(id).digest('hex')}`;

export class BuildStatus {
  readonly #now: () => number;
  readonly #updates: (Update | undefined)[] = [];
  readonly #started = new Map<string, number>();
  readonly #progress = new Map<string, number>();
  readonly #names = new Map<string, string>();
  #output = 0;
  /** The oldest update whose output is still there. */
  #oldest = 0;
  #ended = false;
  readonly #waiting = new Set<() => void>();

  constructor(now: () => number) {
    this.#now = now;
  }

  take(e: BuildEvent): void {
    const update = this.updateOf(e);
    if (update === undefined) return;
    this.#updates.push(update);
    for (const { msg } of update.logs ?? []) this.#output += msg.length;
    for (; this.#output > MOST_OUTPUT && this.#oldest < this.#updates.length; this.#oldest++) {
      const logs = this.#updates[this.#oldest]?.logs;
      if (logs === undefined) continue;
      for (const { msg } of logs) this.#output -= msg.length;
      this.#updates[this.#oldest] = undefined;
    }
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** All that has happened, and what happens until the end. */
  async *updates(signal: AbortSignal): AsyncGenerator<Update> {
    for (let at = 0; ;) {
      signal.throwIfAborted();
      if (at < this.#updates.length) {
        const update = this.#updates[at++];
        if (update !== undefined) yield update;
      } else if (this.#ended) return;
      else await this.#more(signal);
    }
  }

  #more(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }

  #wake(): void {
    // each takes itself off
    for (const wake of this.#waiting) wake();
  }

  /** What clients are told of an event. */
  updateOf(e: BuildEvent): Update | undefined {
    switch (e.type) {
      case 'vertex': {
        this.#names.set(e.name, e.id);
        if (e.state === 'started') this.#started.set(e.id, e.at);
        const started = this.#started.get(e.id) ?? e.at;
        return {
          vertexes: [
            {
              digest: digestOf(e.id),
              inputs: e.inputs.map(digestOf),
              name: e.name,
              cached: e.state === 'cached',
              started: timeOf(started),
              ...(e.state !== 'started' && { completed: timeOf(e.at) }),
              ...(e.state === 'failed' && { error: e.error ?? 'failed' }),
              ...(e.state === 'cancelled' && { error: 'context canceled' }),
            },
          ],
          ...(e.reason !== undefined && { logs: [log(e.id, 2, Buffer.from(`not cached: ${e.reason}\n`), e.at)] }),
        };
      }
      case 'log':
        return { logs: [log(e.id, e.stream === 'stdout' ? 1 : 2, e.data, e.at)] };
      case 'progress': {
        const key = `${e.id} ${e.name}`;
        const now = this.#now();
        const started = this.#progress.get(key) ?? now;
        this.#progress.set(key, started);
        return {
          statuses: [
            {
              ID: e.name,
              vertex: digestOf(e.id),
              name: e.name,
              // something that is done or not has no size to be shown
              current: e.total === 1 ? 0n : BigInt(Math.trunc(e.current)),
              total: e.total === 1 ? 0n : BigInt(Math.trunc(e.total ?? 0)),
              timestamp: timeOf(now),
              started: timeOf(started),
              ...(e.done && { completed: timeOf(now) }),
            },
          ],
        };
      }
      case 'warning': {
        const [, vertex = ''] = [...this.#names].find(([name]) => name.includes('load build definition')) ?? [];
        return {
          warnings: [
            {
              vertex: digestOf(vertex),
              level: 1n,
              short: Buffer.from(
                `${e.rule === undefined ? '' : `${e.rule}: `}${e.message}${e.source ? ` (${e.included ? `${e.source.file}:` : 'line '}${e.source.range.start.line})` : ''}`,
              ),
              detail: e.detail === undefined ? [] : [Buffer.from(e.detail)],
              url: e.url ?? '',
              ...(e.source && {
                info: { filename: e.source.file, data: Buffer.from(e.source.text), language: 'Dockerfile' },
              }),
              ranges: e.source ? [{ start: positionOf(e.source.range.start), end: positionOf(e.source.range.end) }] : [],
            },
          ],
        };
      }
      default:
        return undefined;
    }
  }
}

/** A `StatusResponse`. */
export const statusBytes = (update: Update): Buffer => Buffer.from(toBinary(StatusResponseSchema, create(StatusResponseSchema, update)));

const log = (id: string, stream: 1 | 2, msg: Uint8Array, at: number) => ({
  vertex: digestOf(id),
  timestamp: timeOf(at),
  stream: BigInt(stream),
  msg: Uint8Array.from(msg),
});
