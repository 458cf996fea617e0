// The build as lines, for pipes, logs and CI: `#5 [build 2/3] RUN go build`, in the form that BuildKit's users know.
// No terminal codes, nothing rewritten.
import type { BuildEvent } from '../../engine/index.ts';
import { type BuildDisplay, failureReport, outputLine, reasons, seconds, type Shown, type Sink, Tracker } from './display.ts';
import { printable } from '../../util/index.ts';
import { summaryText } from './summary.ts';

export class PlainDisplay implements BuildDisplay {
  readonly #sink: Sink;
  readonly #tracker = new Tracker();
  /** The vertex whose lines were printed last; another one's begin with its heading. */
  #current: Shown | undefined;
  #summary = '';

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  event(e: BuildEvent): void {
    switch (e.type) {
      case 'vertex':
        return this.#vertex(this.#tracker.vertex(e), e.at);
      case 'log': {
        const r = this.#tracker.log(e);
        if (r && r.lines.length > 0) this.#lines(r.vertex, r.lines);
        return;
      }
      case 'progress': {
        const v = this.#tracker.vertices.get(e.id);
        if (!v || !e.done) return;
        this.#turnTo(v);
        return this.#sink.write(`#${v.index} ${printable(e.name)} done\n`);
      }
      case 'skipped':
        this.#current = undefined;
        return this.#sink.write(printable(`# stage ${e.stage} skipped: ${e.reason}\n\n`));
      case 'warning':
        this.#tracker.warnings.push(e);
        return;
      case 'text':
        return this.#sink.write(printable(e.text));
      case 'engine':
      case 'image':
        return;
      case 'summary':
        this.#summary = summaryText(e.summary);
        return;
      default:
        e satisfies never;
    }
  }

  pause(): void {}

  end(failed: boolean): void {
    if (failed) this.#sink.write(failureReport(this.#tracker, this.#sink));
    this.#sink.write(warningReport(this.#tracker));
    this.#sink.write(this.#summary);
  }

  #vertex(v: Shown, at: number): void {
    this.#turnTo(v);
    if (v.state === 'started') {
      for (const reason of reasons(v, this.#sink)) this.#sink.write(`#${v.index} not cached: ${reason}\n`);
      return;
    }
    const rest = this.#tracker.flush(v, at);
    if (rest.length > 0) this.#lines(v, rest);
    this.#sink.write(`#${v.index} ${ending(v)}\n\n`);
    this.#current = undefined;
  }

  #turnTo(v: Shown): void {
    if (this.#current === v) return;
    if (this.#current) this.#sink.write(`#${this.#current.index} ...\n\n`);
    this.#current = v;
    this.#sink.write(`#${v.index} ${v.name}\n`);
  }

  #lines(v: Shown, lines: readonly { seconds: number; text: string }[]): void {
    this.#turnTo(v);
    this.#sink.write(lines.map((l) => `#${v.index} ${l.seconds.toFixed(3)} ${outputLine(l.text, this.#sink)}\n`).join(''));
  }
}

function ending(v: Shown): string {
  switch (v.state) {
    case 'cached':
      return 'CACHED';
    case 'failed':
      return `ERROR: ${v.error ?? 'failed'}`;
    case 'cancelled':
      return 'CANCELED';
    case 'done':
    case 'started':
      return `DONE ${seconds((v.endedAt ?? v.startedAt) - v.startedAt)}`;
    default:
      return v.state satisfies never;
  }
}

/** The warnings of a build, told once at its end. */
export function warningReport(tracker: Tracker): string {
  const n = tracker.warnings.length;
  if (n === 0) return '';
  const lines = tracker.warnings.map((w) => {
    const line = w.source ? ` (${w.included ? `${w.source.file}:` : 'line '}${w.source.range.start.line})` : '';
    return ` - ${w.rule ? `${w.rule}: ` : ''}${w.message}${line}\n`;
  });
  return printable(`\n ${n} ${n === 1 ? 'warning' : 'warnings'} found:\n${lines.join('')}`);
}
