// The screens of a build: which one fits where the output goes.
import type { BuildEvent } from '../../engine/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { printableLine } from '../../util/index.ts';
import type { Context } from '../command.ts';
import type { BuildDisplay, Sink } from './display.ts';
import { PlainDisplay } from './plain.ts';
import { RawJsonDisplay } from './rawjson.ts';
import { TerminalDisplay } from './terminal.ts';

export type { BuildDisplay } from './display.ts';

/** Says nothing. */
class QuietDisplay implements BuildDisplay {
  event(): void {}
  pause(): void {}
  end(): void {}
}

/** The original engine writes its own lines: progress to standard output, as `docker build` without BuildKit does. */
class TextDisplay implements BuildDisplay {
  readonly #ctx: Context;

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  event(e: BuildEvent): void {
    if (e.type === 'text') this.#ctx[e.stream].write(this.#shown(e));
    else if (e.type === 'warning') this.#ctx.stderr.write(`[Warning] ${e.message}\n`);
  }

  /** Some of it is what programs wrote. */
  #shown({ text, stream }: { readonly text: string; readonly stream: 'stdout' | 'stderr' }): string {
    if (!this.#ctx[stream].isTTY) return text;
    return text
      .split('\n')
      .map((line) => printableLine(line, { color: true }))
      .join('\n');
  }

  pause(): void {}
  end(): void {}
}

/** @param explain tell all that made a step run, not only the first thing */
export function openDisplay(progress: string, ctx: Context, engine: 'graph' | 'classic', explain: boolean): BuildDisplay {
  const sink: Sink = {
    write: (text) => void ctx.stderr.write(Buffer.from(text)),
    size: () => ({ columns: ctx.stderr.columns || 80, rows: ctx.stderr.rows || 24 }),
    color: ctx.settings.color,
    terminal: ctx.stderr.isTTY,
    explain,
  };
  switch (progress) {
    case 'quiet':
    case 'none':
      return new QuietDisplay();
    case 'rawjson':
      return new RawJsonDisplay(sink, ctx.now);
    case 'auto':
    case 'tty':
    case 'plain':
      if (engine === 'classic') return new TextDisplay(ctx);
      if (progress === 'plain' || !ctx.stderr.isTTY) return new PlainDisplay(sink);
      return new TerminalDisplay(sink, () => ctx.now());
    default:
      throw new SlipwayError('invalid-argument', 'flag.progress', `invalid progress mode ${progress}`, {
        hints: ['--progress auto, plain, tty, quiet, rawjson or none'],
      });
  }
}
