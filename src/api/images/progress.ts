// What long work tells its client meanwhile: lines of JSON, as Docker's clients draw them.
import { formatBytes } from '../../util/index.ts';
import type { Call } from '../http/call.ts';
import type { JsonLines } from '../http/reply.ts';

/** Lines that begin with the first: what fails before it has a status of its own. */
export class Progress {
  readonly #call: Call;
  #lines: JsonLines | undefined;

  constructor(call: Call) {
    this.#call = call;
  }

  get lines(): JsonLines {
    return (this.#lines ??= this.#call.reply.lines());
  }

  async run(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (e) {
      if (this.#lines === undefined || this.#call.signal.aborted) throw e;
      this.#lines.fail(e);
    }
    this.lines.end();
  }

  /** A row that moves: `current` of `total` bytes. */
  row(id: string, status: string, current?: number, total?: number): void {
    if (current === undefined) return this.lines.write({ status, progressDetail: {}, id });
    const progress = `${bar(current, total ?? 0)}  ${formatBytes(current)}${total === undefined ? '' : `/${formatBytes(total)}`}`;
    this.lines.progress({ status, progressDetail: { current, ...(total !== undefined && { total }) }, progress, id });
  }
}

const WIDTH = 50;

/** As Docker draws it for those who do not draw themselves. */
function bar(current: number, total: number): string {
  const filled = total <= 0 ? 0 : Math.min(WIDTH, Math.floor((current / total) * WIDTH));
  return `[${'='.repeat(filled)}${filled < WIDTH ? `>${' '.repeat(WIDTH - filled - 1)}` : ''}]`;
}
