// The build on a terminal: running steps with a timer and their last lines of output, finished ones folded to a line.
// The block is redrawn in place a few times a second; its height never exceeds the window's, so that nothing scrolls away
// half drawn, and each line is cut to the width, so that a resize cannot wrap it.
import type { BuildEvent } from '../../engine/index.ts';
import { type BuildDisplay, failureReport, reasons, seconds, type Shown, type Sink, Tracker } from './display.ts';
import { warningReport } from './plain.ts';
import { printable, printableLine } from '../../util/index.ts';
import { summaryText } from './summary.ts';

/** Milliseconds between two drawings. */
const INTERVAL = 100;
/** Lines of output that are shown of each running step. */
const OUTPUT_LINES = 5;

const CSI = '\u001b[';

export class TerminalDisplay implements BuildDisplay {
  readonly #sink: Sink;
  readonly #now: () => number;
  readonly #tracker = new Tracker();
  readonly #progress = new Map<string, Extract<BuildEvent, { type: 'progress' }>>();
  readonly #skipped: Extract<BuildEvent, { type: 'skipped' }>[] = [];
  readonly #startedAt: number;
  readonly #timer: NodeJS.Timeout;
  /** Lines that the last drawing took: so many are gone back over by the next. */
  #height = 0;
  #summary = '';

  constructor(sink: Sink, now: () => number) {
    this.#sink = sink;
    this.#now = now;
    this.#startedAt = now();
    this.#timer = setInterval(() => this.#draw(false), INTERVAL);
    this.#sink.write(`${CSI}?25l`);
  }

  event(e: BuildEvent): void {
    switch (e.type) {
      case 'vertex': {
        const v = this.#tracker.vertex(e);
        if (e.state !== 'started') this.#tracker.flush(v, e.at);
        return;
      }
      case 'log':
        this.#tracker.log(e);
        return;
      case 'progress':
        this.#progress.set(e.id, e);
        return;
      case 'skipped':
        this.#skipped.push(e);
        return;
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

  pause(): void {
    clearInterval(this.#timer);
    this.#draw(true);
    this.#height = 0;
    this.#sink.write(`${CSI}?25h`);
  }

  end(failed: boolean): void {
    clearInterval(this.#timer);
    this.#draw(true, failed);
    this.#sink.write(`${CSI}?25h`);
    if (failed) this.#sink.write(failureReport(this.#tracker, this.#sink));
    this.#sink.write(warningReport(this.#tracker));
    if (this.#summary !== '') this.#sink.write(`\n${this.#summary}`);
  }

  #draw(last: boolean, failed = false): void {
    const { columns, rows } = this.#sink.size();
    const now = this.#now();
    const all = [...this.#tracker.vertices.values()];
    const finished = all.filter((v) => v.state !== 'started').length;
    const state = last ? (failed ? ' FAILED' : ' FINISHED') : '';
    const title = `[+] Building ${seconds(now - this.#startedAt)} (${finished}/${all.length})${state}`;
    const blocks = all.map((v) => this.#block(v, now, columns));
    for (const s of this.#skipped) blocks.push([this.#paint('2', cut(clean(` -- stage ${s.stage} skipped: ${s.reason}`), columns))]);
    let lines = blocks.flat();
    // the last drawing may scroll: it is never gone back over
    if (!last && lines.length > rows - 2) lines = lines.slice(lines.length - Math.max(1, rows - 2));
    const back = this.#height > 0 ? `${CSI}${this.#height}A\r` : '';
    const body = [title, ...lines].map((l) => `${l}${CSI}K\n`).join('');
    this.#sink.write(`${back}${body}${CSI}J`);
    this.#height = lines.length + 1;
  }

  #block(v: Shown, now: number, columns: number): string[] {
    const time = seconds((v.endedAt ?? now) - v.startedAt);
    const label = { cached: 'CACHED ', failed: 'ERROR ', cancelled: 'CANCELED ', done: '', started: '' }[v.state];
    const head = ` => ${label}${v.name}`;
    const room = columns - time.length - 1;
    const line = `${cut(head, room).padEnd(room)} ${time}`;
    const color = { cached: '34', failed: '31', cancelled: '33', done: '34', started: '' }[v.state];
    const out = [this.#paint(color, line)];
    for (const reason of reasons(v, this.#sink)) out.push(this.#paint('2', cut(` => => not cached: ${clean(reason)}`, columns)));
    if (v.state !== 'started') return out;
    const p = this.#progress.get(v.id);
    if (p && !p.done) {
      const total = p.total ? ` / ${megabytes(p.total)}` : '';
      out.push(cut(` => => ${clean(p.name)} ${megabytes(p.current)}${total}`, columns));
    }
    for (const l of v.lines.slice(-OUTPUT_LINES)) out.push(this.#paint('2', cut(` => => # ${clean(l.text)}`, columns)));
    return out;
  }

  #paint(code: string, text: string): string {
    return this.#sink.color && code ? `${CSI}${code}m${text}${CSI}0m` : text;
  }
}

const megabytes = (n: number): string => `${(n / 1e6).toFixed(2)}MB`;

/** A step's own terminal codes would move the cursor out of the block; a tab is wider than it counts. */
const clean = (text: string): string => printableLine(text, { color: false }).replaceAll(/[\t\n]/g, ' ');

/** Cuts by code points, so that no pair of surrogates is torn. */
function cut(text: string, columns: number): string {
  if (text.length <= columns) return text;
  return `${[...text].slice(0, Math.max(0, columns - 1)).join('')}…`;
}
