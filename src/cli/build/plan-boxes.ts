// A plan for a terminal: a box for each stage, and lines at the left from a stage to the steps that read it. What a stage reads stands
// above it in every Dockerfile, so all lines lead down.
import type { Plan, PlannedStep } from '../../engine/index.ts';
import { printable } from '../../util/index.ts';
import { FATES, planSum } from './plan-words.ts';

export interface BoxOptions {
  readonly columns: number;
  readonly color: boolean;
}

/** SGR codes: what is cached steps back. */
const COLORS: Readonly<Record<PlannedStep['fate'], string>> = { source: '2', cached: '2', run: '33', maybe: '33' };
/** Narrower boxes say nothing. */
const NARROWEST = 30;

/** What a line looks like where another one leads across it. */
const CROSSED: Readonly<Record<string, string>> = { '│': '┼', '╭': '┬', '╰': '┴', '├': '┼', '┬': '┬', '┴': '┴', '┼': '┼' };

interface Line {
  /** Of the box, in its full width. */
  readonly text: string;
  readonly color?: string;
  /** Here a stage ends, whose line begins if others read it. */
  readonly ends?: string;
  /** Stages that this step reads. */
  readonly reads: readonly string[];
}

interface Rail {
  readonly stage: string;
  readonly from: number;
  readonly to: number;
  column: number;
}

export function boxes(plan: Plan, { columns, color }: BoxOptions): string {
  const stageOf = new Map(plan.steps.map((s) => [s.id, s.stage]));
  const numbers = new Map(plan.steps.map((s, i) => [s.id, i + 1]));
  const readers = new Set(
    plan.steps.flatMap((s) => s.inputs.flatMap((id) => (stageOf.get(id) === s.stage ? [] : (stageOf.get(id) ?? [])))),
  );
  const room = Math.max(NARROWEST, columns - 2 * Math.min(readers.size, 8) - 2);
  const lines: Line[] = [];
  const outside = plan.steps.filter((s) => !plan.stages.some((stage) => stage.name === s.stage));
  const draw = (name: string | undefined, title: string, steps: readonly PlannedStep[]): void => {
    lines.push({ text: edge('┌', title, '┐', room), reads: [] });
    for (const s of steps) {
      const reads = [...new Set(s.inputs.map((id) => stageOf.get(id) ?? '').filter((stage) => stage !== (s.stage ?? '')))];
      const head = `${FATES[s.fate].padEnd(6)} #${String(numbers.get(s.id)).padEnd(3)} ${s.name.replace(/^\[[^\]]*\] /, '')}`;
      lines.push({ text: row(head, room), color: COLORS[s.fate], reads });
      if (s.reason !== undefined) lines.push({ text: row(`            ${s.reason}`, room), reads: [] });
    }
    lines.push({ text: edge('└', '', '┘', room), reads: [], ...(name !== undefined && { ends: name }) });
  };
  if (outside.length > 0) draw('', 'from outside', outside);
  for (const stage of plan.stages) {
    if (!stage.needed)
      lines.push({ text: edge('╌', `${stage.name}: skipped, ${stage.reason ?? ''}`, '╌', room, '╌'), color: '2', reads: [] });
    else
      draw(
        stage.name,
        `${stage.name} ─ FROM ${stage.base}`,
        plan.steps.filter((s) => s.stage === stage.name),
      );
  }
  return `${withRails(lines, color)}\n${planSum(plan)}\n`;
}

const cut = (text: string, room: number): string => (text.length <= room ? text : `${text.slice(0, Math.max(0, room - 1))}…`);
const row = (text: string, room: number): string => `│ ${cut(printable(text).replaceAll('\n', ' '), room - 4).padEnd(room - 4)} │`;

function edge(left: string, title: string, right: string, room: number, dash = '─'): string {
  const shown = title === '' ? '' : ` ${cut(printable(title), room - 6)} `;
  return `${left}${dash}${shown}${dash.repeat(Math.max(0, room - 3 - shown.length))}${right}`;
}

function withRails(lines: readonly Line[], color: boolean): string {
  const rails = railsOf(lines);
  const width = 2 * Math.max(0, ...rails.map((r) => r.column + 1)) + 1;
  return lines
    .map(({ text, color: code }, i) => {
      const prefix: string[] = Array.from({ length: rails.length === 0 ? 0 : width }, () => ' ');
      for (const r of rails) if (r.from < i && i < r.to) prefix[2 * r.column] = '│';
      // the ends last: they lead across the others to the box
      for (const r of rails) {
        const reads = i > r.from && i <= r.to && lines[i]?.reads.includes(r.stage) === true;
        if (i !== r.from && !reads) continue;
        const at = 2 * r.column;
        const corner = i === r.from ? '╭' : i === r.to ? '╰' : '├';
        prefix[at] = prefix[at] === '─' ? (CROSSED[corner] ?? corner) : corner;
        for (let x = at + 1; x < width; x++) prefix[x] = CROSSED[prefix[x] ?? ''] ?? '─';
        if (reads) prefix[width - 1] = '▶';
      }
      return `${prefix.join('')}${color && code !== undefined ? `\u001b[${code}m${text}\u001b[0m` : text}\n`;
    })
    .join('');
}

/** A line for each stage that others read, in the leftmost columns that are free there. */
function railsOf(lines: readonly Line[]): Rail[] {
  const rails = lines.flatMap(({ ends }, from): Rail[] => {
    if (ends === undefined) return [];
    const to = lines.findLastIndex((line, i) => i > from && line.reads.includes(ends));
    return to < 0 ? [] : [{ stage: ends, from, to, column: 0 }];
  });
  // the longest outermost, so that lines cross as little as can be
  const placed: Rail[] = [];
  for (const rail of rails.toSorted((a, b) => b.to - b.from - (a.to - a.from))) {
    const taken = new Set(placed.filter((p) => p.from <= rail.to && rail.from <= p.to).map((p) => p.column));
    while (taken.has(rail.column)) rail.column++;
    placed.push(rail);
  }
  return rails;
}
