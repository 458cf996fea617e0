// Rows that change in place on a terminal: one for each layer. Into a pipe a row is printed when its state changes, and
// nothing of how far it is.
import type { Output } from '../command.ts';
import { formatBytes } from '../../util/index.ts';

export interface Row {
  /** In front of the colon: a short digest. */
  readonly key: string;
  /** `Downloading`, `Pull complete`. */
  readonly state: string;
  /** Bytes; with them goes a bar. */
  readonly current?: number;
  readonly total?: number;
}

/** Screens drawn in a second, at most. */
const RATE = 15;

export class Rows {
  readonly #out: Output;
  readonly #now: () => number;
  readonly #rows = new Map<string, Row>();
  #drawn = 0;
  #last = 0;

  constructor(out: Output, now: () => number) {
    this.#out = out;
    this.#now = now;
  }

  set(row: Row): void {
    const before = this.#rows.get(row.key);
    this.#rows.set(row.key, row);
    const changed = before?.state !== row.state;
    if (!this.#out.isTTY) {
      if (changed) this.#out.write(`${row.key}: ${row.state}\n`);
      return;
    }
    if (!changed && this.#now() - this.#last < 1000 / RATE) return;
    this.#draw();
  }

  /** Draws the last state; what is printed next goes below. */
  end(): void {
    if (this.#out.isTTY && this.#rows.size > 0) this.#draw();
    this.#rows.clear();
    this.#drawn = 0;
  }

  #draw(): void {
    this.#last = this.#now();
    // 0 is what a terminal says that does not know.
    const width = Math.max(20, (this.#out.columns || 80) - 1);
    const most = Math.max(1, (this.#out.rows || 24) - 2);
    // More rows than the screen has: what is finished gives way.
    let rows = [...this.#rows.values()];
    if (rows.length > most)
      rows = [...rows.filter((r) => r.total !== undefined), ...rows.filter((r) => r.total === undefined)].slice(0, most);
    const lines = rows.map((row) => `${cut(text(row, width), width)}\u001b[K\n`);
    const up = this.#drawn > 0 ? `\u001b[${this.#drawn}A` : '';
    this.#out.write(Buffer.from(`${up}${lines.join('')}\u001b[J`));
    this.#drawn = lines.length;
  }
}

function text({ key, state, current, total }: Row, width: number): string {
  if (current === undefined || total === undefined || total === 0) return `${key}: ${state}`;
  const share = Math.min(1, current / total);
  const room = Math.min(50, width - key.length - state.length - 28);
  const sizes = `${formatBytes(current)}/${formatBytes(total)}`;
  if (room < 10) return `${key}: ${state} ${sizes}`;
  const full = Math.floor(share * room);
  return `${key}: ${state} [${'='.repeat(Math.max(0, full - 1))}${full > 0 ? '>' : ''}${' '.repeat(room - full)}] ${sizes}`;
}

const cut = (line: string, width: number): string => (line.length <= width ? line : line.slice(0, width));
