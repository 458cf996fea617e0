// The lab: chapters that a learner does by hand, and checks of what was really done.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { SlipwayError } from '../../model/index.ts';
import type { Context } from '../command.ts';
import type { Chapter } from './chapter.ts';
import { CHAPTERS } from './chapters/index.ts';
import { type Page, parsePage } from './page.ts';
import { Progress, type Started } from './progress.ts';
import { shown } from './shown.ts';
import { World } from './world.ts';

export class Lab {
  readonly #ctx: Context;
  readonly #progress: Progress;

  constructor(ctx: Context, home: string) {
    this.#ctx = ctx;
    this.#progress = new Progress(ctx.env, home);
  }

  /** The chapters as rows: number, title, minutes, state. */
  list(): string[][] {
    const { current, started, done } = this.#progress.read();
    return CHAPTERS.map((c, i) => {
      const page = this.#page(c);
      const state = done[c.name] !== undefined ? 'done' : started[c.name] !== undefined ? 'begun' : '';
      return [String(i + 1), page.title, `${page.minutes} min`, c.name === current ? `${state} (current)`.trim() : state];
    });
  }

  /** Lays a chapter's files into a folder, keeping those that exist, and returns what to do. */
  start(which: string, into: string | undefined): string {
    const chapter = this.#find(which);
    const state = this.#progress.read();
    const folder = resolve(this.#ctx.cwd, into ?? state.started[chapter.name]?.folder ?? join('slipway-lab', chapter.name));
    const page = this.#page(chapter);
    const kept = lay(page, folder, false);
    const begun: Started = { folder, since: this.#ctx.now(), hints: 0 };
    this.#progress.write({ ...state, current: chapter.name, started: { ...state.started, [chapter.name]: begun } });
    const files = [...page.files.keys()].map((path) => `  ${path}${kept.includes(path) ? '   (was there, and stays as it is)' : ''}`);
    return this.#show(
      `# ${this.#number(chapter)}. ${page.title}\n\nWork in \`${folder}\`, where these files are:\n\n\`\`\`\n${files.join('\n')}\n\`\`\`\n\n${page.text}`,
    );
  }

  /** Looks at what the learner did. Returns the text, and whether all of it is right. */
  async check(which: string | undefined): Promise<{ text: string; passed: boolean }> {
    const { chapter, begun } = this.#begun(which);
    const world = new World({
      folder: begun.folder,
      since: begun.since,
      selfCommand: this.#ctx.selfCommand,
      env: this.#ctx.env,
      signal: this.#ctx.signal,
    });
    const lines: string[] = [];
    for (const { goal, look } of chapter.checks) {
      const verdict = await look(world);
      if (verdict.ok) {
        lines.push(`- ok: ${goal}. ${verdict.found}`);
        continue;
      }
      lines.push(`- not yet: ${goal}. ${verdict.why}`, `  Try: ${verdict.hint}`);
      return { text: this.#show(lines.join('\n')), passed: false };
    }
    const state = this.#progress.read();
    this.#progress.write({ ...state, done: { [chapter.name]: this.#ctx.now(), ...state.done } });
    const next = CHAPTERS[CHAPTERS.indexOf(chapter) + 1];
    const last = 'That was the last chapter.';
    lines.push(
      '',
      next === undefined ? last : `Done. The next one: \`slipway lab start ${this.#number(next)}\` (${this.#page(next).title})`,
    );
    return { text: this.#show(lines.join('\n')), passed: true };
  }

  /** The next hint; the last one again when there are no more. */
  hint(which: string | undefined): string {
    const { chapter, begun } = this.#begun(which);
    const { hints } = this.#page(chapter);
    const index = Math.min(begun.hints, hints.length - 1);
    const state = this.#progress.read();
    this.#progress.write({ ...state, started: { ...state.started, [chapter.name]: { ...begun, hints: index + 1 } } });
    return this.#show(`Hint ${index + 1} of ${hints.length}: ${hints[index] ?? ''}`);
  }

  solution(which: string | undefined): string {
    return this.#page(this.#begun(which).chapter).solution;
  }

  /** Lays the files of a chapter as they were at first; what the learner wrote into them is lost. */
  reset(which: string | undefined): string {
    const { chapter, begun } = this.#begun(which);
    const page = this.#page(chapter);
    lay(page, begun.folder, true);
    const state = this.#progress.read();
    const { [chapter.name]: _, ...done } = state.done;
    this.#progress.write({ ...state, done, started: { ...state.started, [chapter.name]: { ...begun, since: this.#ctx.now(), hints: 0 } } });
    return `${[...page.files.keys()].join(', ')}: as at first, in ${begun.folder}\n`;
  }

  #number(chapter: Chapter): number {
    return CHAPTERS.indexOf(chapter) + 1;
  }

  #page(chapter: Chapter): Page {
    const [launcher = ''] = this.#ctx.selfCommand;
    return parsePage(readFileSync(join(dirname(launcher), '..', 'docs', 'lab', `${chapter.name}.md`), 'utf8'));
  }

  #find(which: string): Chapter {
    const found = CHAPTERS[Number(which) - 1] ?? CHAPTERS.find((c) => c.name === which || c.name.slice(3) === which);
    if (found === undefined)
      throw new SlipwayError('not-found', 'lab.no-chapter', `the lab has no chapter ${which}`, {
        hints: [`chapters are 1 to ${CHAPTERS.length}; slipway lab list shows them`],
      });
    return found;
  }

  /** The chapter that is meant, which was begun. */
  #begun(which: string | undefined): { chapter: Chapter; begun: Started } {
    const state = this.#progress.read();
    const name = which === undefined ? state.current : this.#find(which).name;
    const chapter = CHAPTERS.find((c) => c.name === name);
    const begun = chapter && state.started[chapter.name];
    if (chapter === undefined || begun === undefined || !existsSync(begun.folder))
      throw new SlipwayError(
        'failed-precondition',
        'lab.not-started',
        which === undefined ? 'no chapter is begun' : `chapter ${which} is not begun`,
        {
          hints: [`slipway lab start ${which ?? 1}`],
        },
      );
    return { chapter, begun };
  }

  #show(markdown: string): string {
    return shown(markdown, {
      columns: this.#ctx.stdout.isTTY ? (this.#ctx.stdout.columns ?? 80) : 100,
      color: this.#ctx.stdout.isTTY && this.#ctx.settings.color,
    });
  }
}

/** Writes the files of a page; returns those that were there and were kept. */
function lay(page: Page, folder: string, overwrite: boolean): string[] {
  const kept: string[] = [];
  for (const [path, text] of page.files) {
    const target = join(folder, path);
    if (existsSync(target) && !overwrite) {
      kept.push(path);
      continue;
    }
    mkdirSync(dirname(target), { recursive: true });
    rmSync(target, { force: true });
    writeFileSync(target, text, { mode: text.startsWith('#!') ? 0o755 : 0o644, flag: 'wx' });
  }
  return kept;
}
