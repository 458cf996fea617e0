// What every screen of a build offers. A display only shows: it decides nothing about the build and writes nowhere but to
// the sink that it is given.
import type { BuildEvent } from '../../engine/index.ts';
import { printable, printableLine } from '../../util/index.ts';

export interface BuildDisplay {
  /** Shows one event; events of a vertex come in order. */
  event(e: BuildEvent): void;
  /** Leaves the terminal to somebody else; what comes later is shown at the end. */
  pause(): void;
  /** Finishes the screen: nothing is left half drawn. `failed` adds what the failed step last said. */
  end(failed: boolean): void;
}

/** Where a display writes, and what it may assume of the other side. */
export interface Sink {
  write(text: string): void;
  /** Columns and rows now; they change when the window does. */
  size(): { columns: number; rows: number };
  readonly color: boolean;
  /** Somebody looks at it now: what programs write must not control their terminal. */
  readonly terminal: boolean;
  /** Tell all that made a step run. */
  readonly explain: boolean;
}

/** A vertex as a display keeps it. */
export interface Shown {
  readonly id: string;
  /** The number in plain output: 1 for the first vertex that was heard of. */
  readonly index: number;
  name: string;
  state: 'started' | 'done' | 'cached' | 'failed' | 'cancelled';
  startedAt: number;
  endedAt: number | undefined;
  error: string | undefined;
  reason: string | undefined;
  why: readonly string[];
  /** The last lines of output, each with seconds since the start, as BuildKit shows them. */
  readonly lines: { seconds: number; text: string }[];
  /** Bytes of an unfinished line, per stream. */
  readonly rest: Map<string, string>;
}

/** Characters of a line that are waited for. */
const LONGEST_LINE = 64 << 10;
/** How many lines of a step's output are kept for the report of a failure. */
const KEPT_LINES = 20;

/** Follows the events and keeps what displays need of each vertex. */
export class Tracker {
  readonly vertices = new Map<string, Shown>();
  readonly warnings: Extract<BuildEvent, { type: 'warning' }>[] = [];
  readonly #decoders = new Map<string, TextDecoder>();

  vertex(e: Extract<BuildEvent, { type: 'vertex' }>): Shown {
    let v = this.vertices.get(e.id);
    const name = oneLine(e.name);
    if (!v) {
      v = {
        id: e.id,
        index: this.vertices.size + 1,
        name,
        state: e.state,
        startedAt: e.at,
        endedAt: undefined,
        error: undefined,
        reason: undefined,
        why: [],
        lines: [],
        rest: new Map(),
      };
      this.vertices.set(e.id, v);
    }
    v.state = e.state;
    v.name = name;
    if (e.state !== 'started') v.endedAt = e.at;
    v.error = e.error === undefined ? undefined : printable(e.error);
    v.reason = e.reason === undefined ? v.reason : printable(e.reason);
    v.why = e.why?.map(printable) ?? v.why;
    return v;
  }

  /** The whole lines that a piece of output completes. */
  log(e: Extract<BuildEvent, { type: 'log' }>): { vertex: Shown; lines: { seconds: number; text: string }[] } | undefined {
    const v = this.vertices.get(e.id);
    if (!v) return undefined;
    const key = `${e.id} ${e.stream}`;
    let decoder = this.#decoders.get(key);
    if (!decoder) this.#decoders.set(key, (decoder = new TextDecoder()));
    const pieces = ((v.rest.get(e.stream) ?? '') + decoder.decode(e.data, { stream: true })).split('\n');
    let rest = pieces.pop() ?? '';
    // a line without an end would grow beyond all memory: it is shown in pieces
    if (rest.length > LONGEST_LINE) rest = (pieces.push(rest), '');
    v.rest.set(e.stream, rest);
    return { vertex: v, lines: this.#keep(v, pieces, e.at) };
  }

  /** What a vertex wrote after its last line feed, when it ends. */
  flush(v: Shown, at: number): { seconds: number; text: string }[] {
    const pieces = [...v.rest.values()].filter((t) => t !== '');
    v.rest.clear();
    return this.#keep(v, pieces, at);
  }

  #keep(v: Shown, pieces: readonly string[], at: number): { seconds: number; text: string }[] {
    const seconds = Math.max(0, at - v.startedAt) / 1000;
    const lines = pieces.map((text) => ({ seconds, text: text.endsWith('\r') ? text.slice(0, -1) : text }));
    v.lines.push(...lines);
    if (v.lines.length > KEPT_LINES) v.lines.splice(0, v.lines.length - KEPT_LINES);
    return lines;
  }
}

/** For names: a line feed would end the line that they are in. */
export const oneLine = (text: string): string => printable(text).replaceAll('\n', '\\n');

/** What a program wrote: as it is into pipes and files, as Docker does. */
export const outputLine = (text: string, sink: Sink): string => (sink.terminal ? printableLine(text, { color: true }) : text);

/** The last output of the steps that failed, between rules, as BuildKit shows it. */
export function failureReport(tracker: Tracker, sink: Sink): string {
  let out = '';
  for (const v of tracker.vertices.values()) {
    if (v.state !== 'failed') continue;
    out += `------\n > ${v.name}:\n`;
    for (const l of v.lines) out += `${l.seconds.toFixed(3)} ${outputLine(l.text, sink)}\n`;
    out += '------\n';
  }
  const cancelled = [...tracker.vertices.values()].filter((v) => v.state === 'cancelled');
  if (cancelled.length > 0) out += `cancelled: ${cancelled.map((v) => v.name).join(', ')}\n`;
  return out;
}

/** Why a step ran: the one line, or all of it. */
export const reasons = (v: Shown, sink: Sink): readonly string[] =>
  v.reason === undefined ? [] : sink.explain && v.why.length > 1 ? v.why : [v.reason];

/** Seconds with one decimal, as BuildKit writes them. */
export const seconds = (ms: number): string => `${(Math.max(0, ms) / 1000).toFixed(1)}s`;
